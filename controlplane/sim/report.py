"""The report: one page of HTML that needs nothing else to be read, with plots of what users, traffic and knobs did."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from controlplane.sim.account import clock, events
from controlplane.sim.lanes import Lane, fault_lanes, lanes
from controlplane.sim.outcome import Result
from controlplane.sim.plot import LEFT, WIDTH, Axis, panels

_ROW = 20
_LABEL_ROOM = 6.5
"""Width of a letter of a label: what has no room is left out, and shown when the bar is pointed at."""
_FIGURES = {
    "failedFraction": "requests failed",
    "failedRequests": "failed requests",
    "detectionS": "noticed after",
    "mitigationS": "over after",
    "overloadedS": "overloaded",
    "lostWrites": "writes lost",
    "doubleActiveS": "two holders",
    "residencyViolations": "residency broken",
    "moves": "moves",
    "flaps": "flaps",
    "valueLost": "value lost",
}


def page(results: Sequence[Result], title: str = "Simulated outages") -> str:
    """The page of some results."""
    passed = sum(result.passed for result in results)
    many = f"{passed} of {len(results)} scenarios passed. " if len(results) > 1 else ""
    lead = f"{many}The daemon's own code, in a false world, on a virtual clock; what users suffered is counted there."
    return str(_template().render(title=title, lead=lead, runs=[_run(r) for r in results], width=WIDTH, left=LEFT))


@cache
def _template() -> Any:
    from jinja2 import Environment
    from markupsafe import Markup

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["lanes"] = lambda group, ticks: Markup(_lanes_svg(group, ticks))  # noqa: S704  escaped there
    source = (files("controlplane.sim") / "report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def _run(result: Result) -> dict[str, Any]:
    axis = Axis(result.duration_s)
    return {
        "name": result.scenario,
        "description": result.description,
        "verdict": "passed" if result.passed else "failed",
        "said": [*result.failed, *result.violations],
        "figures": [(label, _figure(name, result.metrics[name])) for name, label in _FIGURES.items()],
        "faults": fault_lanes(result.faults, axis),
        "panels": panels(result.ledger, axis),
        "groups": lanes(result.ledger, axis),
        "ticks": axis.ticks(),
        "events": [
            {"when": clock(e.second), "kind": e.kind, "subject": e.subject, "why": e.why, "rules": e.rules}
            for e in events(result)
        ],
    }


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "never"
    if name == "failedFraction":
        return f"{value:.3%}"
    return f"{value:,.6g}{' s' if name.endswith('S') and name != 'flaps' else ''}"


def _lanes_svg(group: Sequence[Lane], ticks: Sequence[tuple[float, str]]) -> str:
    from markupsafe import escape

    height = len(group) * _ROW
    parts = [f'<svg viewBox="0 0 {WIDTH + 24:g} {height + 18}" role="img">']
    for number, lane in enumerate(group):
        y = number * _ROW
        parts.append(f'<text class="name" x="{LEFT - 8:g}" y="{y + 14}">{escape(lane.name)}</text>')
        for bar in lane.bars:
            if bar.tone != "none":
                parts.append(
                    f'<rect x="{bar.x:g}" y="{y + 2}" width="{bar.width:g}" height="{_ROW - 4}" rx="2"'
                    f' fill="var(--{bar.tone})"><title>{escape(bar.text)}</title></rect>'
                )
            if bar.label and len(bar.label) * _LABEL_ROOM < bar.width:
                parts.append(f'<text class="label" x="{bar.x + 5:g}" y="{y + 14}">{escape(bar.label)}</text>')
    parts += [f'<text x="{x:g}" y="{height + 14}" text-anchor="middle">{label}</text>' for x, label in ticks]
    return "".join([*parts, "</svg>"])
