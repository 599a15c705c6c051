"""What every store owes: one suite over memory, SQLite and a real PostgreSQL, and what each does in trouble."""
