"""The shop: what users of the sandbox talk to, one process a region.

It exists to fail as shops do: it saturates, its dependencies are called for real, its writes are lost if the database
loses them. May live here: what runs inside that process. May not: anything that decides about other regions.
"""
