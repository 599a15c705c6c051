"""Whole runs: sandbox, daemon, load, faults; assertions on outcomes, not on times."""
