"""The contract of ports/driver.py."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane.model.act import Holder, KnobSetting, Units
from controlplane.model.errors import Conflict, DriverError, Refused, Retry
from tests.contract.drivers.cases import Bench, alike, every_case, until_done


@pytest.fixture(params=list(every_case()))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with every_case()[request.param](tmp_path) as made:
        yield made


async def test_what_is_so_before_is_read_and_what_was_never_heard_of_is_none(bench: Bench) -> None:
    assert alike(await bench.driver.read(bench.subject, bench.after), bench.before)
    if bench.unknown is not None:
        assert await bench.driver.read(bench.unknown, bench.after) is None


async def test_what_was_applied_is_confirmed_and_read_back(bench: Bench) -> None:
    act = bench.act(previous=bench.before)
    await bench.driver.apply(act)
    found = await until_done(lambda: bench.driver.confirm(act))
    assert found.effect
    assert found.stragglers == 0
    assert alike(await bench.driver.read(bench.subject, bench.after), bench.after)


async def test_what_was_not_applied_is_not_confirmed(bench: Bench) -> None:
    picture = bench.picture()
    assert not (await bench.driver.confirm(bench.act(previous=bench.before))).done
    assert bench.picture() == picture


async def test_an_act_that_is_repeated_changes_nothing_more(bench: Bench) -> None:
    act = bench.act(previous=bench.before)
    await bench.driver.apply(act)
    await until_done(lambda: bench.driver.confirm(act))
    picture = bench.picture()
    await bench.driver.apply(act)
    assert bench.picture() == picture
    assert (await bench.driver.confirm(act)).done
    assert bench.picture() == picture


async def test_undo_puts_back_what_was_before(bench: Bench) -> None:
    act = bench.act(previous=bench.before)
    await bench.driver.apply(act)
    await until_done(lambda: bench.driver.confirm(act))
    if not bench.undoable:
        picture = bench.picture()
        try:
            await bench.driver.undo(act)
        except Refused:
            assert bench.picture() == picture
        assert bench.picture() == picture
        return
    await bench.driver.undo(act)
    if bench.before is not None:
        back = bench.act(bench.before, previous=bench.after)
        await until_done(lambda: bench.driver.confirm(back))
    assert alike(await bench.driver.read(bench.subject, bench.after), bench.before)


async def test_undo_of_what_never_happened_changes_nothing(bench: Bench) -> None:
    picture = bench.picture()
    await bench.driver.undo(bench.act(previous=bench.before))
    assert bench.picture() == picture


async def test_an_older_epoch_can_act_on_nothing(bench: Bench) -> None:
    act = bench.act(previous=bench.before)
    await bench.driver.apply(act)
    await until_done(lambda: bench.driver.confirm(act))
    if not bench.fencing:
        return
    picture = bench.picture()
    stale = bench.act(bench.before or bench.after, epoch=bench.epoch - 1, previous=bench.after)
    with pytest.raises(Conflict, match=r"older|superseded|409"):
        await bench.driver.apply(stale)
    assert bench.picture() == picture


async def test_an_act_whose_deadline_is_over_does_not_begin(bench: Bench) -> None:
    picture = bench.picture()
    late = replace(bench.act(previous=bench.before), deadline=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Retry, match="deadline"):
        await bench.driver.apply(late)
    assert bench.picture() == picture


async def test_an_act_that_asks_for_what_is_so_already_is_done_without_effect(bench: Bench) -> None:
    act = bench.act(previous=bench.before)
    await bench.driver.apply(act)
    await until_done(lambda: bench.driver.confirm(act))
    again = bench.act(previous=bench.after)
    await bench.driver.apply(again)
    found = await until_done(lambda: bench.driver.confirm(again))
    assert not found.effect


async def test_what_it_has_no_hand_for_is_refused(bench: Bench) -> None:
    picture = bench.picture()
    foreign = next(
        desired
        for desired in (Units("dublin", 5.0), KnobSetting("off"), Holder("dublin"))
        if type(desired) is not type(bench.after)
    )
    with pytest.raises(DriverError) as error:
        await bench.driver.apply(bench.act(foreign))
    assert isinstance(error.value, Refused)
    with pytest.raises(Refused):
        await bench.driver.read(bench.subject, foreign)
    assert bench.picture() == picture
