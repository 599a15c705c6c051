"""The false world, and the daemon in it."""
