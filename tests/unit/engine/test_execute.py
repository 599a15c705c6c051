import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controlplane.engine.attempt import Limits
from controlplane.engine.outcome import Ending, Flight, Outcome, Stop
from controlplane.engine.reconcile import Reconciler
from controlplane.model.act import Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.errors import Broken, Conflict, LeaseLost, Refused, Retry, StoreLost
from controlplane.model.journal import EntryKind
from controlplane.model.permit import Permit
from controlplane.model.plan import Action, ActionKind, Cause
from controlplane.model.rules import Rule, reason
from tests.unit.engine.estates import small_estate
from tests.unit.engine.ports import START, Stage

WHY = (reason(Rule.RAMP, "dead-region", region="dublin"),)
HOME = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})
AWAY = {"DE": {"frankfurt": 1.0}, "IE": {"frankfurt": 1.0}}


def shift(cause: Cause = Cause.FAILOVER, **fields: Any) -> Action:
    fields.setdefault("shares", AWAY)
    return Action("shift-checkout", ActionKind.SHIFT, "checkout", "dublin", "frankfurt", WHY, cause=cause, **fields)


def degrade() -> Action:
    return Action(
        "degrade-recommendations",
        ActionKind.DEGRADE,
        "recommendations",
        "full",
        "off",
        WHY,
        cause=Cause.CAPACITY,
        value="off",
    )


def fence() -> Action:
    return Action("fence-settlement", ActionKind.FENCE, "settlement", "dublin", None, WHY, region="dublin")


def activate() -> Action:
    return Action("activate-settlement", ActionKind.ACTIVATE, "settlement", "dublin", "frankfurt", WHY)


def promote() -> Action:
    return Action("promote-orders-db", ActionKind.PROMOTE, "orders-db", "dublin", "frankfurt", WHY)


class Bench(Stage):
    """A stage with a leader that does not tick by itself, and a target where everything is in dublin."""

    def __init__(self) -> None:
        super().__init__(small_estate())
        self.world.put("checkout", HOME)
        self.world.put("search", HOME)
        self.world.put("settlement", Holder("dublin"))
        self.world.put("orders-db", Primary("dublin", 0.0))
        self.failures: dict[str, list[Callable[[], Coroutine[Any, Any, None]]]] = {}
        self.driver.tap = self._tap

    async def lead(self) -> Reconciler:
        daemon = self.daemon(limits=Limits(deadline_s=dict.fromkeys(ActionKind, 20.0)))
        await daemon.machine.leadership.keep()
        await daemon.tick()
        return daemon

    def fail(self, verb: str, *errors: Exception | None, hang_s: float = 0.0) -> None:
        """The next calls of a verb fail one after the other; None lets one through; the last goes on for ever."""

        def call(error: Exception | None) -> Callable[[], Coroutine[Any, Any, None]]:
            async def once() -> None:
                if hang_s:
                    await asyncio.sleep(hang_s)
                if error is not None:
                    raise error

            return once

        self.failures[verb] = [call(error) for error in errors]

    async def _tap(self, verb: str, subject: str) -> None:
        queue = self.failures.get(verb)
        if queue:
            await (queue.pop(0) if len(queue) > 1 else queue[0])()

    def permit(self, daemon: Reconciler, action: Action, seconds: float = 8.0) -> Permit:
        return Permit(action, daemon.machine.leadership.epoch, self.clock.now() + timedelta(seconds=seconds))

    async def act(self, daemon: Reconciler, action: Action, seconds: float = 8.0) -> Outcome:
        flight, task = await self.begin(daemon, action, seconds)
        assert flight.task is task
        return await task

    async def begin(
        self, daemon: Reconciler, action: Action, seconds: float = 8.0
    ) -> tuple[Flight, "asyncio.Task[Outcome]"]:
        executor = daemon.machine.executor
        (flight,) = await executor.announce([self.permit(daemon, action, seconds)])
        flight.task = asyncio.get_running_loop().create_task(executor.run(flight))
        return flight, flight.task

    async def renew(self, daemon: Reconciler) -> None:
        """Keep the lease while an act goes on."""
        while True:
            await daemon.machine.leadership.keep()
            await asyncio.sleep(1)


