"""What the route53 driver owes beyond the contract."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlplane.drivers.aws.route53 import route53
from controlplane.model.act import Act, Weights
from controlplane.model.errors import Conflict, Refused
from tests.contract.drivers.targets.route53 import AFTER, BEFORE, NAMES, Zone, zone


@pytest.fixture(name="laid")
def _laid() -> Iterator[Zone]:
    with zone() as laid:
        yield laid


def act(desired: Weights = AFTER, key: str = "once", epoch: int = 5) -> Act:
    return Act(key, "checkout", desired, epoch, datetime.now(UTC) + timedelta(seconds=10), previous=BEFORE)


async def test_an_act_is_one_batch_and_the_tree_above_stays_as_it_is(laid: Zone) -> None:
    tree = laid.tree()
    assert len(tree) == 4
    driver = laid.driver()
    await driver.apply(act())
    assert len(laid.strict.batches) == 1
    touched = {change["ResourceRecordSet"]["Name"] for change in laid.strict.batches[0]}
    assert touched == {"checkout-de.shop.example.", "checkout-ie.shop.example.", "_leeward.checkout.shop.example."}
    assert laid.tree() == tree
    weights = {(item["Name"].partition(".")[0], item["SetIdentifier"]): item["Weight"] for item in laid.sets()
               if "Weight" in item}  # fmt: skip
    assert weights[("checkout-ie", "dublin")] == 0
    assert weights[("checkout-ie", "frankfurt")] == 17 * weights[("checkout-ie", "not-here")]


async def test_of_two_who_write_at_once_the_second_is_told_and_changes_nothing(laid: Zone) -> None:
    first, second = laid.driver(), laid.driver()
    await first.apply(act(key="laid", epoch=4))
    rival = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})

    def come_between() -> None:
        stamp = next(item for item in laid.sets() if item["Name"].startswith("_leeward"))
        fresh = {**stamp, "ResourceRecords": [{"Value": '"leeward epoch=6 at=1 key=rival"'}]}
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": fresh}]}
        laid.cloud.client("route53").change_resource_record_sets(HostedZoneId=laid.id, ChangeBatch=batch)

    laid.strict.before = come_between
    before = [item for item in laid.sets() if "Weight" in item]
    with pytest.raises(Conflict, match="do not match"):
        await second.apply(act(rival, "late"))
    assert [item for item in laid.sets() if "Weight" in item] == before


async def test_a_change_that_is_pending_is_not_done(laid: Zone) -> None:
    driver = laid.driver()
    pending: dict[str, Any] = {"on": True}

    def answer(model: Any, parsed: dict[str, Any], **_: object) -> None:
        if pending["on"]:
            parsed["ChangeInfo"]["Status"] = "PENDING"

    strict = driver._calls._made
    assert strict is not None

    def made(client: Any) -> None:
        strict(client)
        client.meta.events.register("after-call.route53.GetChange", answer)

    driver._calls._made = made
    await driver.apply(act())
    found = await driver.confirm(act())
    assert (found.done, found.detail) == (False, "the change is PENDING")
    pending["on"] = False
    assert (await driver.confirm(act())).done


async def test_who_starts_anew_waits_until_a_change_is_surely_everywhere(laid: Zone) -> None:
    await laid.driver().apply(act())
    found = await laid.driver().confirm(act())
    assert (found.done, found.detail) == (False, "too young to be everywhere for sure")


async def test_weights_that_somebody_else_wrote_over_are_not_confirmed(laid: Zone) -> None:
    driver = laid.driver()
    await driver.apply(act())
    item = next(item for item in laid.sets() if item.get("SetIdentifier") == "dublin" and "-ie" in item["Name"])
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {**item, "Weight": 9}}]}
    laid.cloud.client("route53").change_resource_record_sets(HostedZoneId=laid.id, ChangeBatch=batch)
    assert not (await driver.confirm(act())).done


async def test_names_that_are_chosen_by_geography_are_refused_not_rewritten(laid: Zone) -> None:
    driver = laid.driver(names={"IE": "checkout.shop.example"})
    picture = laid.sets()
    with pytest.raises(Refused, match="neither weighted"):
        await driver.apply(act(Weights({"IE": {"dublin": 1.0}})))
    assert laid.sets() == picture


def test_settings_are_checked_without_aws() -> None:
    assert route53.mistakes({"zone": "Z1", "names": NAMES, "set": "eu"}) == (
        "setting 'set' must be a word with {region} in it once",
    )
    assert route53.mistakes({"zon": "Z1", "names": {"IE": "x"}}) == (
        "setting 'zone' is missing: it must be a word",
        "unknown setting 'zon', did you mean 'zone'?",
    )
