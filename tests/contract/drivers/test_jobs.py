"""What the http driver owes beyond the contract, on real servers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.http.driver import http
from controlplane.model.act import Act, Desired, Fence, Holder
from controlplane.model.errors import Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import until_done
from tests.contract.drivers.targets.jobs import driver, regions


def act(desired: Desired, *, key: str = "one", epoch: int = 5) -> Act:
    return Act(key, "settlement", desired, epoch, datetime.now(UTC) + timedelta(seconds=10))


async def test_a_holder_that_cannot_be_reached_is_fenced_once_its_lease_has_surely_run_out() -> None:
    with regions("dublin", "frankfurt") as made:
        made["dublin"].active = True
        hands = driver(made, ttl=2)
        made["dublin"].stop()
        asked = act(Fence("dublin"))
        await hands.apply(asked)
        found = await hands.confirm(asked)
        assert not found.done
        assert "lease has run out in" in found.detail
        assert "silent" in (await until_done(lambda: hands.confirm(asked))).detail


async def test_one_that_comes_back_before_its_lease_ran_out_is_told_to_stop() -> None:
    with regions("dublin") as made:
        hands = driver(made, ttl=60)
        asked = act(Fence("dublin"))
        made["dublin"].active = made["dublin"].lies = True
        await hands.apply(asked)
        made["dublin"].lies = False
        assert not (await hands.confirm(asked)).done
        assert not made["dublin"].active
        assert (await hands.confirm(asked)).done


async def test_a_job_that_is_active_elsewhere_is_not_started_beside_it() -> None:
    with regions("dublin", "frankfurt") as made:
        made["dublin"].active = True
        with pytest.raises(Conflict, match="still active in dublin"):
            await driver(made).apply(act(Holder("frankfurt")))
        assert not made["frankfurt"].active


async def test_a_silent_region_does_not_keep_the_job_from_another() -> None:
    with regions("dublin", "frankfurt") as made:
        made["dublin"].stop()
        hands = driver(made)
        asked = act(Holder("frankfurt"))
        await hands.apply(asked)
        assert (await until_done(lambda: hands.confirm(asked))).done
        assert await hands.read("settlement", Holder("dublin")) == Holder("frankfurt")


async def test_where_it_runs_is_unsaid_while_a_region_is_silent_and_no_other_has_it() -> None:
    with regions("dublin", "frankfurt") as made:
        made["dublin"].stop()
        with pytest.raises(Retry, match="dublin does not say"):
            await driver(made).read("settlement", Holder("dublin"))


async def test_two_that_are_active_are_a_conflict_to_whoever_asks() -> None:
    with regions("dublin", "frankfurt") as made:
        made["dublin"].active = made["frankfurt"].active = True
        with pytest.raises(Conflict, match="dublin, frankfurt"):
            await driver(made).read("settlement", Holder("dublin"))


async def test_a_lease_that_others_prolong_is_prolonged_by_telling_it_again() -> None:
    with regions("dublin") as made:
        hands = driver(made, renew="/_jobs/{job}/renew", ttl=9)
        assert hands.keep_s == 3.0
        assert driver(made).keep_s is None
        asked = act(Holder("dublin"))
        for _ in range(2):
            await hands.apply(asked)
        assert [verb for verb, _ in made["dublin"].orders] == ["activate", "renew", "activate", "renew"]
        assert {key for _, key in made["dublin"].orders} == {"one"}


async def test_undo_of_an_activation_gives_the_job_back_to_whoever_had_it() -> None:
    with regions("dublin", "frankfurt") as made:
        hands = driver(made)
        asked = replace(act(Holder("frankfurt")), previous=Holder("dublin"))
        await hands.apply(asked)
        await hands.undo(asked)
        assert (made["dublin"].active, made["frankfurt"].active) == (True, False)


async def test_an_answer_under_an_older_epoch_is_no_confirmation() -> None:
    with regions("dublin") as made:
        made["dublin"].active, made["dublin"].epoch = True, 3
        assert not (await driver(made).confirm(act(Holder("dublin")))).done
        made["dublin"].epoch = 7
        with pytest.raises(Conflict, match="older"):
            await driver(made).confirm(act(Holder("dublin")))


async def test_a_region_without_an_address_is_refused() -> None:
    with regions("dublin") as made:
        for asked in (act(Holder("atlantis")), act(Fence("atlantis"))):
            with pytest.raises(Refused, match="atlantis"):
                await driver(made).apply(asked)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "'at' is missing"),
        ({"at": "http://job.{region}:8080"}, "'regions' is missing"),
        ({"at": {"dublin": "job:8080"}}, "must be a URL"),
        ({"at": {"dublin": "http://job"}, "tll": 5}, "did you mean 'ttl'"),
        ({"at": {"dublin": "http://job"}, "ttl": "5s"}, "number"),
    ],
)
def test_wrong_settings_are_told_in_words(settings: dict[str, Setting], words: str) -> None:
    assert any(words in sentence for sentence in http.mistakes(settings)), http.mistakes(settings)


def test_one_address_may_stand_for_all_regions() -> None:
    settings: dict[str, Setting] = {"at": "http://job.{region}:8080", "regions": ["dublin", "london"]}
    assert http.mistakes(settings) == ()
    assert http(settings)._jobs._at == {"dublin": "http://job.dublin:8080", "london": "http://job.london:8080"}
