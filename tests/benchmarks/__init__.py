"""Figures of the project and its peer, side by side in one run: `python -m tests.benchmarks.NAME --json`."""
