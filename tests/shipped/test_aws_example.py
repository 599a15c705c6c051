"""The AWS example loads with what is installed, plans, and names nobody's secrets."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane.decide.plan import plan
from controlplane.load.estate import check, load_estate
from controlplane.load.shipped import shipped
from controlplane.model.verdict import Health, Verdict
from controlplane.model.world import Lag, World
from controlplane.wiring.catalogue import InstalledCatalogue

AWS = shipped("policies") / "examples" / "aws"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_example_has_neither_mistakes_nor_warnings_with_what_is_installed() -> None:
    report = check([AWS], InstalledCatalogue())
    assert (report.mistakes, report.warnings) == ((), ())


@pytest.mark.parametrize(("lost", "left"), [("dublin", "frankfurt"), ("frankfurt", "dublin")])
def test_losing_either_region_moves_everything_to_the_other(lost: str, left: str) -> None:
    estate = load_estate([AWS])
    down = Verdict(lost, "*", Health.DOWN, NOON - timedelta(minutes=1), 0.0)
    lag = {"orders-db": {left: Lag(timedelta(milliseconds=200))}}
    found = plan(estate, World(at=NOON, verdicts={(lost, "*"): down}, lag=lag))
    assert found.feasible
    assert found.promote == ({"orders-db": left} if lost == "dublin" else {})
    for service in ("checkout", "search"):
        assert found.target[service]["IE"] == {left: pytest.approx(1.0)}
    assert found.holders["settlement"] == left


def test_every_driver_and_eye_of_the_house_for_aws_stands_in_the_example_or_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drivers-aws.md").read_text(encoding="utf-8")
    written = "\n".join(file.read_text(encoding="utf-8") for file in sorted(AWS.glob("*.yaml")))
    installed = InstalledCatalogue()
    ours = {name for name in installed.drivers if name in {"arc", "arc-region-switch", "aurora", "autoscaling", "ssm"}}
    ours |= {name for name in installed.drivers if name.startswith("route53")} | {"cloudwatch"}
    assert len(ours) == 8
    assert [name for name in sorted(ours) if name not in written or f"`{name}`" not in page] == []
