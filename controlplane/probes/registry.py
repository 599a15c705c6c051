"""What is installed: the entry-point group ``leeward.probes``, imported one kind at a time when it is asked for."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from controlplane.model.errors import Broken
from controlplane.ports.eyes import ProbeFactory

GROUP = "leeward.probes"


@cache
def installed() -> dict[str, EntryPoint]:
    """Every kind of probe by name; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)}


@cache
def factory(name: str) -> ProbeFactory:
    """One kind's factory. KeyError: not installed. Broken: installed, but what it needs is not (an extra)."""
    point = installed()[name]
    try:
        loaded: ProbeFactory = point.load()
    except ImportError as error:
        raise Broken(f"probe kind {name} cannot be loaded: {error}; is its extra installed?") from error
    return loaded
