import asyncio
import time

import pytest

from controlplane.sim.loop import Stuck, VirtualLoop


def test_a_year_of_waiting_takes_no_time() -> None:
    async def wait() -> float:
        await asyncio.sleep(365 * 86_400)
        return asyncio.get_running_loop().time()

    began = time.process_time()
    assert VirtualLoop().run(wait()) == 365 * 86_400
    assert time.process_time() - began < 5


def test_timers_of_one_instant_run_in_the_order_in_which_they_were_asked_for() -> None:
    order: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (3, 1, 4, 1, 5, 9, 2, 6):
            loop.call_at(1.0, order.append, number)
        await asyncio.sleep(2)

    VirtualLoop().run(main())
    assert order == [3, 1, 4, 1, 5, 9, 2, 6]


def test_tenths_of_a_second_add_up_exactly() -> None:
    async def main() -> float:
        for _ in range(10_000):
            await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time()

    assert VirtualLoop().run(main()) == 1000.0


def test_a_loop_in_which_nothing_can_ever_happen_says_so() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="nobody will ever do"):
        VirtualLoop().run(main())


def test_a_loop_that_spins_at_one_instant_says_so() -> None:
    async def main() -> None:
        while True:  # noqa: ASYNC110
            await asyncio.sleep(0)

    with pytest.raises(Stuck, match="without time going on"):
        VirtualLoop().run(main())


def test_timeouts_and_task_groups_work_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30), asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3600))
        return asyncio.get_running_loop().time()

    assert VirtualLoop().run(main()) == 30.0


def test_a_failure_that_nobody_collects_is_kept_for_the_owner_of_the_loop() -> None:
    loop = VirtualLoop()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)

    loop.run(main())
    assert isinstance(loop.faults[0]["exception"], ZeroDivisionError)
