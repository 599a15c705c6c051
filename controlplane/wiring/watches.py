"""What the policies have watched, from this vantage."""

from controlplane.model.estate import Estate
from controlplane.ports.clock import Clock
from controlplane.probes.watch import Spot, Watch


def watches(estate: Estate, vantage: str, clock: Clock) -> tuple[Watch, ...]:
    """One watch for each probe of each service in each of its regions."""
    return tuple(
        Watch(probe, Spot(vantage, region, name, clock, probe.with_))
        for name, service in estate.services.items()
        for probe in service.spec.probes
        for region in (probe.regions if probe.regions is not None else estate.deployed(name))
    )
