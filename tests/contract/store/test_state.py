"""The state's contract."""

import asyncio
from datetime import timedelta

import pytest

from controlplane.model.errors import LeaseLost, WriteRaced, WrongUse
from controlplane.model.journal import Json
from tests.contract.store.harness import Harness, entry


async def test_what_was_never_saved_is_nothing_at_version_0(harness: Harness) -> None:
    store = await harness.open()
    assert await store.state.load("estate") == (None, 0)


async def test_a_document_comes_back_with_its_version_to_whoever_asks(harness: Harness) -> None:
    store = await harness.open()
    value: Json = {"shares": {"checkout": {"DE": {"frankfurt": 0.1}}}, "none": None, "list": [1, 2.0, "\x00", True]}
    assert await store.state.save("estate", value, epoch=0, expected=0) == 1
    assert await (await harness.open()).state.load("estate") == (value, 1)
    assert await store.state.save("estate", None, epoch=0, expected=1) == 2
    assert await store.state.load("estate") == (None, 2)


async def test_documents_do_not_touch_each_other(harness: Harness) -> None:
    store = await harness.open()
    await store.state.save("vantage/dublin", 1, epoch=0, expected=0)
    await store.state.save("vantage/london", 2, epoch=0, expected=0)
    assert await store.state.load("vantage/dublin") == (1, 1)


@pytest.mark.parametrize("expected", [0, 2, 7])
async def test_a_save_over_another_version_than_expected_changes_nothing(harness: Harness, expected: int) -> None:
    store = await harness.open()
    await store.state.save("estate", "first", epoch=0, expected=0)
    with pytest.raises(WriteRaced):
        await store.state.save("estate", "second", epoch=0, expected=expected)
    assert await store.state.load("estate") == ("first", 1)


async def test_a_version_of_what_does_not_exist_cannot_be_replaced(harness: Harness) -> None:
    store = await harness.open()
    with pytest.raises(WriteRaced):
        await store.state.save("estate", "x", epoch=0, expected=1)
    assert await store.state.load("estate") == (None, 0)


async def test_of_many_who_replace_one_version_at_once_one_wins(harness: Harness) -> None:
    views = [await harness.open() for _ in range(2)]
    saves = [view.state.save("estate", n, epoch=0, expected=0) for n, view in enumerate(views * 5)]
    answers = await asyncio.gather(*saves, return_exceptions=True)
    assert answers.count(1) == 1
    assert sum(isinstance(answer, WriteRaced) for answer in answers) == 9
    assert await views[0].state.load("estate") == (answers.index(1), 1)


async def test_a_stale_epoch_saves_nothing(harness: Harness) -> None:
    store = await harness.open()
    await store.state.save("estate", "new", epoch=3, expected=0)
    with pytest.raises(LeaseLost):
        await store.state.save("estate", "stale", epoch=2, expected=1)
    with pytest.raises(LeaseLost):
        await store.state.save("another", "stale", epoch=2, expected=0)
    assert await store.state.load("estate") == ("new", 1)


async def test_a_document_kept_under_a_lease_cannot_be_saved_without_one(harness: Harness) -> None:
    store = await harness.open()
    await store.state.save("estate", "leader's", epoch=3, expected=0)
    with pytest.raises(LeaseLost):
        await store.state.save("estate", "anybody's", epoch=0, expected=1)
    await store.state.save("vantage/london", "a follower's", epoch=0, expected=0)


async def test_journal_and_state_share_one_fence(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(epoch=4)])
    with pytest.raises(LeaseLost):
        await store.state.save("estate", "stale", epoch=3, expected=0)
    await store.state.save("estate", "new", epoch=5, expected=0)
    with pytest.raises(LeaseLost):
        await store.journal.append([entry(epoch=4)])


async def test_a_new_lease_makes_saves_of_the_epoch_before_stale(harness: Harness) -> None:
    store = await harness.open()
    first = await store.leases.acquire("leader", "a", timedelta(seconds=5), harness.now())
    assert first is not None
    await store.state.save("estate", 1, epoch=first.epoch, expected=0)
    await store.leases.release(first)
    second = await store.leases.acquire("leader", "b", timedelta(seconds=5), harness.now())
    assert second is not None
    with pytest.raises(LeaseLost):
        await store.state.save("estate", 2, epoch=first.epoch, expected=1)
    assert await store.state.save("estate", 3, epoch=second.epoch, expected=1) == 2


async def test_a_document_changed_after_it_was_saved_is_not_changed_in_the_store(harness: Harness) -> None:
    store = await harness.open()
    value: dict[str, Json] = {"list": [1]}
    await store.state.save("estate", value, epoch=0, expected=0)
    value["list"] = "changed"
    found, _ = await store.state.load("estate")
    assert found == {"list": [1]}


async def test_what_json_has_not_is_not_saved(harness: Harness) -> None:
    store = await harness.open()
    with pytest.raises(WrongUse):
        await store.state.save("estate", {"share": float("nan")}, epoch=0, expected=0)
    assert await store.state.load("estate") == (None, 0)


async def test_a_large_document_survives(harness: Harness) -> None:
    store = await harness.open()
    value: Json = {f"service-{n}": {"origin": [n / 7] * 20} for n in range(2000)}
    await store.state.save("estate", value, epoch=0, expected=0)
    assert (await store.state.load("estate"))[0] == value
