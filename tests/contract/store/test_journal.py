"""The journal's contract."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from controlplane.model.errors import LeaseLost, WrongUse
from controlplane.model.journal import Json
from tests.contract.store.harness import NOON, Harness, entry


async def test_entries_come_back_as_they_were_written_in_their_order(harness: Harness) -> None:
    store = await harness.open()
    written = await store.journal.append([entry("dublin"), entry("london", facts={"lag_s": 0.8, "who": ["a", None]})])
    written += await store.journal.append([entry("stockholm")])
    assert [line.seq for line in written] == [1, 2, 3]
    assert await store.journal.read() == written
    assert await (await harness.open()).journal.read() == written


async def test_reading_goes_on_after_a_place_and_stops_at_a_limit(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(f"s{n}") for n in range(10)])
    assert [line.seq for line in await store.journal.read(after=3, limit=4)] == [4, 5, 6, 7]
    assert [line.seq for line in await store.journal.read(after=8)] == [9, 10]
    assert await store.journal.read(after=10) == ()
    assert await store.journal.read(limit=0) == ()


async def test_the_last_entries_come_oldest_first(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(f"s{n}") for n in range(10)])
    assert [line.seq for line in await store.journal.last(3)] == [8, 9, 10]
    assert len(await store.journal.last(100)) == 10
    assert await store.journal.last(0) == ()


async def test_an_empty_journal_is_whole(harness: Harness) -> None:
    store = await harness.open()
    assert await store.journal.read() == ()
    assert await store.journal.append([]) == ()
    assert await store.journal.verify() is None


async def test_each_hash_is_sha256_over_the_previous_hash_and_the_canonical_entry(harness: Harness) -> None:
    store = await harness.open()
    previous = ""
    for line in await store.journal.append([entry("Malmö", facts={"b": 1, "a": 2.5}), entry("x", epoch=3)]):
        fields = {
            "seq": line.seq,
            "at": "2026-11-24T12:00:00.000000+00:00",
            "kind": "hold",
            "subject": line.subject,
            "by": "dublin-1",
            "why": "no news",
            "rules": ["R1", "R16"],
            "epoch": line.epoch,
            "action": "a1",
            "facts": dict(line.facts),
        }
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        assert line.previous == previous
        assert line.hash == hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
        previous = line.hash


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Göteborg 🌊",
        "nul \x00 and \x1f",
        "a lone \ud800 surrogate",
        2**70,
        -0.0,
        1e-300,
        True,
        None,
        [[], {"": []}],
    ],
    ids=repr,
)
async def test_any_plain_json_survives(harness: Harness, value: Json) -> None:
    store = await harness.open()
    written = await store.journal.append([entry(facts={"value": value})])
    found = (await (await harness.open()).journal.read())[0]
    assert repr(found.facts["value"]) == repr(value)
    assert (found,) == written
    assert await store.journal.verify() is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
async def test_what_json_has_not_is_refused_and_nothing_is_written(harness: Harness, value: float) -> None:
    store = await harness.open()
    with pytest.raises(WrongUse):
        await store.journal.append([entry("fine"), entry(facts={"value": value})])
    assert await store.journal.read() == ()


async def test_a_time_without_a_zone_is_refused(harness: Harness) -> None:
    store = await harness.open()
    with pytest.raises(WrongUse, match="zone"):
        await store.journal.append([replace(entry(), at=datetime(2026, 11, 24))])  # noqa: DTZ001


async def test_the_same_instant_in_another_zone_is_kept_as_utc(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([replace(entry(), at=NOON.astimezone(timezone(timedelta(hours=5))))])
    assert (await store.journal.read())[0].at.isoformat() == "2026-11-24T12:00:00+00:00"


async def test_entries_of_a_stale_epoch_are_refused_and_none_of_their_append_is_written(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry("new", epoch=5)])
    with pytest.raises(LeaseLost):
        await store.journal.append([entry("fresh", epoch=6), entry("stale", epoch=4)])
    with pytest.raises(LeaseLost):
        await store.journal.append([entry("stale", epoch=4)])
    assert [line.subject for line in await store.journal.read()] == ["new"]
    await store.journal.append([entry("same", epoch=5), entry("next", epoch=6)])
    with pytest.raises(LeaseLost):
        await store.journal.append([entry("late", epoch=5)])


async def test_entries_without_an_epoch_are_welcome_whoever_leads(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(epoch=9)])
    written = await store.journal.append([entry("person")])
    assert written[0].epoch == 0


async def test_a_new_lease_makes_entries_of_the_epoch_before_stale_before_it_writes_anything(harness: Harness) -> None:
    store = await harness.open()
    first = await store.leases.acquire("leader", "a", timedelta(seconds=5), harness.now())
    assert first is not None
    await store.leases.release(first)
    second = await store.leases.acquire("leader", "b", timedelta(seconds=5), harness.now())
    assert second is not None
    with pytest.raises(LeaseLost):
        await store.journal.append([entry(epoch=first.epoch)])
    await store.journal.append([entry(epoch=second.epoch)])


async def test_many_who_append_at_once_make_one_whole_chain(harness: Harness) -> None:
    one, two = await harness.open(), await harness.open()
    tasks = [view.journal.append([entry(f"{n}-a"), entry(f"{n}-b")]) for n in range(20) for view in (one, two)]
    answers = await asyncio.gather(*tasks)
    found = await one.journal.read()
    assert sorted(line.seq for answer in answers for line in answer) == list(range(1, 81))
    assert all(answer[1].seq == answer[0].seq + 1 for answer in answers)
    assert [line.seq for line in found] == list(range(1, 81))
    assert await two.journal.verify() is None


async def test_one_stale_append_among_many_at_once_fails_alone(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(epoch=2)])
    appends = [store.journal.append([entry(f"s{n}", epoch=1 if n == 3 else 2)]) for n in range(6)]
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert [isinstance(answer, LeaseLost) for answer in answers] == [False, False, False, True, False, False]
    assert [line.subject for line in await store.journal.read(after=1)] == ["s0", "s1", "s2", "s4", "s5"]
    assert await store.journal.verify() is None


async def test_a_changed_entry_shows(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(f"s{n}") for n in range(5)])
    await harness.forge(3, '"s2"', '"s9"')
    assert await store.journal.verify() == 3


async def test_an_entry_torn_out_shows(harness: Harness) -> None:
    store = await harness.open()
    await store.journal.append([entry(f"s{n}") for n in range(5)])
    await harness.tear_out(2)
    assert await store.journal.verify() == 2
