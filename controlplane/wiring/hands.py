"""Bindings of policies to drivers: which driver object moves what."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from controlplane.drivers import registry
from controlplane.engine.hands import Hand, Sort, Target
from controlplane.model.errors import Broken
from controlplane.model.estate import Estate
from controlplane.model.resources.kind import Setting
from controlplane.ports.driver import Driver

DEFAULT_KNOB_DRIVER = "flags"
DEFAULT_DATASTORE_DRIVER = "postgres"

Bound = tuple[str, Mapping[str, Setting]]


def binding(estate: Estate, target: Target) -> Bound | None:
    """The driver's name and settings for a target; None where policies name none and there is no default."""
    match target.sort:
        case Sort.SERVICE:
            traffic = estate.services[target.name].spec.traffic
            return None if traffic is None else (traffic.driver, traffic.with_)
        case Sort.KNOB:
            knob = estate.knobs[target.name].driver
            return (DEFAULT_KNOB_DRIVER, {}) if knob is None else (knob.driver, knob.with_)
        case Sort.DATASTORE:
            store = estate.datastores[target.name].spec
            return store.driver or DEFAULT_DATASTORE_DRIVER, store.with_
        case Sort.REGION:
            scale = estate.regions[target.name].spec.scale
            return None if scale is None else (scale.driver, scale.with_)
        case _:
            assert_never(target.sort)


@dataclass(slots=True)
class BoundHands:
    """One driver object for each distinct pair of name and settings; each has a breaker of its own.

    ``defaults`` are settings that the daemon adds where policies say nothing (where flags are kept, say).
    """

    estate: Estate
    defaults: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    make: Callable[[str, Mapping[str, Setting]], Driver] = lambda name, settings: registry.factory(name)(settings)
    _made: dict[str, Hand] = field(default_factory=dict)

    def of(self, target: Target) -> Hand:
        """The hand for a target."""
        bound = binding(self.estate, target)
        if bound is None:
            raise Broken(f"nothing is said of how {target} is moved")
        name, settings = bound[0], {**self.defaults.get(bound[0], {}), **bound[1]}
        key = json.dumps([name, settings], sort_keys=True)
        hand = self._made.get(key)
        if hand is None:
            hand = self._made[key] = self._hand(name, settings)
        return hand

    def _hand(self, name: str, settings: Mapping[str, Setting]) -> Hand:
        if name not in registry.installed():
            raise Broken(f"driver {name} is not installed")
        driver = self.make(name, settings)
        alike = sum(hand.name.split("#")[0] == name for hand in self._made.values())
        keep_s = getattr(driver, "keep_s", None)
        return Hand(f"{name}#{alike + 1}" if alike else name, driver, keep_s if isinstance(keep_s, float) else None)
