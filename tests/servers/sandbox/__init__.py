"""The sandbox on real servers."""
