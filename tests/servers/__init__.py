"""Against real servers that the tests start themselves, on loopback."""
