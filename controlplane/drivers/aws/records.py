"""Route 53's record sets as shares of traffic. Pure.

Weights of a name are whole numbers from 0 to 255, and a share is a weight divided by their sum. All of them 0 does not
mean nobody: Route 53 then answers with every one of them alike. So that is never written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controlplane.model.act import Weights
from controlplane.model.errors import Broken, Refused

HEAVIEST = 255
_EXACT = 1e-9
_NEGLIGIBLE = 1e-6


@dataclass(frozen=True, slots=True)
class Naming:
    """``names``: record name by origin; the origin ``*`` stands for all. ``label``: what a region's sets are called
    (SetIdentifier). ``shed``, ``refused``: sets that answer for nobody; None: there is none."""

    names: Mapping[str, str]
    label: str = "{region}"
    shed: str | None = None
    refused: str | None = None

    def of(self, service: str, origin: str) -> str:
        """The record name of an origin, as Route 53 writes it. Refused: none is given."""
        pattern = self.names.get(origin) or self.names.get("*")
        if pattern is None:
            raise Refused(f"no record name is given for the origin {origin}")
        return absolute(pattern.replace("{service}", service).replace("{origin}", origin))

    def set_of(self, region: str) -> str:
        """The SetIdentifier of a region."""
        return self.label.replace("{region}", region)

    def region_of(self, identifier: str) -> str | None:
        """The region that a SetIdentifier stands for; None: it is none of a region's."""
        before, _, after = self.label.partition("{region}")
        if identifier in {self.shed, self.refused} or not (
            identifier.startswith(before) and identifier.endswith(after)
        ):
            return None
        return identifier[len(before) : len(identifier) - len(after)] or None


def absolute(name: str) -> str:
    """Lower case, with its dot at the end."""
    return name.lower().rstrip(".") + "."


def wanted(desired: Weights, naming: Naming, service: str) -> dict[str, dict[str, float]]:
    """Share by SetIdentifier, by record name. Refused: what names or sets cannot express."""
    found: dict[str, dict[str, float]] = {}
    for origin in sorted({*desired.shares, *desired.shed, *desired.refused}):
        shares = {naming.set_of(region): share for region, share in desired.shares.get(origin, {}).items() if share > 0}
        for kind, label, away in (("shed", naming.shed, desired.shed), ("refused", naming.refused, desired.refused)):
            share = away.get(origin, 0.0)
            if share <= _NEGLIGIBLE:
                continue
            if label is None:
                raise Refused(f"{share:.1%} of {origin} are to be {kind}, and no set is named that answers them")
            shares[label] = shares.get(label, 0.0) + share
        if not shares:
            raise Refused(f"nothing is left for {origin}: with all weights 0, Route 53 answers with every region")
        name = naming.of(service, origin)
        if name in found and not alike(found[name], shares):
            raise Refused(f"{name} answers several origins, and their shares differ")
        found[name] = shares
    return found


def weights_for(shares: Mapping[str, float]) -> dict[str, int]:
    """Whole weights that come nearest to the shares; who has a share keeps at least 1. Exact if any weights are."""
    total = sum(shares.values())
    parts = {label: share / total for label, share in sorted(shares.items()) if share > 0}
    nearest, least = dict.fromkeys(parts, 1), 1.0
    for size in range(len(parts), int(HEAVIEST / max(parts.values())) + 1):
        given = {label: max(1, round(part * size)) for label, part in parts.items()}
        whole = sum(given.values())
        off = max(abs(given[label] / whole - part) for label, part in parts.items())
        if off < least - _EXACT:
            nearest, least = given, off
    return nearest


def alike(one: Mapping[str, float], other: Mapping[str, float], within: float = _NEGLIGIBLE) -> bool:
    """Whether two shares by label are the same."""
    return all(abs(one.get(label, 0.0) - other.get(label, 0.0)) <= within for label in {*one, *other})


def changed(sets: Sequence[Mapping[str, Any]], shares: Mapping[str, float], name: str) -> list[dict[str, Any]]:
    """The sets of one name and type as they must become; those that are so already are left out. What else a set
    holds (its alias target, health check, TTL) stays. Refused: sets that are not there, or that nothing can weigh."""
    if not sets:
        raise Refused(f"{name} has no record sets")
    if not any(all(policy in item for item in sets) for policy in ("Weight", "Failover")):
        raise Refused(f"{name} is neither weighted nor a failover pair: it is left as it is")
    there = {str(item["SetIdentifier"]) for item in sets}
    if missing := sorted(label for label in shares if label not in there):
        raise Refused(f"{name} has no set called {', '.join(missing)}")
    if all("Weight" in item for item in sets):
        given = weights_for(shares)
        fresh = [{**item, "Weight": given.get(str(item["SetIdentifier"]), 0)} for item in sets]
    else:
        first = [label for label, share in shares.items() if share > 0]
        if len(first) != 1:
            raise Refused(f"{name} is a failover pair: one region has all of it, not a share")
        roles = {True: "PRIMARY", False: "SECONDARY"}
        fresh = [{**item, "Failover": roles[item["SetIdentifier"] == first[0]]} for item in sets]
        for item in fresh:
            checked = "HealthCheckId" in item or item.get("AliasTarget", {}).get("EvaluateTargetHealth")
            if item["Failover"] == "PRIMARY" and not checked:
                raise Refused(f"{name}: {item['SetIdentifier']} has no health check, and a primary set needs one")
    for item in fresh:
        if not 0 <= item.get("Weight", 0) <= HEAVIEST:
            raise Broken(f"{name}: {item['Weight']} is no weight")
    return [item for item, old in zip(fresh, sets, strict=True) if item != old]


def shares_in(sets: Iterable[Mapping[str, Any]]) -> dict[str, float] | None:
    """Share by SetIdentifier as Route 53 answers while all are well; None: neither weighted nor a failover pair."""
    asked = list(sets)
    if not asked:
        return None
    if all("Weight" in item for item in asked):
        total = sum(int(item["Weight"]) for item in asked)
        if total == 0:
            return {str(item["SetIdentifier"]): 1 / len(asked) for item in asked}
        return {str(item["SetIdentifier"]): int(item["Weight"]) / total for item in asked if item["Weight"]}
    if all("Failover" in item for item in asked):
        return {str(item["SetIdentifier"]): 1.0 for item in asked if item["Failover"] == "PRIMARY"}
    return None


def holds(sets: Sequence[Mapping[str, Any]], shares: Mapping[str, float], name: str) -> bool:
    """Whether the sets are as the shares want them."""
    try:
        return not changed(sets, shares, name)
    except Refused:
        return False
