import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from controlplane.model.act import Fence, Holder, KnobSetting, Weights
from controlplane.model.desk import (
    Mode,
    Pause,
    Release,
    SetWish,
)
from controlplane.model.errors import Broken, StoreLost
from controlplane.model.evidence import Key, Observation, Reading, Signal
from controlplane.model.journal import EntryKind
from controlplane.model.notice import Severity
from controlplane.model.world import Wish
from tests.unit.engine.estates import small_estate
from tests.unit.engine.ports import shares
from tests.unit.engine.scene import Scene, drained, scene


@scene()
async def test_a_quiet_estate_is_left_alone(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(60)
    assert s.world.did == []
    assert [entry.kind for entry in await s.journal()] == [EntryKind.LEADER]
    assert daemon.mode is Mode.LEADING


@scene()
async def test_a_dead_region_is_left_data_first_and_told_of_once(s: Scene) -> None:
    await s.settled()
    await s.live(10, "dublin")
    order = [(subject, type(desired).__name__) for subject, desired, _ in s.world.did]
    assert set(order) == {
        ("checkout", "Weights"),
        ("search", "Weights"),
        ("settlement", "Fence"),
        ("settlement", "Holder"),
        ("orders-db", "Fence"),
        ("orders-db", "Primary"),
    }
    assert order.index(("orders-db", "Fence")) < order.index(("orders-db", "Primary"))
    assert order.index(("orders-db", "Primary")) < order.index(("settlement", "Holder"))
    assert order.index(("settlement", "Fence")) < order.index(("settlement", "Holder"))
    assert s.in_dublin() == 0
    assert len(await s.journal(EntryKind.DRAINED)) == 1
    (transition,) = s.daemons[0].machine.keeper.state.transitions
    assert (transition.region, transition.to) == ("dublin", "drained")


@scene()
async def test_the_loop_looks_at_once_when_belief_changes_and_does_not_wait_for_its_tick(s: Scene) -> None:
    daemon = await s.settled(tick_s=30.0)
    before = daemon.machine.decider.fresh_plans
    s.see("dublin")
    await asyncio.sleep(0.001)
    assert daemon.machine.decider.fresh_plans > before


@scene()
async def test_a_dwell_that_ends_between_two_ticks_is_not_waited_for_until_the_next(s: Scene) -> None:
    await s.settled(tick_s=30.0)
    for _ in range(6):
        s.see("dublin")
        await asyncio.sleep(0.5)
    assert s.in_dublin() == 0, "two seconds of dwell, half a second of grace"


@scene(small_estate(mode="auto"))
async def test_a_region_gets_its_traffic_back_in_steps_once_it_has_been_well_for_long_enough(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(10, "dublin")
    left_at = s.clock.now()
    moves: list[float] = []
    for _ in range(120):
        s.see()
        lag = Observation(Signal.LAG, "v1", "dublin", "orders-db", Reading.OK, s.clock.now(), value=0.1, valid_s=3.5)
        daemon.machine.book.add(lag)
        await asyncio.sleep(1)
        if not moves or moves[-1] != s.in_dublin():
            moves.append(s.in_dublin())
    assert moves[0] == 0
    assert moves == sorted(moves)
    assert max(b - a for a, b in pairwise(moves)) <= 2.0 + 1e-6, "half of each origin a step"
    (entry,) = await s.journal(EntryKind.RESTORED)
    assert (entry.at - left_at).total_seconds() >= 30
    assert daemon.machine.keeper.state.drains == ()
    assert s.world.values["settlement", "Holder"] == Holder("frankfurt"), "holders never fail back by themselves"


@scene(small_estate(autonomy="observe"))
async def test_a_policy_that_observes_never_acts_and_says_what_it_sees(s: Scene) -> None:
    await s.settled()
    await s.live(30, "dublin")
    assert s.world.did == []
    assert await s.journal(EntryKind.REFUSED)
    assert not await s.journal(EntryKind.INTENT)


@scene()
async def test_of_two_daemons_one_leads_and_the_other_goes_on_within_the_lease_when_it_dies(s: Scene) -> None:
    first = await s.settled("one")
    second = await s.settled("two")
    assert (first.mode, second.mode) == (Mode.LEADING, Mode.FOLLOWING)
    first.stop()
    await s.live(13, "dublin")
    assert second.mode is Mode.LEADING
    assert second.machine.leadership.epoch > 1
    assert s.in_dublin() == 0
    assert {epoch for _, _, epoch in s.world.did} == {second.machine.leadership.epoch}


@scene()
async def test_without_the_store_everything_is_held_and_watched_and_written_down_once_it_is_back(s: Scene) -> None:
    daemon = await s.settled()
    s.store.lose()
    await s.live(30, "dublin")
    assert s.world.did == []
    assert daemon.mode is Mode.HOLDING
    assert daemon.machine.decider.verdicts["dublin", "checkout"].state.value == "down"
    status = s.desk(daemon).snapshot()
    assert not status.store.ok
    assert status.store.spooled > 0
    with pytest.raises(StoreLost):
        await s.desk(daemon).submit(Pause("ana", "x"))
    s.store.find()
    await s.live(12, "dublin")
    assert "R16" in await s.rules_held()
    assert s.in_dublin() == 0
    assert daemon.machine.scribe.spooled == 0
    assert await s.store.journal.verify() is None


@scene()
async def test_a_fault_in_every_region_at_once_is_held_frozen_and_told_and_nothing_is_moved(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(10, "dublin", "frankfurt", "stockholm")
    assert s.world.did == []
    assert "R2" in await s.rules_held()
    (freeze,) = await s.journal(EntryKind.FREEZE)
    assert freeze.facts["frozen"] is True
    assert any(n.severity is Severity.PAGE and "R2" in n.rules for n in s.mailbox.notices)
    desk = s.desk(daemon)
    assert desk.snapshot().frozen_since is not None
    await desk.submit(Release("estate", "ana", "known cause"))
    await s.live(3, "dublin", "frankfurt", "stockholm")
    assert desk.snapshot().frozen_since is None
    await s.live(10)
    await s.live(10, "dublin", "frankfurt", "stockholm")
    assert desk.snapshot().frozen_since is not None, "the next fault freezes again"


@scene(small_estate(capacity=560.0))
async def test_knobs_are_turned_before_traffic_arrives_shown_at_once_and_restored_when_there_is_room(s: Scene) -> None:
    s.world.put("checkout", Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}}))
    s.world.put("search", Weights({"DE": {"frankfurt": 1.0}, "IE": {"frankfurt": 1.0}}))
    daemon = await s.settled()
    desk = s.desk(daemon)
    shown: list[object] = []

    async def tap(verb: str, subject: str) -> None:
        if subject == "recommendations" and verb == "confirm":
            shown.append(desk.flags().get("recommendations"))

    s.driver.tap = tap
    await s.live(10, "dublin", "stockholm")
    order = [(subject, desired) for subject, desired, _ in s.world.did]
    knob = next(i for i, (_, desired) in enumerate(order) if desired == KnobSetting("off"))
    gains = [i for i, (_, d) in enumerate(order) if isinstance(d, Weights) and d.shares["IE"].get("frankfurt")]
    assert gains
    assert knob < min(gains)
    assert shown == ["off"], "the value is offered while it is being confirmed"
    assert desk.flags()["recommendations"] == "off"


