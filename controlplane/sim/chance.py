"""Chance: every dice of a run grows from the scenario's seed, each owner's from a name of its own."""

from random import Random


def seeded(seed: int, *owner: object) -> Random:
    """A source of chance that is the same in any process, and that no other owner's draws can shift."""
    return Random("/".join(str(part) for part in (seed, *owner)))  # noqa: S311  chance, not secrecy
