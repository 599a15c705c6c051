import asyncio
from dataclasses import replace

import pytest

from controlplane.engine.outcome import Ending, Outcome, Stop
from controlplane.model.act import KnobSetting, Weights
from controlplane.model.errors import Broken, LeaseLost, Refused, Retry, StoreLost
from controlplane.model.journal import EntryKind
from controlplane.model.plan import Cause
from tests.unit.engine.bench import AWAY, HOME, Bench, degrade, shift, staged
from tests.unit.engine.ports import START


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
