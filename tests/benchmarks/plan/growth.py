"""How the time of a decision grows with the size of what is decided, as rows and as a picture."""

import math
from functools import partial
from random import Random

from controlplane.decide.allocation.allocate import allocate
from controlplane.decide.allocation.fleet import Ready, classes_of, healthy, prepare, replan, to_services
from tests.benchmarks.plan.fleet_figures import Figures, timed
from tests.benchmarks.plan.fleets import ORDINARY, Floats, Shape, drifted, random_fleet
from tests.benchmarks.plan.instances import Size, bad_day, quiet_day

FLEETS = (Shape(250, 10, 5), Shape(500, 20, 10), Shape(1000, 20, 15), Shape(2000, 20, 20), Shape(5000, 30, 30))
JOINT = (Size(5, 2, 3, 2), Size(10, 4, 4, 4), Size(20, 4, 4, 7), Size(40, 6, 6, 10), Size(80, 8, 8, 12))
REPEATS = 5


def grow(*, quick: bool) -> dict[str, list[Figures]]:
    """Medians: fleets in ``replan`` and back to services, estates in the joint plan."""
    fleets: list[Figures] = []
    joint: list[Figures] = []
    for shape in FLEETS[: 3 if quick else None]:
        made, demand = random_fleet(shape, ORDINARY, 1)
        classes = classes_of(made)
        ready = prepare(classes, healthy(classes, demand).shares, demand, [0])[0]
        times = []
        for number in range(REPEATS):
            now = drifted(demand, number, 0.05)
            times.append(timed(partial(_to_services, ready, now))[1])
        variables = shape.services * shape.origins * shape.regions
        fleets.append({"variables": variables, "seconds": round(sorted(times)[REPEATS // 2], 4)})
    for size in JOINT[: 3 if quick else None]:
        times = []
        for seed in range(REPEATS):
            rng = Random(seed)
            times.append(timed(partial(allocate, bad_day(rng, quiet_day(rng, size))))[1])
        variables = size.services * size.origins * size.regions
        joint.append({"variables": variables, "seconds": round(sorted(times)[REPEATS // 2], 4)})
    return {"fleetWarm": fleets, "jointPlan": joint}


def _to_services(ready: Ready, demand: Floats) -> object:
    return to_services(ready.classes, replan(ready, demand))


def draw(growth: dict[str, list[Figures]]) -> str:
    """Both curves on logarithmic axes, as SVG."""
    width, height, edge = 640, 400, 60
    points = [(row["variables"] or 1, row["seconds"] or 1e-4) for rows in growth.values() for row in rows]
    left, right = (bound(math.log10(x) for x, _ in points) for bound in (min, max))
    low, high = math.floor(min(math.log10(y) for _, y in points)), math.ceil(max(math.log10(y) for _, y in points))

    def at(variables: float, seconds: float) -> str:
        x = edge + (math.log10(variables) - left) / (right - left) * (width - 2 * edge)
        y = height - edge - (math.log10(seconds) - low) / (high - low) * (height - 2 * edge)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        x, y = at(10**left, 10**power).split(",")
        parts.append(f'<line x1="{x}" y1="{y}" x2="{width - edge}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{float(x) - 8}" y="{float(y) + 4}" text-anchor="end">{10**power:g} s</text>')
    for power in range(math.ceil(left), math.floor(right) + 1):
        x, y = at(10**power, 10**low).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 18}" text-anchor="middle">10^{power}</text>')
    names = {"fleetWarm": ("fleet, ready plan to services", "#06c"), "jointPlan": ("joint plan with knobs", "#c30")}
    for number, (name, rows) in enumerate(growth.items()):
        label, colour = names[name]
        line = " ".join(at(row["variables"] or 1, row["seconds"] or 1e-4) for row in rows)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{edge + 12}" y="{edge - 20 + 16 * number}" fill="{colour}">{label}</text>')
    parts.append(
        f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">services x origins x regions</text></svg>'
    )
    return "\n".join(parts) + "\n"
