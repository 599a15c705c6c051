"""Metrics, traces and logs: listeners to the journal.

May live here: exporters and their names. May not: anything that an act waits for.
"""
