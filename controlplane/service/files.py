"""Policies and worlds from files, for decisions that touch nothing: no driver is asked whether it could do its part."""

from collections.abc import Iterable
from pathlib import Path

from controlplane.load.estate import load_estate
from controlplane.load.world import load_world
from controlplane.model.estate import Estate
from controlplane.model.world import World


def read_estate(policies: Iterable[Path]) -> Estate:
    """The estate of some files and folders. Raises PoliciesInvalid with every mistake in them."""
    return load_estate(policies)


def read_world(policies: Iterable[Path], world: Path) -> tuple[Estate, World]:
    """The estate, and a world file read against it. Raises PoliciesInvalid with every mistake of either."""
    estate = load_estate(policies)
    return estate, load_world(world, estate)
