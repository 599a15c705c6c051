"""Policies and worlds from files, for decisions that touch nothing: no driver is asked whether it could do its part."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from controlplane.decide.plan import plan
from controlplane.load.estate import load_estate
from controlplane.load.shipped import shipped
from controlplane.load.world import load_world
from controlplane.model.estate import Estate
from controlplane.model.world import Shares, World

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def read_estate(policies: Iterable[Path]) -> Estate:
    """The estate of some files and folders. Raises PoliciesInvalid with every mistake in them."""
    return load_estate(policies)


def read_world(policies: Iterable[Path], world: Path) -> tuple[Estate, World]:
    """The estate, and a world file read against it. Raises PoliciesInvalid with every mistake of either."""
    estate = load_estate(policies)
    return estate, load_world(world, estate)


def shop() -> Path:
    """The folder of the reference estate that is shipped."""
    return shipped("policies") / "shop"


def healthy_shares(estate: Estate) -> Shares:
    """Where everything is on a normal day, at the declared demand."""
    return plan(estate, World(at=_ANY_DAY)).target
