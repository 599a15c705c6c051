"""Commands and queries, with what they refuse."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from controlplane.model.desk import AskSecond, Status
from controlplane.model.errors import LeaseLost, RefusedByRule, StoreLost, WrongUse
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.rules import Rule
from controlplane.model.verdict import EVERY_SERVICE, Health, Verdict
from controlplane.model.world import Lag, World
from controlplane.service.service import Service, Sought, plan_for_world
from controlplane.service.verbs import Answer, Degrade, Drain, Failover, Restore, Said, SetPause
from controlplane.store.memory import MemoryStore
from tests.unit.service.shop import NOON, StillDesk, estate

ANA = Said("ana", "storm")
BO = Said("bo", "agreed")


def make(world: World | None = None) -> tuple[Service, StillDesk, MemoryStore]:
    store = MemoryStore()
    desk = StillDesk(store.journal, world)
    return Service(desk, store.journal), desk, store


async def test_a_preview_shows_the_plan_and_touches_nothing() -> None:
    service, desk, store = make()
    seen = await service.preview(Drain("dublin"), ANA)
    assert not seen.against
    assert any(action.kind == "shift" for action in seen.plan.actions)
    assert not any(action.kind == "shift" for action in seen.before.actions)
    assert desk.given == []
    assert await store.journal.read() == ()


async def test_a_command_is_done_and_recorded_with_who_and_why() -> None:
    service, _, store = make()
    receipt = await service.do(Drain("dublin"), ANA)
    assert receipt.accepted
    assert receipt.plan is not None
    assert any(action.kind == "shift" for action in receipt.plan.actions)
    (entry,) = await store.journal.read()
    assert (entry.kind, entry.by, entry.why, entry.seq) == (EntryKind.PERSON, "ana", "storm", receipt.seq)
    assert [override.region for override in (await service.status()).world.overrides] == ["dublin"]


async def test_a_drain_past_the_least_serving_regions_waits_for_a_second_person() -> None:
    service, desk, _ = make()
    await service.do(Drain("dublin"), ANA)
    seen = await service.preview(Drain("london"), ANA)
    assert seen.second
    assert seen.rules == (Rule.BLAST_RADIUS,)
    receipt = await service.do(Drain("london"), ANA)
    assert receipt.waiting is not None
    assert isinstance(desk.given[-1], AskSecond)
    assert [override.region for override in desk.state.overrides] == ["dublin"]


async def test_nobody_is_their_own_second_person() -> None:
    service, desk, _ = make()
    await service.do(Drain("dublin"), ANA)
    waiting = (await service.do(Drain("london"), ANA)).waiting
    assert waiting is not None
    with pytest.raises(RefusedByRule) as refused:
        await service.do(Answer(waiting), Said(" ana "))
    assert refused.value.rules == ("R11",)
    assert len(desk.state.overrides) == 1


async def test_a_preview_of_a_yes_shows_what_it_says_yes_to() -> None:
    service, desk, _ = make()
    await service.do(Drain("dublin"), ANA)
    waiting = (await service.do(Drain("london"), ANA)).waiting
    assert waiting is not None
    assert set((await service.preview(Answer(waiting), BO)).plan.drained) == {"dublin", "london"}
    assert set((await service.preview(Answer(waiting, granted=False), BO)).plan.drained) == {"dublin"}
    assert len(desk.state.overrides) == 1


async def test_once_another_person_approves_the_safety_rule_gives_way() -> None:
    service, desk, _ = make()
    await service.do(Drain("dublin"), ANA)
    waiting = (await service.do(Drain("london"), ANA)).waiting
    assert waiting is not None
    await service.do(Answer(waiting), BO)
    approved = desk.state.overrides[-1]
    assert (approved.region, approved.by, approved.approved_by) == ("london", "ana", "bo")
    assert set((await service.plan()).drained) == {"dublin", "london"}


async def test_what_a_rule_forbids_whoever_asks_is_refused_with_its_id() -> None:
    service, desk, _ = make()
    with pytest.raises(RefusedByRule) as refused:
        await service.do(Failover("orders-db", "frankfurt"), ANA)
    assert "R9" in refused.value.rules
    assert "lag" in str(refused.value)
    assert desk.given == []


async def test_the_same_is_done_once_the_world_allows_it() -> None:
    service, _, _ = make(World(at=NOON, lag={"orders-db": {"frankfurt": Lag(timedelta(0))}}))
    receipt = await service.do(Failover("orders-db", "frankfurt"), ANA)
    assert receipt.plan is not None
    assert receipt.plan.promote == {"orders-db": "frankfurt"}


async def test_turning_a_knob_up_at_the_price_of_users_waits_for_a_second_person() -> None:
    world = World(
        at=NOON,
        demand={"feed": {"DE": 900.0}},
        knobs={"recommendations": "off"},
        verdicts={
            ("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.DOWN, NOON - timedelta(minutes=5))
        },
    )
    service, desk, _ = make(world)
    receipt = await service.do(Restore("recommendations"), ANA)
    assert receipt.waiting is not None
    assert desk.state.wishes == ()
    assert (await service.preview(Restore("recommendations"), ANA)).warnings


async def test_turning_a_knob_down_needs_nobody_else() -> None:
    service, desk, _ = make()
    receipt = await service.do(Degrade("recommendations", "cached"), ANA)
    assert receipt.waiting is None
    assert [wish.to for wish in desk.state.wishes] == ["cached"]


@pytest.mark.parametrize("by", ["", "  ", "machine"])
async def test_nobody_is_no_name_to_record(by: str) -> None:
    service, _, _ = make()
    with pytest.raises(WrongUse, match="say who you are"):
        await service.do(SetPause(True), Said(by))


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(seconds=-1), timedelta(days=31)])
async def test_what_is_asked_must_end_and_not_before_it_begins(lasting: timedelta) -> None:
    service, _, _ = make()
    with pytest.raises(WrongUse, match="must end"):
        await service.do(Drain("dublin"), Said("ana", "storm", lasting))


async def test_a_follower_and_a_lost_store_say_so() -> None:
    service, desk, _ = make()
    desk.leads = False
    with pytest.raises(LeaseLost, match="frankfurt-1"):
        await service.do(Drain("dublin"), ANA)
    desk.lost = True
    with pytest.raises(StoreLost):
        await service.do(Drain("dublin"), ANA)


async def test_an_explanation_of_a_subject_says_why_and_what_was_written_about_it() -> None:
    since = NOON - timedelta(minutes=5)
    service, _, store = make(
        World(at=NOON, verdicts={("dublin", EVERY_SERVICE): Verdict("dublin", EVERY_SERVICE, Health.DOWN, since)})
    )
    await store.journal.append([Entry(EntryKind.VERDICT, NOON, "dublin", "a"), Entry(EntryKind.HOLD, NOON, "x", "a")])
    found = await service.explain("dublin")
    assert [entry.subject for entry in found.entries] == ["dublin"]
    assert [verdict.state for verdict in found.verdicts] == [Health.DOWN]
    shift = next(action for action in (await service.plan()).actions if action.kind == "shift")
    (explanation,) = (await service.explain(shift.id)).explanations
    assert explanation.why


async def test_an_explanation_of_an_entry_finds_what_became_of_the_intent() -> None:
    service, _, store = make()
    await store.journal.append(
        [
            Entry(EntryKind.INTENT, NOON, "checkout", "a", action="shift-checkout"),
            Entry(EntryKind.HOLD, NOON, "london", "a"),
            Entry(EntryKind.OUTCOME, NOON, "checkout", "a", action="shift-checkout", facts={"intent": 1}),
        ]
    )
    assert [entry.seq for entry in (await service.explain("1")).entries] == [1, 3]
    assert [entry.seq for entry in (await service.explain("shift-checkout")).entries] == [1, 3]


async def test_what_nobody_has_heard_of_cannot_be_explained_but_what_policies_name_can() -> None:
    service, _, _ = make()
    with pytest.raises(WrongUse, match="nothing is known of 'atlantis'"):
        await service.explain("atlantis")
    assert (await service.explain("frankfurt")).explanations == ()


async def test_history_comes_newest_last_and_can_be_narrowed() -> None:
    service, _, store = make()
    kinds = (EntryKind.HOLD, EntryKind.PLAN)
    await store.journal.append([Entry(kinds[n % 2], NOON, f"s{n % 3}", "a") for n in range(30)])
    assert [entry.seq for entry in await service.history(Sought(limit=3))] == [28, 29, 30]
    assert [entry.seq for entry in await service.history(Sought(after=4, limit=2))] == [5, 6]
    narrowed = await service.history(Sought(subject="s1", kind=EntryKind.PLAN))
    assert [entry.seq for entry in narrowed] == [2, 8, 14, 20, 26]
    assert [entry.seq for entry in await service.history(Sought(after=8, limit=1, subject="s1"))] == [11]
    with pytest.raises(WrongUse):
        await service.history(Sought(limit=0))
    assert await service.verify() is None


async def test_events_begin_with_what_is_so_and_tell_what_happens() -> None:
    service, desk, store = make()
    await store.journal.append([Entry(EntryKind.HOLD, NOON, "before", "a")])
    events = service.events()
    assert isinstance(await anext(events), Status)
    await service.do(Drain("dublin"), ANA)
    told = [await anext(events), await anext(events)]
    assert isinstance(told[0], Entry)
    assert told[0].by == "ana"
    assert isinstance(told[1], Status)
    assert [override.region for override in told[1].world.overrides] == ["dublin"]
    await events.aclose()
    assert desk.heard_by == 0


async def test_events_after_a_place_miss_nothing() -> None:
    service, _, store = make()
    await store.journal.append([Entry(EntryKind.HOLD, NOON, f"s{n}", "a") for n in range(1200)])
    events = service.events(after=3)
    seen: list[int] = []
    async with asyncio.timeout(20):
        async for event in events:
            if isinstance(event, Entry):
                seen.append(event.seq)
            if len(seen) == 1197:
                break
    assert seen == list(range(4, 1201))


async def test_a_tick_that_changes_nothing_is_no_event() -> None:
    service, desk, _ = make()
    events = service.events()
    await anext(events)
    desk.change(World(at=NOON + timedelta(seconds=1)))
    desk.change(World(at=NOON + timedelta(seconds=2)))
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    desk.change(World(at=NOON + timedelta(seconds=3), knobs={"recommendations": "off"}))
    event = await asyncio.wait_for(waiting, 5)
    assert isinstance(event, Status)
    assert event.world.knobs == {"recommendations": "off"}


async def test_events_go_on_without_a_store() -> None:
    service, desk, store = make()
    store.lose()
    events = service.events()
    assert isinstance(await anext(events), Status)
    desk.lost = True
    desk.change(World(at=NOON))
    event = await asyncio.wait_for(anext(events), 5)
    assert isinstance(event, Status)
    assert not event.store.ok


def test_a_plan_for_a_world_is_the_decision_alone() -> None:
    assert plan_for_world(estate(), World(at=NOON)).feasible


async def test_a_service_whose_loop_has_not_decided_yet_decides_itself() -> None:
    service, desk, _ = make()
    before = desk.snapshot
    desk.snapshot = lambda: replace(before(), plan=None)  # type: ignore[method-assign]
    assert (await service.plan()).feasible
