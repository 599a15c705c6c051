"""The simulator: the same daemon code in a false world, from a seed."""
