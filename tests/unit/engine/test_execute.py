import asyncio

import pytest

from controlplane.engine.outcome import Ending
from controlplane.model.act import Fence, Holder, Weights
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.model.journal import EntryKind
from controlplane.model.plan import Action, Cause
from tests.unit.engine.bench import AWAY, HOME, Bench, activate, degrade, fence, promote, shift, staged


@staged
async def test_the_intent_is_in_the_journal_before_the_driver_is_asked_for_anything(bench: Bench) -> None:
    daemon = await bench.lead()
    seen: list[tuple[str, int]] = []

    async def tap(verb: str, _: str) -> None:
        seen.append((verb, len(await bench.journal(EntryKind.INTENT))))

    bench.driver.tap = tap
    outcome = await bench.act(daemon, shift(Cause.DRAIN))
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
async def test_a_dead_region_is_left_without_reading_first_what_is_known(bench: Bench) -> None:
    daemon = await bench.lead()
    seen: list[str] = []

    async def tap(verb: str, _: str) -> None:
        seen.append(verb)

    bench.driver.tap = tap
    outcome = await bench.act(daemon, shift(Cause.FAILOVER))
    assert outcome.ending is Ending.DONE
    assert seen == ["apply", "confirm"]


@staged
async def test_what_is_so_already_is_not_applied_and_is_recorded_as_without_effect(bench: Bench) -> None:
    daemon = await bench.lead()
    bench.world.put("checkout", Weights(AWAY))
    outcome = await bench.act(daemon, shift(Cause.DRAIN))
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
