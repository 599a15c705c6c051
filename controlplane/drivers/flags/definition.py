"""The flag definition document: one flag a knob. Pure.

``variants`` holds the values by name; without targeting the ``defaultVariant`` is the value everywhere; a value of one
region is a branch of ``targeting`` on ``region`` in the evaluation context. ``metadata`` carries who wrote it last.
Variants of one flag have one type, as flagd's schema wants it; a knob that changes type leaves the old ones behind.
"""

from collections.abc import Mapping
from typing import Any

from controlplane.model.errors import Broken
from controlplane.model.resources.kind import KnobValue

SCHEMA = "https://flagd.dev/schema/v0/flags.json"


def empty() -> dict[str, Any]:
    """A document without flags."""
    return {"$schema": SCHEMA, "flags": {}, "metadata": {"version": 0, "epoch": 0}}


def checked(document: object) -> dict[str, Any]:
    """The document if it is one. Broken otherwise."""
    if isinstance(document, dict) and isinstance(document.get("flags"), dict):
        return document
    raise Broken("not a flag definition")


def variant_name(value: KnobValue) -> str:
    """A value as a name: ``cached``, ``true``, ``3.0``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def branches(flag: Mapping[str, Any]) -> dict[str, str]:
    """Variants by region, as targeting has them."""
    chain = flag.get("targeting", {}).get("if", [])
    found: dict[str, str] = {}
    for condition, variant in zip(chain[0::2], chain[1::2], strict=False):
        var, region = condition["=="]
        if var == {"var": "region"}:
            found[region] = variant
    return dict(sorted(found.items()))


def value_of(flag: Mapping[str, Any], region: str | None) -> KnobValue:
    """The value in a region; None: where no region is told."""
    by_region = branches(flag)
    name = by_region.get(region, flag["defaultVariant"]) if region is not None else flag["defaultVariant"]
    value: KnobValue = flag["variants"][name]
    return value


def set_value(document: dict[str, Any], key: str, value: KnobValue, region: str | None) -> None:
    """Give a flag a value, in one region or (None) everywhere, in place.

    A flag that is new and gets its first value in one region has the same value elsewhere until told otherwise: there
    is no other that is known.
    """
    name = variant_name(value)
    flag = document["flags"].setdefault(key, {"state": "ENABLED", "variants": {}, "defaultVariant": name})
    flag["variants"] = {known: old for known, old in flag["variants"].items() if type(old) is type(value)}
    flag["variants"][name] = value
    flag["variants"] = dict(sorted(flag["variants"].items()))
    by_region = {place: variant for place, variant in branches(flag).items() if variant in flag["variants"]}
    if flag["defaultVariant"] not in flag["variants"] or region is None:
        flag["defaultVariant"] = name
    by_region = {} if region is None else {**by_region, region: name}
    _target(flag, by_region)


def _target(flag: dict[str, Any], by_region: Mapping[str, str]) -> None:
    flag.pop("targeting", None)
    if by_region:
        chain: list[Any] = []
        for region, variant in sorted(by_region.items()):
            chain += [{"==": [{"var": "region"}, region]}, variant]
        flag["targeting"] = {"if": [*chain, flag["defaultVariant"]]}
