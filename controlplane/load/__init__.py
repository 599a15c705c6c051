"""YAML into the model, with every mistake at its file, line and column.

May live here: reading, checking across documents, schemas. May not: decisions, or anything that changes the world.
"""
