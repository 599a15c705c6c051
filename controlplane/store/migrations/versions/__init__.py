"""One revision a file, named by its number.

May live here: revisions. May not: a change to one that was released.
"""
