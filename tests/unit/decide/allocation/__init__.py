"""The optimiser against exhaustive search, against its own promises, and case by case."""