def staged(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time on a bench of its own."""

    def run() -> None:
        bench = Bench()
        bench.run(test(bench))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@staged
async def test_the_intent_is_in_the_journal_before_the_driver_is_asked_for_anything(bench: Bench) -> None:
    daemon = await bench.lead()
    seen: list[tuple[str, int]] = []

    async def tap(verb: str, _: str) -> None:
        seen.append((verb, len(await bench.journal(EntryKind.INTENT))))

    bench.driver.tap = tap
    outcome = await bench.act(daemon, shift())
    assert outcome.ending is Ending.DONE
    assert seen == [("read", 1), ("apply", 1), ("confirm", 1)]
    (written,) = await bench.journal(EntryKind.OUTCOME)
    (intent,) = await bench.journal(EntryKind.INTENT)
    assert written.facts["intent"] == intent.seq < written.seq


@staged
async def test_only_what_is_confirmed_counts_as_being_in_force(bench: Bench) -> None:
    daemon = await bench.lead()
    during: list[object] = []

    async def tap(verb: str, _: str) -> None:
        if verb == "confirm":
            during.append(daemon.machine.keeper.state.shares.get("checkout"))

    bench.driver.tap = tap
    await bench.act(daemon, shift())
    assert during == [HOME.shares]
    assert daemon.machine.keeper.state.shares["checkout"] == AWAY


@staged
async def test_what_is_transient_is_tried_again_and_nothing_else_is(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("apply", Retry("busy"), Retry("busy"), None)
    flight, task = await bench.begin(daemon, shift())
    assert (await task).ending is Ending.DONE
    assert flight.attempts == 3
    for error in (Refused("no"), Conflict("theirs"), Broken("out of order")):
        bench.fail("apply", error)
        flight, task = await bench.begin(daemon, degrade())
        assert (await task).ending in {Ending.FAILED, Ending.UNDONE}
        assert flight.attempts == 1
        daemon.machine.executor.backoff.succeeded(str(flight.target))


@staged
async def test_a_driver_that_hangs_is_asked_again_and_given_up_at_the_deadline(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("apply", None, hang_s=3600)
    keeping = asyncio.get_running_loop().create_task(bench.renew(daemon))
    flight, task = await bench.begin(daemon, shift(), seconds=3600)
    outcome = await task
    keeping.cancel()
    assert outcome.ending is Ending.FAILED
    assert flight.attempts == 4
    assert outcome.took_s <= 22.5


@staged
async def test_a_driver_that_lies_is_found_out_by_reading_back(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.driver.lies = True
    keeping = asyncio.get_running_loop().create_task(bench.renew(daemon))
    outcome = await bench.act(daemon, shift(), seconds=3600)
    keeping.cancel()
    assert outcome.ending is Ending.FAILED
    assert daemon.machine.keeper.state.shares["checkout"] == HOME.shares


@staged
async def test_what_is_so_already_is_not_applied_and_is_recorded_as_without_effect(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.world.put("checkout", Weights(AWAY))
    outcome = await bench.act(daemon, shift())
    assert outcome.ending is Ending.NO_EFFECT
    assert bench.world.did == []
    (written,) = await bench.journal(EntryKind.OUTCOME)
    assert written.facts["ending"] == "no-effect"
    assert daemon.machine.keeper.state.shares["checkout"] == AWAY


@staged
async def test_a_failed_planned_move_is_put_back_after_saying_so(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", Refused("not like this"))
    outcome = await bench.act(daemon, shift(Cause.DRAIN))
    assert outcome.ending is Ending.UNDONE
    assert bench.world.values["checkout", "Weights"] == HOME
    kinds = [entry.kind for entry in await bench.journal(EntryKind.INTENT, EntryKind.UNDO, EntryKind.OUTCOME)]
    assert kinds == [EntryKind.INTENT, EntryKind.UNDO, EntryKind.OUTCOME]


@staged
async def test_the_way_out_of_a_dead_region_is_never_put_back(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", Refused("not like this"))
    outcome = await bench.act(daemon, shift(Cause.FAILOVER))
    assert outcome.ending is Ending.FAILED
    assert bench.world.values["checkout", "Weights"] == Weights(AWAY)
    assert daemon.machine.keeper.state.shares["checkout"] == AWAY, "what was read back afterwards counts"


@staged
async def test_a_failed_activation_is_undone_to_nobody_and_never_to_the_old_holder(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", Refused("no"))
    outcome = await bench.act(daemon, activate())
    assert outcome.ending is Ending.UNDONE
    assert bench.world.values["settlement", "Holder"] == Holder(None)


@pytest.mark.parametrize("action", [fence(), promote()], ids=["fence", "promote"])
def test_a_fence_or_a_promotion_is_never_undone(action: Action) -> None:
    bench = Bench()

    async def main() -> None:
        daemon = await bench.lead()
        bench.fail("confirm", Refused("no"))
        outcome = await bench.act(daemon, action)
        assert outcome.ending is Ending.FAILED
        assert not await bench.journal(EntryKind.UNDO)

    bench.run(main())


@staged
async def test_an_old_holder_that_cannot_be_reached_is_fenced_once_its_lease_is_seen_to_have_run_out(
    bench: Bench,
) -> None:
    daemon = await bench.lead()
    bench.fail("apply", Retry("no route to dublin"))

    async def lapse() -> None:
        await asyncio.sleep(9)
        bench.world.put("settlement", Fence("dublin"))

    lapsing = asyncio.get_running_loop().create_task(lapse())
    outcome = await bench.act(daemon, fence())
    await lapsing
    assert outcome.ending is Ending.DONE
    assert 9 <= outcome.took_s < 11
    assert ("settlement", "dublin") in daemon.machine.keeper.state.fenced


@staged
async def test_a_permit_that_has_run_out_is_good_for_nothing(bench: Bench) -> None:
    daemon = await bench.lead()
    executor = daemon.machine.executor
    (flight,) = await executor.announce([bench.permit(daemon, shift(), seconds=1.0)])
    await asyncio.sleep(1.5)
    outcome = await executor.run(flight)
    assert outcome.ending is Ending.ABORTED
    assert bench.world.did == []
    with pytest.raises(LeaseLost):
        await executor.announce([bench.permit(daemon, shift(), seconds=0.0)])


@staged
async def test_an_act_that_is_being_retried_stops_before_its_next_effect_when_the_permit_runs_out(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("apply", Retry("busy"))
    outcome = await bench.act(daemon, shift(), seconds=4.0)
    assert outcome.ending is Ending.ABORTED
    assert 3.0 <= outcome.took_s <= 6.5


@staged
async def test_a_stale_epoch_can_act_on_nothing(bench: Bench) -> None:
    daemon = await bench.lead()
    executor, old = daemon.machine.executor, bench.permit(daemon, shift(), seconds=600)
    (flight,) = await executor.announce([old])
    await asyncio.sleep(11)
    other = bench.daemon("two")
    await other.machine.leadership.keep()
    assert other.machine.leadership.epoch == old.epoch + 1
    assert (await executor.run(flight)).ending is Ending.ABORTED
    await daemon.machine.leadership.keep()
    for permit in (old, replace(old, epoch=old.epoch + 1), replace(old, epoch=0)):
        with pytest.raises(LeaseLost):
            await executor.announce([permit])
    assert bench.world.did == []


@staged
async def test_a_driver_whose_target_has_seen_a_higher_epoch_turns_the_act_away(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.world.epochs["checkout"] = 99
    assert (await bench.act(daemon, shift())).ending is Ending.FAILED
    assert bench.world.did == []


@staged
async def test_without_the_store_no_intent_and_so_no_act(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.store.lose()
    with pytest.raises(StoreLost):
        await daemon.machine.executor.announce([bench.permit(daemon, shift())])
    assert bench.world.did == []


@staged
async def test_an_act_that_ends_without_the_store_is_accounted_for_when_it_is_back(bench: Bench) -> None:
    daemon = await bench.lead()
    flight, task = await bench.begin(daemon, shift())
    bench.store.lose()
    assert (await task).ending is Ending.DONE
    assert daemon.machine.scribe.spooled == 1
    assert daemon.machine.keeper.dirty
    bench.store.find()
    await daemon.tick()
    assert [entry.facts["intent"] for entry in await bench.journal(EntryKind.OUTCOME)] == [flight.intent]
    assert not daemon.machine.keeper.dirty


@staged
async def test_shutting_down_in_mid_act_puts_back_what_may_be_put_back(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", None, hang_s=4.0)
    flight, task = await bench.begin(daemon, shift(Cause.DRAIN))
    await asyncio.sleep(1)
    flight.halt(Stop.SHUTDOWN)
    assert (await task).ending is Ending.UNDONE
    assert bench.world.values["checkout", "Weights"] == HOME


@staged
async def test_an_act_that_gives_way_is_left_as_it_is(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", None, hang_s=4.0)
    flight, task = await bench.begin(daemon, shift(Cause.DRAIN))
    await asyncio.sleep(1)
    flight.halt(Stop.SUPERSEDED)
    assert (await task).ending is Ending.SUPERSEDED
    assert not await bench.journal(EntryKind.UNDO)


@staged
async def test_a_cancelled_act_still_notes_its_outcome_and_passes_the_cancelling_on(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.fail("confirm", None, hang_s=4.0)
    _, task = await bench.begin(daemon, shift())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [entry.facts["ending"] for entry in await bench.journal(EntryKind.OUTCOME)] == ["aborted"]


@staged
async def test_a_shift_leaves_the_origins_that_it_does_not_name_as_they_are(bench: Bench) -> None:
    daemon = await bench.lead()
    await bench.act(daemon, shift(shares={"IE": {"stockholm": 0.75}}, shed={"IE": 0.25}))
    assert bench.world.values["checkout", "Weights"] == Weights(
        {"DE": {"dublin": 1.0}, "IE": {"stockholm": 0.75}}, {"IE": 0.25}
    )
    state = daemon.machine.keeper.state
    assert state.shed == {"checkout": {"IE": 0.25}}
    await bench.act(daemon, shift(shares=AWAY))
    assert daemon.machine.keeper.state.shed == {}


@staged
async def test_a_driver_that_keeps_failing_is_left_in_peace_and_then_tried_by_one_act_only(bench: Bench) -> None:
    daemon = await bench.lead()
    executor = daemon.machine.executor
    bench.fail("apply", Broken("down"))
    for _ in range(5):
        await bench.act(daemon, shift())
        executor.backoff.succeeded("service:checkout")
    permit = bench.permit(daemon, shift())
    assert not executor.admits(permit)
    assert await executor.announce([permit]) == ()
    await asyncio.sleep(5.1)
    await daemon.machine.leadership.keep()
    search = replace(shift(), id="shift-search", subject="search")
    flights = await executor.announce([bench.permit(daemon, shift()), bench.permit(daemon, search)])
    assert [flight.action.subject for flight in flights] == ["checkout"]


@staged
async def test_a_subject_rests_longer_after_each_failure(bench: Bench) -> None:
    daemon = await bench.lead()
    backoff = daemon.machine.executor.backoff
    rests = [backoff.failed("service:checkout") for _ in range(4)]
    assert rests == sorted(rests)
    assert not backoff.ready("service:checkout")
    backoff.succeeded("service:checkout")
    assert backoff.ready("service:checkout")


@staged
async def test_a_knob_that_cannot_be_confirmed_is_put_back(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.world.put("recommendations", KnobSetting("full"))
    bench.fail("confirm", Refused("unknown flag"))
    assert (await bench.act(daemon, degrade())).ending is Ending.UNDONE
    assert bench.world.values["recommendations", "knob None"] == KnobSetting("full")
    assert "recommendations" not in daemon.machine.keeper.state.knobs or (
        daemon.machine.keeper.state.knobs["recommendations"] == "full"
    )


def test_two_runs_from_one_seed_take_the_same_time_to_the_microsecond() -> None:
    def once() -> tuple[float, object]:
        bench = Bench()
        found: list[Outcome] = []

        async def main() -> None:
            daemon = await bench.lead()
            bench.fail("apply", *[Retry("busy")] * 6, None)
            found.append(await bench.act(daemon, shift()))

        bench.run(main())
        return found[0].took_s, bench.clock.now() - START

    assert once() == once()
