"""The parts of the HTTP face that need no server."""
