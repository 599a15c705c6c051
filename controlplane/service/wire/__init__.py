"""The JSON that every face prints: one serialiser a noun, field names as CONTRACTS has them.

May live here: pure functions from nouns to plain JSON, and back where a noun is sent to us. May not: I/O, sentences of
its own (``decide.explain`` makes them), a look at anything but the noun and the estate.
"""
