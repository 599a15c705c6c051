"""Estate: every resource of a set of policies, checked against each other and indexed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from controlplane.model.resources.datastore import Datastore
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.resources.failover_policy import FailoverPolicy, FailoverSpec, Selector
from controlplane.model.resources.region import Region
from controlplane.model.resources.safety_policy import SafetySpec
from controlplane.model.resources.service import Placement, Service, Strength

_NO_FAILOVER_POLICY = FailoverSpec()


@dataclass(frozen=True, eq=False)
class Estate:
    """What ``load`` hands on. All mappings are sorted by name, so that iteration is the same everywhere."""

    regions: Mapping[str, Region]
    services: Mapping[str, Service]
    datastores: Mapping[str, Datastore] = field(default_factory=dict)
    failover: tuple[FailoverPolicy, ...] = ()
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    safety: SafetySpec = field(default_factory=SafetySpec)

    @cached_property
    def spread(self) -> tuple[str, ...]:
        """Names of the services that are placed by shares."""
        return tuple(n for n, s in self.services.items() if s.spec.placement is Placement.SPREAD)

    @cached_property
    def exclusive(self) -> tuple[str, ...]:
        """Names of the services that one region holds at a time."""
        return tuple(n for n, s in self.services.items() if s.spec.placement is Placement.EXCLUSIVE)

    @cached_property
    def _policies(self) -> dict[str, FailoverSpec]:
        return {name: self._choose_policy(service) for name, service in self.services.items()}

    @cached_property
    def strong(self) -> Mapping[str, tuple[str, ...]]:
        """Strong dependencies of each service."""
        return {
            name: tuple(d.service for d in service.spec.depends_on if d.strength is Strength.STRONG)
            for name, service in self.services.items()
        }

    def policy(self, service: str) -> FailoverSpec:
        """The FailoverPolicy of a service: names beat tiers beat ``*`` beat the defaults."""
        return self._policies[service]

    def deployed(self, service: str) -> tuple[str, ...]:
        """Regions of a service in its own order of preference; all, by name, if it lists none."""
        listed = self.services[service].spec.regions
        return listed if listed is not None else tuple(self.regions)

    def legal(self, service: str, origin: str) -> tuple[str, ...]:
        """Regions that may serve an origin: deployed there and allowed by residency (R4)."""
        allowed = self.services[service].spec.residency.get(origin)
        return tuple(
            region
            for region in self.deployed(service)
            if allowed is None or self.regions[region].spec.jurisdiction in allowed
        )

    def _choose_policy(self, service: Service) -> FailoverSpec:
        chosen, rank = _NO_FAILOVER_POLICY, -1
        for policy in self.failover:
            if (fit := _fit(policy.spec.services, service)) > rank:
                chosen, rank = policy.spec, fit
        return chosen


def _fit(selector: Selector | str, service: Service) -> int:
    if isinstance(selector, str):
        return 0
    if selector.names is not None:
        return 2 if service.name in selector.names else -1
    return 1 if service.spec.tier in (selector.tiers or ()) else -1
