"""A false world behind the same ports, on a virtual clock, from a seed.

May live here: regions, networks, queues and faults that are not real. May not: an import of engine or decide: they are handed in.
"""
