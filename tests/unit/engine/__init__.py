"""The engine over honest ports in memory, in virtual time."""
