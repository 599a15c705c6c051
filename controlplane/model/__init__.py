"""The nouns: what people write and what the program computes.

May live here: frozen values, their invariants and look-ups on them. May not: I/O, clocks, chance, decisions.
``resources/`` holds what people write (frozen pydantic, one file a kind); everything else is what the program
computes (frozen slotted dataclasses).
"""
