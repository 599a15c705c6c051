"""Scenarios: every fault and expectation of the contract is read, and what they name must be there."""

from datetime import timedelta
from pathlib import Path

import pytest

from controlplane.load.estate import load_estate
from controlplane.load.scenarios import load_scenarios
from controlplane.model.errors import PoliciesInvalid
from controlplane.model.estate import Estate
from controlplane.model.resources.scenario import (
    DemandSurge,
    Drained,
    ErrorRate,
    HolderIs,
    KnobTurned,
    ProbeBlind,
    Promoted,
    RegionDown,
    ReplicationLag,
    ServiceDown,
)
from tests.unit.load.written import SOUND, envelope, marked

KNOBS = "  knobs: [{name: extras, default: full, levels: [{value: less}, {value: off}]}]"
FAULTS = """\
    - {at: 2m, until: 20m, kind: region-down, region: dublin}
    - {at: 2m, kind: service-down, service: checkout}
    - {at: 2m, kind: error-rate, service: checkout, region: dublin, rate: 0.3}
    - {at: 2m, kind: error-rate, service: checkout, region: dublin, rate: 0.3, liveness: failing}
    - {at: 2m, kind: latency, region: dublin, add: 500ms}
    - {at: 2m, kind: latency, service: checkout, add: 500ms}
    - {at: 2m, kind: capacity-loss, region: dublin, fraction: 0.5}
    - {at: 2m, kind: demand-surge, factor: 2, service: checkout, origin: IE}
    - {at: 2m, kind: demand-surge, factor: 1.5}
    - {at: 2m, kind: flap, region: dublin, period: 30s}
    - {at: 2m, kind: probe-blind, vantage: "*"}
    - {at: 2m, kind: probe-blind, region: dublin}
    - {at: 2m, kind: partition, between: [dublin, london]}
    - {at: 2m, kind: management-down, region: dublin}
    - {at: 2m, kind: replication-lag, datastore: orders-db, region: london, lag: 30s}
    - {at: 2m, kind: replication-lag, datastore: orders-db, region: london, lag: unknown}
    - {at: 2m, kind: cold-cache, region: dublin, refill: 5m}
    - {at: 2m, kind: facility-alarm, region: dublin, failsAfter: 5m}
    - {at: 2m, kind: driver-error, driver: sim, rate: 0.5, mode: hang}
    - {at: 2m, kind: edge-down, origin: IE, share: 0.2}
    - {at: 2m, kind: dns-fault, origin: IE}
    - {at: 2m, kind: scale-in, region: dublin, fraction: 0.2}
    - {at: 2m, kind: backup-missing, datastore: orders-db}
    - {at: 2m, kind: daemon-crash, replica: leader}
    - {at: 2m, kind: store-down}"""
EXPECT = """\
    - {drained: dublin, within: 30s}
    - {notDrained: [london]}
    - {held: R2}
    - {knob: extras, atLeast: less, within: 1m}
    - {notPromoted: orders-db}
    - {promoted: orders-db, to: [london, dublin], within: 2m}
    - {promoted: orders-db, to: london}
    - {holder: settlement, is: london, within: 2m}
    - {restored: dublin, notBefore: 25m}
    - {metric: failedFraction, atMost: 0.02}"""


@pytest.fixture(name="estate")
def _estate(tmp_path: Path) -> Estate:
    job = envelope("Service", "settlement", "  placement: exclusive")
    (tmp_path / "estate.yaml").write_text(SOUND + job + "---\n" + envelope("DegradationPolicy", "shop", KNOBS))
    return load_estate([tmp_path / "estate.yaml"])


def written(faults: str = "", expect: str = "") -> str:
    spec = "  seed: 7\n  duration: 30m"
    spec += f"\n  faults:\n{faults}" if faults else ""
    spec += f"\n  expect:\n{expect}" if expect else ""
    return envelope("Scenario", "trouble", spec)


