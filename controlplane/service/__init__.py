"""The one application service: what people and programs can ask, as plain async methods.

May live here: commands with their preview, queries, the rules about who may say what (R11), and ``wire/``, the JSON
that every face prints. May not: HTTP, terminals, SQL, a concrete driver or store, or a decision of its own: whatever
is decided is asked of ``decide``.
"""
