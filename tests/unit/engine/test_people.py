import asyncio
from datetime import timedelta

import pytest

from controlplane.model.act import Holder
from controlplane.model.desk import (
    AcceptLoss,
    AddOverride,
    Approve,
    AskSecond,
    ClearOverride,
    Pause,
    Reject,
    Resume,
    SetWish,
    Tick,
)
from controlplane.model.errors import LeaseLost
from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.notice import Severity
from controlplane.model.rules import Rule
from controlplane.model.world import Wish
from tests.unit.engine.estates import small_estate
from tests.unit.engine.scene import Scene, drained, scene


@scene(small_estate(mode="manual"))
async def test_a_manual_failback_waits_for_a_person_and_says_so(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(10, "dublin")
    for _ in range(60):
        s.see()
        lag = Observation(Signal.LAG, "v1", "dublin", "orders-db", Reading.OK, s.clock.now(), value=0.1, valid_s=3.5)
        daemon.machine.book.add(lag)
        await asyncio.sleep(1)
    assert s.in_dublin() == 0
    assert len(daemon.machine.keeper.state.drains) >= 1
    assert any("waits for a person" in notice.text for notice in s.mailbox.notices)


@scene(small_estate(autonomy="propose"))
async def test_a_policy_that_proposes_waits_for_a_person(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(10, "dublin")
    assert s.world.did == []
    desk = s.desk(daemon)
    waiting = {approval.id: approval for approval in desk.snapshot().approvals}
    assert {"shift-checkout", "shift-search"} <= set(waiting)
    assert any(notice.severity is Severity.PAGE for notice in s.mailbox.notices)
    receipt = await desk.submit(Approve("shift-checkout", "ana", "go"))
    assert receipt.accepted
    await s.live(3, "dublin")
    assert {subject for subject, _, _ in s.world.did} == {"checkout"}
    await desk.submit(Reject("shift-search", "ana", "no"))
    await s.live(5, "dublin")
    assert {subject for subject, _, _ in s.world.did} == {"checkout"}
    assert "shift-search" not in {approval.id for approval in desk.snapshot().approvals}
    assert not (await desk.submit(Approve("shift-search", "ana", "too late"))).accepted


@scene(small_estate(autonomy="propose"))
async def test_an_approval_is_good_for_this_failure_and_not_for_the_next(s: Scene) -> None:
    daemon = await s.settled()
    await s.live(10, "dublin")
    desk = s.desk(daemon)
    for approval in desk.snapshot().approvals:
        await desk.submit(Approve(approval.id, "ana", "go"))
    await s.live(10, "dublin")
    assert s.in_dublin() == 0
    await s.live(5, "dublin")
    assert daemon.machine.keeper.state.approved == ()


@scene()
async def test_a_paused_daemon_watches_and_does_not_act_until_it_is_resumed(s: Scene) -> None:
    daemon = await s.settled()
    desk = s.desk(daemon)
    await desk.submit(Pause("ana", "looking at it myself"))
    await s.live(15, "dublin")
    assert s.world.did == []
    paused = desk.snapshot().paused
    assert paused is not None
    assert paused.by == "ana"
    await desk.submit(Resume("ana", "go on"))
    await s.live(5, "dublin")
    assert s.in_dublin() == 0
    assert [(e.by, e.why) for e in await s.journal(EntryKind.PERSON)] == [
        ("ana", "looking at it myself"),
        ("ana", "go on"),
    ]


@scene()
async def test_a_drain_by_a_person_goes_in_steps_counts_as_no_transition_and_ends_with_its_override(s: Scene) -> None:
    daemon = await s.settled()
    desk = s.desk(daemon)
    receipt = await desk.submit(drained()(s))
    assert receipt.accepted
    assert receipt.seq > 0
    assert receipt.plan is not None
    await s.live(2)
    assert 0 < s.in_dublin() < 4
    await s.live(30)
    assert s.in_dublin() == 0
    assert s.world.values["settlement", "Holder"] == Holder("frankfurt")
    assert daemon.machine.keeper.state.transitions == ()
    await desk.submit(ClearOverride("dublin", "ana", "done"))
    assert desk.snapshot().world.overrides == ()


@scene()
async def test_an_override_ends_by_itself(s: Scene) -> None:
    daemon = await s.settled()
    await s.desk(daemon).submit(drained(hours=0.01)(s))
    await s.live(5)
    assert daemon.machine.keeper.state.overrides
    await s.live(40)
    assert daemon.machine.keeper.state.overrides == ()


@scene()
async def test_what_needs_a_second_person_is_done_when_another_than_the_first_approves(s: Scene) -> None:
    daemon = await s.settled()
    desk = s.desk(daemon)
    receipt = await desk.submit(AskSecond(drained()(s), (Rule.BLAST_RADIUS,)))
    assert receipt.waiting is not None
    assert desk.snapshot().world.overrides == ()
    own = await desk.submit(Approve(receipt.waiting, "ana", "I say so"))
    assert not own.accepted
    assert own.rules == (Rule.OVERRIDE,)
    assert (await desk.submit(Approve(receipt.waiting, "ben", "agreed"))).accepted
    (override,) = desk.snapshot().world.overrides
    assert (override.by, override.approved_by) == ("ana", "ben")


@scene()
async def test_approvals_and_overrides_outlive_the_daemon(s: Scene) -> None:
    daemon = await s.settled()
    desk = s.desk(daemon)
    until = s.clock.now() + timedelta(hours=1)
    asked = await desk.submit(AskSecond(drained("stockholm")(s), (Rule.BLAST_RADIUS,)))
    await desk.submit(AcceptLoss("orders-db", timedelta(seconds=30), "ana", "better than waiting", until))
    await desk.submit(SetWish(Wish("knob", "recommendations", "off", "ana", "quiet", until)))
    await s.live(2)
    daemon.stop()
    await s.live(1)
    second = s.daemon("two")
    await second.tick()
    status = s.desk(second).snapshot()
    assert [approval.id for approval in status.approvals] == [asked.waiting]
    assert isinstance(status.approvals[0].command, AddOverride)
    assert status.world.accepted_loss == {"orders-db": timedelta(seconds=30)}
    assert [wish.subject for wish in status.world.wishes] == ["recommendations"]
    assert status.world.knobs == {"recommendations": "off"}


@scene()
async def test_a_command_to_one_who_does_not_lead_is_turned_away(s: Scene) -> None:
    await s.settled("one")
    second = await s.settled("two")
    with pytest.raises(LeaseLost, match="one leads"):
        await s.desk(second).submit(Pause("ana", "x"))


@scene()
async def test_listeners_hear_each_entry_once_it_is_stored(s: Scene) -> None:
    daemon = s.daemon()
    heard: list[Entry | Tick] = []
    stop = s.desk(daemon).listen(heard.append)
    s.start(daemon)
    await s.live(10, "dublin")
    entries = [news for news in heard if isinstance(news, Entry)]
    assert [entry.seq for entry in entries] == [entry.seq for entry in await s.journal()]
    stop()
    await s.live(20)
    assert len([news for news in heard if isinstance(news, Entry)]) == len(entries)
