"""What would change a decision: each form of a change, and what differs by it."""

from datetime import timedelta

import pytest

from controlplane.model.errors import WrongUse
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, World
from controlplane.service.what_if import FORMS, explain_for_world, imagine, what_if
from tests.unit.service.shop import NOON, estate

CALM = World(at=NOON)
LOST = World(
    at=NOON,
    verdicts={("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.DOWN, NOON - timedelta(hours=1), 0.0)},
)


@pytest.mark.parametrize(
    ("change", "units"),
    [
        ("capacity.dublin=+80", 480.0),
        ("capacity.dublin=-80", 320.0),
        ("capacity.dublin=900", 900.0),
        ("capacity.dublin=*1.5", 600.0),
    ],
)
def test_capacity_is_changed_by_an_amount_a_factor_or_outright(change: str, units: float) -> None:
    _, world = imagine(estate(), CALM, change)
    assert world.capacity == {"dublin": units}


def test_demand_is_changed_for_all_for_a_service_or_for_one_of_its_origins() -> None:
    _, all_of_it = imagine(estate(), CALM, "demand=*2")
    assert all_of_it.demand["checkout"] == {"IE": 100.0, "DE": 200.0, "GB": 100.0}
    assert all_of_it.demand["payment"] == {"DE": 40.0}
    _, one = imagine(estate(), CALM, "demand.checkout.DE=+50")
    assert one.demand == {"checkout": {"IE": 50.0, "DE": 150.0, "GB": 50.0}}


def test_a_verdict_counts_as_if_it_had_stood_for_long() -> None:
    _, world = imagine(estate(), LOST, "state.dublin=healthy")
    verdict = world.verdict("dublin", "checkout")
    assert verdict.state is Health.HEALTHY
    assert verdict.since is not None
    assert NOON - verdict.since >= timedelta(days=1)
    _, grey = imagine(estate(), CALM, "state.london.feed=degraded")
    assert grey.verdict("london", "feed").state is Health.DEGRADED
    assert grey.verdict("london", "checkout").state is Health.HEALTHY


def test_lag_is_set_or_unknown() -> None:
    _, known = imagine(estate(), CALM, "lag.orders-db.frankfurt=800ms")
    assert known.lag == {"orders-db": {"frankfurt": Lag(timedelta(milliseconds=800))}}
    _, unknown = imagine(estate(), known, "lag.orders-db.frankfurt=unknown")
    assert unknown.lag == {"orders-db": {}}


def test_headroom_and_safety_are_changed_in_the_policies() -> None:
    fuller, _ = imagine(estate(), CALM, "headroom.london=0.05")
    assert fuller.regions["london"].spec.headroom == 0.05
    safer, _ = imagine(estate(), CALM, "safety.minServingRegions=1")
    assert safer.safety.min_serving_regions == 1
    assert safer.safety.max_shift == estate().safety.max_shift


def test_a_knob_is_turned_by_a_word_of_its_own_kind() -> None:
    _, turned = imagine(estate(), CALM, "knob.comments=False")
    (wish,) = turned.wishes
    assert wish.to is False


def test_the_difference_says_what_would_be_decided_otherwise() -> None:
    found = what_if(estate(), LOST, ("demand=*1.5",))
    assert found.before.knobs != found.after.knobs
    assert "comments in frankfurt: True would become False" in found.differs
    assert what_if(estate(), LOST, ("capacity.london=+0.001",)).differs == ()


def test_an_explanation_with_a_change_says_how_it_would_be_then() -> None:
    found = explain_for_world(estate(), CALM, "checkout", ("state.dublin=down",))
    assert found.difference is not None
    assert found.now.explanations == ()
    assert [one.subject for one in found.then] == ["checkout"]


@pytest.mark.parametrize(
    "change", ["", "x", "capacity=1", "capacity.dublin.more=1", "headroom.dublin=1", "lag.orders-db=1s"]
)
def test_a_change_that_is_none_is_refused_with_the_forms_there_are(change: str) -> None:
    with pytest.raises(WrongUse):
        imagine(estate(), CALM, change)
    assert all("=" in form for form in FORMS)
