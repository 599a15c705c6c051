"""Leeward's control plane: watch, decide, move, and bring back.

One package a room, and imports point one way: wiring, api, service, then engine and load, then decide and ports, then
model. May live here: the version. May not: anything that imports a room, since every import of a room passes here.
"""

__version__ = "0.1.0"
