"""One suite a port; every implementation of the port passes it, the simulator among them."""
