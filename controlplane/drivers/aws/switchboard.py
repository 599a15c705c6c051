"""Shares that come of switches: each region is on or off, and the records behind them never change. Pure.

This is the way that needs no control plane: the weights stand in DNS all the time, health checks look at the switches,
and whoever has been switched off is left out of the answers. So only those shares can be had that the standing weights
give with some regions left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from controlplane.drivers import Kind
from controlplane.model.act import Desired, Weights
from controlplane.model.errors import Refused
from controlplane.model.resources.kind import Setting

_NEAR = 0.01
_MANY = 12


def _is_standing(value: Setting) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_row, value.values()))


def _is_row(row: Setting) -> bool:
    if isinstance(row, list):
        return bool(row) and all(isinstance(region, str) for region in row)
    return (
        isinstance(row, dict)
        and any(weight != 0 for weight in row.values())
        and all(
            isinstance(weight, int | float) and not isinstance(weight, bool) and weight >= 0 for weight in row.values()
        )
    )


STANDING = Kind(
    "a map from origin to weights by region, or to a list of regions in the order of failover", _is_standing
)


@dataclass(frozen=True, slots=True)
class Board:
    """``standing``: by origin, weights by region as they stand in DNS, or regions in the order of failover."""

    standing: Mapping[str, Mapping[str, float] | tuple[str, ...]]

    @classmethod
    def of(cls, setting: Setting) -> "Board":
        """A checked setting."""
        rows: dict[str, Mapping[str, float] | tuple[str, ...]] = {}
        for origin, row in sorted(setting.items() if isinstance(setting, dict) else ()):
            if isinstance(row, list):
                rows[origin] = tuple(str(region) for region in row)
            elif isinstance(row, dict):
                rows[origin] = {name: float(weight) for name, weight in row.items() if isinstance(weight, int | float)}
        return cls(rows)

    @property
    def regions(self) -> tuple[str, ...]:
        """All that stand somewhere, sorted."""
        return tuple(sorted({region for row in self.standing.values() for region in row}))

    def shares(self, off: Iterable[str]) -> Weights:
        """How DNS answers with these regions off. With all of a row off, it answers as if all were on."""
        gone = set(off)
        found: dict[str, Mapping[str, float]] = {}
        for origin, row in self.standing.items():
            left = [region for region in row if region not in gone] or list(row)
            if isinstance(row, tuple):
                found[origin] = {left[0]: 1.0}
                continue
            heavy = [region for region in left if row[region] > 0] or [region for region in row if row[region] > 0]
            total = sum(row[region] for region in heavy)
            found[origin] = {region: row[region] / total for region in heavy}
        return Weights(found)

    def off_for(self, desired: Desired) -> frozenset[str]:
        """The fewest regions to switch off for these shares. Refused: no switches give them."""
        if not isinstance(desired, Weights):
            raise Refused(f"switches move shares of traffic, not {type(desired).__name__}")
        if strangers := sorted({*desired.shares, *desired.shed, *desired.refused} - set(self.standing)):
            raise Refused(f"nothing stands in DNS for the origin {strangers[0]}")
        idle = [
            region
            for region in self.regions
            if all(shares.get(region, 0.0) <= _NEAR for shares in desired.shares.values())
        ]
        sizes = range(len(idle) + 1) if len(idle) <= _MANY else (0, len(idle))
        for size in sizes:
            for off in combinations(idle, size):
                if self._gives(off, desired):
                    return frozenset(off)
        raise Refused(f"no switches give these shares: {_words(desired)}")

    def _gives(self, off: tuple[str, ...], desired: Weights) -> bool:
        if any(set(row) <= set(off) for row in self.standing.values()):
            return False
        found = self.shares(off).shares
        return all(
            abs(found[origin].get(region, 0.0) - shares.get(region, 0.0)) <= _NEAR
            for origin, shares in desired.shares.items()
            for region in {*shares, *found[origin]}
        ) and all(share <= _NEAR for away in (desired.shed, desired.refused) for share in away.values())


def _words(desired: Weights) -> str:
    return "; ".join(
        f"{origin}: " + ", ".join(f"{region} {share:.0%}" for region, share in sorted(shares.items()))
        for origin, shares in sorted(desired.shares.items())
    )
