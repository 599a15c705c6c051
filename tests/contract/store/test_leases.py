"""The leases' contract."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from controlplane.model.errors import LeaseLost
from controlplane.model.lease import Lease
from tests.contract.store.harness import Harness, Store

TTL = timedelta(milliseconds=300)
PAST_TTL = timedelta(milliseconds=350)
LONG = timedelta(seconds=60)


async def lead(store: Store, holder: str, harness: Harness, ttl: timedelta = LONG, name: str = "leader") -> Lease:
    lease = await store.leases.acquire(name, holder, ttl, harness.now())
    assert lease is not None
    return lease


async def test_the_first_to_ask_leads_under_epoch_1(harness: Harness) -> None:
    store = await harness.open()
    before = harness.now()
    lease = await lead(store, "a", harness)
    assert (lease.name, lease.holder, lease.epoch) == ("leader", "a", 1)
    assert before + LONG - timedelta(seconds=1) < lease.expires_at < before + LONG + timedelta(seconds=1)
    assert await store.leases.look("leader") == lease


async def test_nobody_else_leads_while_a_lease_stands(harness: Harness) -> None:
    one, two = await harness.open(), await harness.open()
    lease = await lead(one, "a", harness)
    assert await two.leases.acquire("leader", "b", LONG, harness.now()) is None
    assert await two.leases.look("leader") == lease


async def test_of_many_who_ask_at_once_one_leads(harness: Harness) -> None:
    views = [await harness.open() for _ in range(2)]
    asks = [view.leases.acquire("leader", f"r{n}", LONG, harness.now()) for n, view in enumerate(views * 4)]
    granted = [lease for lease in await asyncio.gather(*asks) if lease]
    assert len(granted) == 1
    assert granted[0].epoch == 1


async def test_a_lease_that_ran_out_goes_to_the_next_under_a_higher_epoch(harness: Harness) -> None:
    store = await harness.open()
    first = await lead(store, "a", harness, TTL)
    await harness.wait(PAST_TTL)
    second = await lead(store, "b", harness)
    assert second.epoch > first.epoch
    with pytest.raises(LeaseLost):
        await store.leases.renew(first, LONG, harness.now())


async def test_a_lease_renewed_in_time_goes_on_under_its_epoch(harness: Harness) -> None:
    store = await harness.open()
    first = await lead(store, "a", harness, TTL)
    renewed = await store.leases.renew(first, LONG, harness.now())
    assert renewed.epoch == first.epoch
    assert renewed.expires_at > first.expires_at
    await harness.wait(PAST_TTL)
    assert await store.leases.acquire("leader", "b", LONG, harness.now()) is None


async def test_a_lease_that_ran_out_cannot_be_renewed_even_if_nobody_took_it(harness: Harness) -> None:
    store = await harness.open()
    lease = await lead(store, "a", harness, TTL)
    await harness.wait(PAST_TTL)
    with pytest.raises(LeaseLost):
        await store.leases.renew(lease, LONG, harness.now())


async def test_a_released_lease_is_free_at_once_and_its_epoch_is_not_forgotten(harness: Harness) -> None:
    store = await harness.open()
    first = await lead(store, "a", harness)
    await store.leases.release(first)
    assert await store.leases.look("leader") is None
    with pytest.raises(LeaseLost):
        await store.leases.renew(first, LONG, harness.now())
    assert (await lead(store, "b", harness)).epoch == first.epoch + 1


async def test_releasing_a_lease_that_another_has_by_now_takes_nothing_from_it(harness: Harness) -> None:
    store = await harness.open()
    first = await lead(store, "a", harness, TTL)
    await harness.wait(PAST_TTL)
    second = await lead(store, "b", harness)
    await store.leases.release(first)
    assert await store.leases.look("leader") == second


async def test_a_replica_that_comes_back_under_its_own_name_gets_a_higher_epoch(harness: Harness) -> None:
    store = await harness.open()
    before = await lead(store, "a", harness)
    again = await lead(await harness.open(), "a", harness)
    assert again.epoch > before.epoch
    with pytest.raises(LeaseLost):
        await store.leases.renew(before, LONG, harness.now())


async def test_a_forged_epoch_renews_nothing(harness: Harness) -> None:
    store = await harness.open()
    lease = await lead(store, "a", harness)
    with pytest.raises(LeaseLost):
        await store.leases.renew(replace(lease, epoch=lease.epoch + 1), LONG, harness.now())
    with pytest.raises(LeaseLost):
        await store.leases.renew(replace(lease, holder="b"), LONG, harness.now())


async def test_a_lease_that_never_was_is_nobodys(harness: Harness) -> None:
    store = await harness.open()
    assert await store.leases.look("leader") is None
    with pytest.raises(LeaseLost):
        await store.leases.renew(Lease("leader", "a", 1, harness.now()), LONG, harness.now())
    await store.leases.release(Lease("leader", "a", 1, harness.now()))


async def test_leases_of_other_names_are_other_leases_and_fence_no_leader(harness: Harness) -> None:
    store = await harness.open()
    leader = await lead(store, "a", harness)
    for _ in range(3):
        await store.leases.release(await lead(store, "b", harness, name="job/settlement"))
    assert await store.leases.look("leader") == leader
    assert await store.state.save("estate", "still the leader's", epoch=leader.epoch, expected=0) == 1


async def test_an_epoch_seen_in_a_write_is_never_granted_again(harness: Harness) -> None:
    store = await harness.open()
    await store.state.save("estate", 1, epoch=40, expected=0)
    assert (await lead(store, "a", harness)).epoch == 41


async def test_the_epoch_only_grows_whatever_happens(harness: Harness) -> None:
    views = [await harness.open() for _ in range(2)]
    seen = [0]
    for n in range(12):
        lease = await views[n % 2].leases.acquire("leader", f"r{n % 3}", TTL, harness.now())
        if lease:
            assert lease.epoch > max(seen)
            seen.append(lease.epoch)
            if n % 4 == 1:
                await views[n % 2].leases.release(lease)
        if n % 4 == 3:
            await harness.wait(PAST_TTL)
    assert len(seen) > 5
