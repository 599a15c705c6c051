"""Tests, a folder a kind: from rules about the text of the house to whole runs of the sandbox.

May live here: tests and what they share. May not: anything that the product imports.
"""