@scene()
async def test_other_policies_are_followed_from_the_next_tick_on(s: Scene) -> None:
    daemon = await s.settled()
    daemon.machine.follow(small_estate(autonomy="observe"))
    await s.live(20, "dublin")
    assert s.world.did == []


@scene()
async def test_a_tick_that_fails_is_told_and_the_loop_goes_on(s: Scene) -> None:
    daemon = await s.settled()
    daemon.machine.decider.book = _Broken()  # type: ignore[assignment]
    await s.live(5)
    daemon.machine.decider.book = daemon.machine.book
    await s.live(8, "dublin")
    assert s.in_dublin() == 0
    told = await s.journal(EntryKind.SUPERVISE)
    assert any("a mistake of ours" in entry.why for entry in told)
    assert sum(n.subject == "tick" for n in s.mailbox.notices) == 1


class _Broken:
    """A book that cannot be read."""

    revision = -5

    def snapshot(self, _: object) -> object:
        raise ValueError("a mistake of ours")


@scene()
async def test_what_somebody_else_changed_is_found_and_put_right(s: Scene) -> None:
    daemon = await s.settled(audit_s=10.0)
    s.world.put("settlement", Holder(None))
    await s.live(15)
    assert s.world.values["settlement", "Holder"] != Holder(None)
    assert any("found otherwise" in entry.why for entry in await s.journal(EntryKind.SUPERVISE))
    assert daemon.mode is Mode.LEADING


@scene()
async def test_a_way_out_of_a_dead_region_takes_the_place_of_a_slower_one_in_the_air(s: Scene) -> None:
    daemon = await s.settled()

    async def tap(verb: str, subject: str) -> None:
        if verb == "confirm" and subject == "checkout" and shares(s.world, "checkout", "dublin") > 0:
            await asyncio.sleep(4)

    s.driver.tap = tap
    await s.desk(daemon).submit(drained()(s))
    await s.live(1)
    assert any(f.action.subject == "checkout" for f in daemon.machine.actor.seen())
    await s.live(3, "dublin")
    endings = [e.facts["ending"] for e in await s.journal(EntryKind.OUTCOME) if e.subject == "checkout"]
    assert "superseded" in endings
    assert shares(s.world, "checkout", "dublin") == 0


