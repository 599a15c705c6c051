"""The daemon's own code in the false world: what is leapt over changes nothing."""

import json
from typing import Any

import pytest

from controlplane.sim.simulate import simulate
from controlplane.wiring.simulation import SimParts
from tests.sim.small import estate, scenario

TROUBLE: dict[str, list[dict[str, Any]]] = {
    "power": [{"at": "2m", "until": "6m", "kind": "region-down", "region": "dublin"}],
    "grey": [{"at": "2m", "until": "6m", "kind": "error-rate", "region": "dublin", "rate": 0.3}],
    "blind": [{"at": "2m", "until": "6m", "kind": "probe-blind", "vantage": "*"}],
}


@pytest.mark.parametrize("name", sorted(TROUBLE))
def test_the_daemon_leapt_is_the_daemon_stepped_byte_for_byte(name: str) -> None:
    scene = scenario("15m", *TROUBLE[name])
    leapt, stepped = (simulate(estate(), [scene], parts=SimParts(), leaps=leaps)[0] for leaps in (True, False))
    assert leapt.leapt_s > 0
    assert json.dumps(leapt.to_json()) == json.dumps(stepped.to_json())