def test_every_fault_and_expectation_of_the_contract_is_read(tmp_path: Path, estate: Estate) -> None:
    (tmp_path / "s.yaml").write_text(written(FAULTS, EXPECT))
    (scenario,) = load_scenarios([tmp_path / "s.yaml"], estate)
    assert (scenario.spec.seed, scenario.spec.duration) == (7, timedelta(minutes=30))
    faults = scenario.spec.faults
    assert [fault.kind for fault in faults] == [
        line.partition("kind: ")[2].partition(",")[0].strip("}") for line in FAULTS.splitlines()
    ]
    assert faults[0] == RegionDown(
        at=timedelta(minutes=2), until=timedelta(minutes=20), kind="region-down", region="dublin"
    )
    assert isinstance(faults[1], ServiceDown)
    assert faults[1].region == "*"
    assert [f.probes_pass for f in faults if isinstance(f, ErrorRate)] == [True, False]
    assert [(f.service, f.origin) for f in faults if isinstance(f, DemandSurge)] == [("checkout", "IE"), ("*", "*")]
    assert [(f.vantage, f.region) for f in faults if isinstance(f, ProbeBlind)] == [("*", None), (None, "dublin")]
    assert [f.lag for f in faults if isinstance(f, ReplicationLag)] == [timedelta(seconds=30), "unknown"]
    expect = scenario.spec.expect
    assert expect[0] == Drained(drained=("dublin",), within=timedelta(seconds=30))
    assert [e.to for e in expect if isinstance(e, Promoted)] == [("london", "dublin"), ("london",)]
    assert [e.is_ for e in expect if isinstance(e, HolderIs)] == [("london",)]
    assert [e.at_least for e in expect if isinstance(e, KnobTurned)] == ["less"]


@pytest.mark.parametrize(
    "row",
    [
        "{at: 1m, kind: §region-dwn, region: dublin}",
        "{at: 1m, kind: region-down, §regoin: dublin}",
        "§{at: 1m, region: dublin}",
        "{at: 1m, kind: region-down, region: §dubln}",
        "{at: §1, kind: region-down, region: dublin}",
        "§{at: 1m, until: 30s, kind: region-down, region: dublin}",
        "§{at: 1m, kind: region-down}",
        "{at: 1m, kind: service-down, service: §chekout}",
        "{at: 1m, kind: error-rate, rate: §1.5}",
        "{at: 1m, kind: error-rate, rate: 0.5, liveness: §maybe}",
        "§{at: 1m, kind: latency, add: 1s}",
        "§{at: 1m, kind: probe-blind}",
        "{at: 1m, kind: probe-blind, vantage: §dubln}",
        "{at: 1m, kind: partition, between: §[dublin]}",
        "{at: 1m, kind: partition, between: [dublin, §oslo]}",
        "{at: 1m, kind: replication-lag, datastore: orders-db, lag: §30}",
        "{at: 1m, kind: replication-lag, datastore: §order-db, lag: 30s}",
        "{at: 1m, kind: driver-error, driver: sim, mode: §slow}",
    ],
)
def test_a_fault_that_is_wrong_is_told_where_it_is(tmp_path: Path, estate: Estate, row: str) -> None:
    _refused(tmp_path, estate, written(faults=f"    - {row}"))


@pytest.mark.parametrize(
    "row",
    [
        "§{drianed: dublin}",
        "{drained: §dubln}",
        "{notDrained: [dublin, §oslo]}",
        "{held: §R17}",
        "{knob: §extra, atLeast: off}",
        "{knob: extras, atLeast: §of}",
        "§{knob: extras}",
        "{notPromoted: §order-db}",
        "{promoted: orders-db, to: [london, §oslo]}",
        "{holder: §checkout, is: dublin}",
        "{holder: §job, is: dublin}",
        "{holder: settlement, is: §oslo}",
        "{restored: dublin, notBefore: §25}",
        "{metric: §failures, atMost: 1}",
        "§{metric: flaps}",
        "{drained: dublin, §withn: 30s}",
    ],
)
def test_an_expectation_that_is_wrong_is_told_where_it_is(tmp_path: Path, estate: Estate, row: str) -> None:
    _refused(tmp_path, estate, written(expect=f"    - {row}"))


def _refused(tmp_path: Path, estate: Estate, text: str) -> None:
    plain, line, column = marked(text)
    (tmp_path / "s.yaml").write_text(plain)
    with pytest.raises(PoliciesInvalid) as caught:
        load_scenarios([tmp_path / "s.yaml"], estate)
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(line, column)], str(caught.value)
    assert caught.value.mistakes[0].mend


def test_without_an_estate_names_are_taken_on_trust(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(written("    - {at: 1m, kind: region-down, region: atlantis}"))
    assert [scenario.name for scenario in load_scenarios([tmp_path / "s.yaml"])] == ["trouble"]


def test_files_without_a_scenario_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND)
    with pytest.raises(PoliciesInvalid, match="no Scenario here"):
        load_scenarios([tmp_path])


def test_two_scenarios_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written())
    (tmp_path / "b.yaml").write_text(written())
    with pytest.raises(PoliciesInvalid, match="Scenario trouble is written twice"):
        load_scenarios([tmp_path])