@scene()
async def test_a_holder_whose_lease_lapses_is_told_again_in_time(s: Scene) -> None:
    beats: list[str] = []

    async def tap(verb: str, subject: str) -> None:
        if verb == "apply":
            beats.append(subject)

    s.driver.tap = tap
    daemon = s.daemon()
    daemon.machine.executor.hands.keep_s = 3.0  # type: ignore[attr-defined]
    s.start(daemon)
    await s.live(31)
    assert 9 <= beats.count("settlement") <= 12
    s.store.lose()
    beats.clear()
    await s.live(30)
    assert beats.count("settlement") <= 3, "who does not surely lead must let the holder lapse"


@scene()
async def test_a_fenced_holder_is_never_told_again(s: Scene) -> None:
    daemon = s.daemon()
    daemon.machine.executor.hands.keep_s = 1.0  # type: ignore[attr-defined]
    s.start(daemon)
    await s.live(3)
    await s.live(20, "dublin")
    after = s.world.did.index(("settlement", Fence("dublin"), 1))
    assert Holder("dublin") not in [d for subject, d, _ in s.world.did[after:] if subject == "settlement"]


@scene()
async def test_a_knob_whose_driver_is_out_of_order_is_planned_without_for_a_while(s: Scene) -> None:
    daemon = await s.settled()

    async def tap(verb: str, subject: str) -> None:
        if subject == "recommendations" and verb == "apply":
            raise Broken("no flags today")

    s.driver.tap = tap
    until = s.clock.now() + timedelta(hours=1)
    await s.desk(daemon).submit(SetWish(Wish("knob", "recommendations", "off", "ana", "quiet", until)))
    stuck: set[str] = set()
    for _ in range(20):
        await s.live(1)
        stuck |= daemon.machine.actor.stuck()
    assert stuck == {"recommendations"}


@scene()
async def test_a_loop_says_when_it_will_have_nothing_to_do_and_a_leap_changes_nothing(s: Scene) -> None:
    daemon = await s.settled()
    assert daemon.quiet_until() is None, "it has hardly begun to look"
    await s.live(12)
    assert daemon.quiet_until() is not None
    plans = daemon.machine.decider.fresh_plans
    await s.live(60)
    assert daemon.machine.decider.fresh_plans == plans, "a tick that finds nothing new decides nothing"
    await s.live(3, "dublin")
    await s.live(10, "dublin")
    before = len(await s.journal())
    until = daemon.quiet_until()
    assert until is not None
    assert until > s.clock.now() + timedelta(hours=1) or until > s.clock.now()
    s.see("dublin")
    s.timeline.leap(600)
    daemon.leap(timedelta(seconds=600))
    await daemon.tick()
    assert len(await s.journal()) == before


def test_two_lives_from_one_seed_are_the_same_to_the_last_hash() -> None:
    def life() -> list[str]:
        whole = Scene()
        hashes: list[str] = []

        async def main() -> None:
            await whole.settled()
            await whole.live(10, "dublin")
            await whole.live(20)
            hashes.extend(entry.hash for entry in await whole.journal())

        whole.run(main())
        return hashes

    assert life() == life()


@scene()
async def test_replicas_find_each_other_through_the_store_and_believe_what_the_others_see(s: Scene) -> None:
    one = s.daemon("one", vantage="a", vantages=())
    two = s.daemon("two", vantage="b", vantages=())
    for daemon in (one, two):
        s.start(daemon)
    for _ in range(12):
        seen = Observation(Signal.LIVENESS, "b", "dublin", "checkout", Reading.FAILED, s.clock.now(), valid_s=3.5)
        two.machine.book.add(seen)
        await asyncio.sleep(1)
    book = one.machine.book
    assert list(book.vantages) == ["a", "b"]
    assert (
        book.snapshot(s.clock.now()).samples[Key(Signal.LIVENESS, "b", "dublin", "checkout")].reading is Reading.FAILED
    )
    assert not two.machine.book.snapshot(s.clock.now()).samples.keys() - {
        Key(Signal.LIVENESS, "b", "dublin", "checkout")
    }
    heard = s.desk(one).snapshot().watch.vantages
    assert heard["b"] is not None
    two.stop()
    await asyncio.sleep(8)
    stale = book.snapshot(s.clock.now()).samples[Key(Signal.LIVENESS, "b", "dublin", "checkout")]
    assert (s.clock.now() - stale.observed_at).total_seconds() > stale.valid_s, "silence is not passed on as evidence"
    await asyncio.sleep(601)
    assert list(book.vantages) == ["a"], "who has not signed for ten minutes will not come back"
