"""The reference estate is sound, complete, and does what its README says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from controlplane.decide.plan import plan
from controlplane.load.compose import compose
from controlplane.load.estate import check, load_estate
from controlplane.load.files import policy_files, read_sources
from controlplane.load.findings import Findings
from controlplane.load.kinds import kind_of, model_of
from controlplane.load.plain import plain
from controlplane.load.schema import schema
from controlplane.load.shipped import shipped
from controlplane.model.estate import Estate
from controlplane.model.resources.degradation_policy import Knob
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import Lag, World
from controlplane.wiring.catalogue import InstalledCatalogue
from tests.shipped.room import least_shed

POLICIES = shipped("policies")
SHOP = POLICIES / "shop"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EU = ("dublin", "frankfurt", "stockholm")
PUBLIC = {"catalogue", "search", "inventory", "affiliate-link"}


@pytest.fixture(name="shop", scope="module")
def _shop() -> Estate:
    return load_estate([SHOP])


def documents(file: Path) -> list[tuple[str, Any]]:
    findings = Findings()
    found = [document for source in read_sources([file], findings) for document in compose(source, findings)]
    kinds = [(kind_of(document, findings) or "", plain(document.root)) for document in found]
    assert findings.mistakes == ()
    return kinds


def test_the_shop_has_neither_mistakes_nor_warnings_with_what_is_installed() -> None:
    report = check([SHOP], InstalledCatalogue())
    assert (report.mistakes, report.warnings) == ((), ())


@pytest.mark.parametrize("file", policy_files([POLICIES]), ids=lambda file: str(file.relative_to(POLICIES)))
def test_every_shipped_document_is_valid_by_its_schema_and_comes_back_as_it_was(file: Path) -> None:
    for kind, written in documents(file):
        jsonschema.Draft202012Validator(schema(kind)).validate(written)
        resource = model_of(kind).model_validate(written)
        again = resource.model_dump(mode="json", by_alias=True, exclude_unset=True)
        assert model_of(kind).model_validate(again) == resource


def test_the_shop_is_where_it_should_be(shop: Estate) -> None:
    jurisdictions = {name: region.spec.jurisdiction for name, region in shop.regions.items()}
    assert jurisdictions == {"dublin": "EU", "frankfurt": "EU", "stockholm": "EU", "london": "UK"}


def test_the_shop_covers_all_of_the_business(shop: Estate) -> None:
    domains = {service.metadata.labels["domain"] for service in shop.services.values()}
    assert domains == {
        "sellers",
        "products",
        "orders",
        "payments",
        "partners",
        "operations",
        "creators",
        "affiliates",
    }
    assert len(shop.services) >= 16
    assert {service.spec.tier for service in shop.services.values()} == {0, 1, 2, 3}
    assert {"settlement", "affiliate-payout"} <= set(shop.exclusive)
    assert set(shop.datastores) == {"orders-db", "payments-db"}


def test_the_shop_has_knobs_with_a_price(shop: Estate) -> None:
    assert set(shop.knobs) == {
        "recommendations",
        "live-comments",
        "coupons",
        "seller-analytics",
        "creator-feed",
        "search-ranking",
        "payouts",
    }
    assert {knob.scope.value for knob in shop.knobs.values()} == {"estate", "region"}
    for knob in shop.knobs.values():
        assert all(level.value_lost > 0 and level.saves for level in knob.levels)


def test_every_service_is_watched_moved_and_promises_something(shop: Estate) -> None:
    for service in shop.services.values():
        looked_at = {region for probe in service.spec.probes for region in probe.regions or ()}
        assert looked_at == set(shop.deployed(service.name))
        assert service.spec.traffic is not None
        assert service.spec.objectives.rto is not None


def test_personal_data_of_the_union_stays_there(shop: Estate) -> None:
    for name in set(shop.spread) - PUBLIC:
        residency = shop.services[name].spec.residency
        for origin in shop.services[name].spec.demand:
            allowed = {("UK",), ("UK", "EU")} if origin == "GB" else {("EU",)}
            assert residency[origin] in allowed
    assert all(not shop.services[name].spec.residency for name in PUBLIC)


def test_on_a_normal_day_everything_fits_with_headroom_and_every_knob_at_its_default(shop: Estate) -> None:
    assert sum(least_shed(shop).values()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("lost", EU)
def test_losing_any_region_of_the_union_at_peak_needs_degradation(shop: Estate, lost: str) -> None:
    assert sum(least_shed(shop, lost=[lost]).values()) > 10


@pytest.mark.parametrize("lost", EU)
def test_with_the_knobs_turned_no_request_is_shed_without_any_region_of_the_union(shop: Estate, lost: str) -> None:
    assert sum(least_shed(shop, lost=[lost], deepest=True).values()) == pytest.approx(0, abs=1e-6)


def test_without_london_only_papers_and_bank_details_are_refused(shop: Estate) -> None:
    stranded = {
        (name, origin)
        for name in shop.spread
        for origin in shop.services[name].spec.demand
        if set(shop.legal(name, origin)) <= {"london"}
    }
    assert stranded == {("payout", "GB"), ("seller-verification", "GB")}
    assert sum(least_shed(shop, lost=["london"], deepest=True).values()) == pytest.approx(0, abs=1e-6)


def test_the_program_that_counts_room_would_see_a_shortage(shop: Estate) -> None:
    shed = least_shed(shop, lost=["dublin", "stockholm"], deepest=True)
    assert shed[0] == pytest.approx(0, abs=1e-6)
    assert shed[2] + shed[3] > 100


@pytest.mark.parametrize("lost", EU)
def test_the_planner_finds_the_knobs_that_make_room(shop: Estate, lost: str) -> None:
    found = plan(shop, without(lost))
    turned = {
        name for name, knob in shop.knobs.items() if found.knobs[name] not in (knob.default, _everywhere(shop, knob))
    }
    assert found.feasible
    assert turned
    assert all(lost not in shares for by_origin in found.target.values() for shares in by_origin.values())
    for region, share in found.utilisation.items():
        assert share <= 1 - shop.regions[region].spec.headroom + 1e-6


def test_the_planner_moves_the_writers_and_holders_of_dublin(shop: Estate) -> None:
    found = plan(shop, without("dublin"))
    assert dict(found.promote) == {"orders-db": "frankfurt", "payments-db": "frankfurt"}
    assert found.holders["settlement"] == found.holders["affiliate-payout"] == "frankfurt"


def test_the_planner_refuses_rather_than_send_papers_abroad(shop: Estate) -> None:
    assert plan(shop, without("london")).refused == {"payout": {"GB": 1.0}, "seller-verification": {"GB": 1.0}}


def without(lost: str) -> World:
    """A region is dead, and every replica is close behind."""
    near = Lag(timedelta(milliseconds=200))
    return World(
        at=NOON,
        verdicts={(lost, "*"): Verdict(lost, "*", Health.DOWN, NOON - timedelta(minutes=1), 0.0)},
        lag={"orders-db": {"frankfurt": near, "stockholm": near}, "payments-db": {"frankfurt": near}},
    )


def _everywhere(shop: Estate, knob: Knob) -> object:
    return dict.fromkeys(shop.regions, knob.default)
