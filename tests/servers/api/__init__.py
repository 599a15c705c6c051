"""The HTTP face on a real port, asked by real clients: httpx, our own, OpenFeature's and schemathesis."""
