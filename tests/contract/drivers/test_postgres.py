"""What the postgres driver owes beyond the contract, on real servers."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from controlplane.model.act import Act, Desired, Fence, Primary
from controlplane.model.errors import Conflict, Refused, Retry
from tests.contract.drivers.cases import until_done
from tests.contract.drivers.targets.postgres import driver, fence
from tests.servers.pair import Pair, running_pair
from tests.servers.wall import until

BEHIND = "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"


@pytest.fixture
def pair() -> Iterator[Pair]:
    with running_pair() as made:
        yield made


def act(desired: Desired, *, key: str = "one", epoch: int = 5, seconds: float = 10) -> Act:
    return Act(key, "orders-db", desired, epoch, datetime.now(UTC) + timedelta(seconds=seconds))


async def test_a_fenced_primary_takes_no_write_and_its_clients_are_gone(pair: Pair) -> None:
    dublin = pair.servers["dublin"]
    client = psycopg.connect(dublin.url, autocommit=True)
    client.execute("INSERT INTO ledger VALUES (1)")
    hands = driver(pair)
    asked = act(Fence("dublin"))
    await hands.apply(asked)
    found = await until_done(lambda: hands.confirm(asked))
    assert found.stragglers == 0
    with pytest.raises(psycopg.OperationalError):
        client.execute("INSERT INTO ledger VALUES (2)")
    client.close()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        dublin.query("INSERT INTO ledger VALUES (3)")
    await until(lambda: pair.servers["frankfurt"].query("SELECT count(*) FROM ledger") == 1, "what was acknowledged")


async def test_a_switchover_loses_nothing_and_the_new_primary_takes_writes(pair: Pair) -> None:
    for _ in range(20):
        pair.servers["dublin"].query("INSERT INTO ledger VALUES (1)")
    hands = driver(pair)
    for desired in (Fence("dublin"), Primary("frankfurt", 0.0)):
        asked = act(desired, key=str(desired))
        await hands.apply(asked)
        await until_done(lambda asked=asked: hands.confirm(asked))  # type: ignore[misc]
    frankfurt = pair.servers["frankfurt"]
    assert frankfurt.query("SELECT count(*) FROM ledger") == 20
    frankfurt.query("INSERT INTO ledger VALUES (99)")


async def test_a_primary_that_still_takes_writes_is_not_joined_by_a_second(pair: Pair) -> None:
    with pytest.raises(Refused, match="fence it first"):
        await driver(pair).apply(act(Primary("frankfurt", 60.0)))
    assert pair.servers["frankfurt"].query("SELECT pg_is_in_recovery()")


async def test_a_standby_that_lacks_more_than_may_be_lost_is_not_promoted(pair: Pair) -> None:
    dublin, frankfurt = pair.servers.values()
    dublin.query("INSERT INTO ledger VALUES (1)")
    await until(lambda: frankfurt.query("SELECT count(*) FROM ledger") == 1, "the first row")
    frankfurt.query("SELECT pg_wal_replay_pause()")
    dublin.query("INSERT INTO ledger VALUES (2)")
    fence(pair)
    await until(lambda: frankfurt.query(BEHIND), "WAL that is not replayed")
    await asyncio.sleep(0.3)
    with pytest.raises(Refused, match=r"lacks .* more than the 0\.1 s"):
        await driver(pair).apply(act(Primary("frankfurt", 0.1), seconds=1.5))
    assert frankfurt.query("SELECT pg_is_in_recovery()")
    accepted = act(Primary("frankfurt", 3600.0))
    await driver(pair).apply(accepted)
    assert not frankfurt.query("SELECT pg_is_in_recovery()")
    assert frankfurt.query("SELECT count(*) FROM ledger") == 2


async def test_a_standby_that_cannot_say_what_it_lacks_is_not_promoted(pair: Pair) -> None:
    dublin, frankfurt = pair.servers.values()
    frankfurt.query("SELECT pg_wal_replay_pause()")
    dublin.query("INSERT INTO ledger VALUES (1)")
    fence(pair)
    await until(lambda: frankfurt.query(BEHIND), "WAL that is not replayed")
    with pytest.raises(Refused, match="an unknown time"):
        await driver(pair).apply(act(Primary("frankfurt", 3600.0), seconds=1.5))


async def test_a_killed_primary_is_fenced_if_a_refusal_may_be_trusted_and_the_standby_takes_over(pair: Pair) -> None:
    pair.servers["dublin"].kill()
    asked = act(Fence("dublin"))
    wary, trusting = driver(pair), driver(pair, trustRefusal=True)
    await wary.apply(asked)
    found = await wary.confirm(asked)
    assert not found.done
    assert "proves nothing" in found.detail
    assert (await trusting.confirm(asked)).done
    promoted = act(Primary("frankfurt", 0.0), key="two")
    await trusting.apply(promoted)
    assert (await until_done(lambda: trusting.confirm(promoted))).done
    assert await trusting.read("orders-db", Primary("frankfurt", 0.0)) == Primary("frankfurt", 0.0)


async def test_a_frozen_primary_is_fenced_once_its_lease_has_surely_run_out(pair: Pair) -> None:
    pair.servers["dublin"].signal(signal.SIGSTOP)
    hands = driver(pair, lease=1, timeout=0.2)
    asked = act(Fence("dublin"))
    await hands.apply(asked)
    found = await hands.confirm(asked)
    assert not found.done
    assert "lease" in found.detail
    assert "silent" in (await until_done(lambda: hands.confirm(asked))).detail
    with pytest.raises(Retry):
        await driver(pair, timeout=0.2).read("orders-db", Fence("dublin"))


async def test_a_replaced_primary_that_comes_back_does_not_become_one_again(pair: Pair) -> None:
    pair.servers["dublin"].kill()
    hands = driver(pair, trustRefusal=True)
    promoted = act(Primary("frankfurt", 0.0))
    await hands.apply(promoted)
    pair.servers["dublin"].start()
    assert await hands.read("orders-db", Primary("dublin", 0.0)) == Primary("frankfurt", 0.0)
    with pytest.raises(Conflict, match="older"):
        await hands.apply(act(Primary("dublin", 60.0), key="two", epoch=4))
    with pytest.raises(Conflict, match="later timeline"):
        await hands.apply(act(Primary("dublin", 60.0), key="three", epoch=6))


async def test_a_replaced_primary_is_made_to_follow_by_the_hook(pair: Pair, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = f"import json, sys; open({str(told)!r}, 'w').write(json.dumps(sys.argv[1:]))"
    hands = driver(pair, follow=[sys.executable, "-c", program, "{region}", "{primary}", "{datastore}"])
    fence(pair)
    promoted = act(Primary("frankfurt", 0.0))
    await hands.apply(promoted)
    await until_done(lambda: hands.confirm(promoted))
    await until(lambda: told.exists() and told.read_text(), "the hook")
    assert json.loads(told.read_text()) == ["dublin", "frankfurt", "orders-db"]
    pair.servers["dublin"].stop()
    pair.follow("dublin", "frankfurt")
    await until(
        lambda: pair.servers["frankfurt"].query("SELECT count(*) FROM pg_stat_replication"), "the old primary follows"
    )
    back = act(Primary("dublin", 0.0), key="back", epoch=6)
    fenced = act(Fence("frankfurt"), key="fence", epoch=6)
    await hands.apply(fenced)
    await until_done(lambda: hands.confirm(fenced))
    await hands.apply(back)
    await until_done(lambda: hands.confirm(back))
    # Its settings file came with a fence in it: a primary that is promoted takes writes all the same.
    pair.servers["dublin"].query("INSERT INTO ledger VALUES (7)")


async def test_a_hook_that_fails_is_told_and_holds_up_nothing(pair: Pair) -> None:
    fence(pair)
    hands = driver(pair, follow=[sys.executable, "-c", "import sys; sys.exit('no files here')"])
    promoted = act(Primary("frankfurt", 0.0))
    await hands.apply(promoted)
    assert (await until_done(lambda: hands.confirm(promoted))).done

    async def told() -> bool:
        return "no files here" in (await hands.confirm(promoted)).detail

    async with asyncio.timeout(10):
        while not await told():  # noqa: ASYNC110  the hook is a process of its own
            await asyncio.sleep(0.05)


async def test_a_fence_is_lifted_by_its_own_undo_and_not_once_another_is_primary(pair: Pair) -> None:
    hands = driver(pair)
    fenced = act(Fence("dublin"))
    await hands.apply(fenced)
    await until_done(lambda: hands.confirm(fenced))
    await hands.undo(act(Fence("dublin"), key="somebody else's"))
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        pair.servers["dublin"].query("INSERT INTO ledger VALUES (1)")
    promoted = act(Primary("frankfurt", 0.0), key="two")
    await hands.apply(promoted)
    with pytest.raises(Refused, match="two would take writes"):
        await hands.undo(fenced)


async def test_an_account_without_the_rights_is_refused(pair: Pair) -> None:
    pair.servers["dublin"].query("CREATE ROLE weak LOGIN")
    hands = driver(pair)
    weak = {region: server.url.replace("leeward@", "weak@") for region, server in pair.servers.items()}
    from controlplane.drivers.postgres.driver import postgres

    hands = postgres({"servers": dict(weak)})
    with pytest.raises(Refused, match="permission denied"):
        await hands.apply(act(Fence("dublin")))
