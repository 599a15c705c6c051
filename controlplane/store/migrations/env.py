"""Alembic's environment: run the revisions in the transaction of the connection that is handed in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
