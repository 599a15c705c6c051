"""Pure and quick: decisions, loading, state machines. No server, no socket, no waiting."""
