"""One module a target: a real server (or a full implementation of the port), laid afresh for each test."""
