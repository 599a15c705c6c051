"""Trouble from a seed, its shrinking, the comparison of policies, and mutants of the code that must be found."""
