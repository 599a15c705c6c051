"""Which knobs are not at their default: all that a face without the policies needs to know of them."""

from collections.abc import Mapping

from controlplane.model.estate import Estate
from controlplane.model.resources.kind import KnobValue
from controlplane.model.world import Knobs


def turned_knobs(estate: Estate, in_force: Knobs) -> Knobs:
    """Knob → value, or knob → region → value, of those alone that are turned."""
    found: dict[str, KnobValue | Mapping[str, KnobValue]] = {}
    for name, value in in_force.items():
        if name not in estate.knobs:
            continue
        default = estate.knobs[name].default
        if isinstance(value, Mapping):
            by_region = {region: level for region, level in value.items() if level != default}
            if by_region:
                found[name] = by_region
        elif value != default:
            found[name] = value
    return found
