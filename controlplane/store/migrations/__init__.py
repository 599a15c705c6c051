"""The schema's history, one alembic revision a file in ``versions/``; shipped with the package.

May live here: revisions and alembic's environment. May not: imports of the store's own code: a revision must mean the
same for ever, whatever becomes of the code.
"""
