"""What is installed: the entry-point group ``leeward.drivers``, imported one driver at a time when it is asked for."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from controlplane.model.errors import Broken
from controlplane.ports.driver import DriverFactory

GROUP = "leeward.drivers"


@cache
def installed() -> dict[str, EntryPoint]:
    """Every driver by name; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


@cache
def factory(name: str) -> DriverFactory:
    """One driver's factory. KeyError: not installed. Broken: installed, but what it needs is not (an extra)."""
    point = installed()[name]
    try:
        loaded: DriverFactory = point.load()
    except ImportError as error:
        raise Broken(f"driver {name} cannot be loaded: {error}; is its extra installed?") from error
    return loaded
