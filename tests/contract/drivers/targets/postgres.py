"""A real PostgreSQL primary and its standby."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from controlplane.drivers.postgres.driver import PostgresDriver, postgres
from controlplane.model.act import Fence, Primary
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.pair import Pair, running_pair

_STAMP = "SELECT string_agg(t::text, ',') FROM leeward_fencing t"
_STATE = "SELECT pg_is_in_recovery()::text || current_setting('default_transaction_read_only')"


def driver(pair: Pair, **more: Setting) -> PostgresDriver:
    """A driver of the pair."""
    servers: dict[str, Setting] = {region: server.url for region, server in pair.servers.items()}
    settings: dict[str, Setting] = {"servers": servers, **more}
    assert postgres.mistakes(settings) == ()
    return postgres(settings)


def fence(pair: Pair) -> None:
    """Dublin takes no more writes, and no epoch has been there."""
    pair.servers["dublin"].query("ALTER SYSTEM SET default_transaction_read_only = on")
    pair.servers["dublin"].query("SELECT pg_reload_conf()")


def picture(pair: Pair) -> dict[str, object]:
    """Roles, read-only or not, and who has acted, as each server knows it."""
    seen: dict[str, object] = {}
    for region, server in pair.servers.items():
        known = server.query("SELECT to_regclass('leeward_fencing') IS NOT NULL")
        seen[region] = (server.query(_STATE), server.query(_STAMP) if known else None)
    return seen


@case("postgres primary")
@asynccontextmanager
async def primary(_: Path) -> AsyncIterator[Bench]:
    """A switchover: the old primary is fenced already."""
    with running_pair() as pair:
        fence(pair)
        before, after = Primary("dublin", 0.0), Primary("frankfurt", 0.0)
        yield Bench(driver(pair), "orders-db", before, after, lambda: picture(pair), undoable=False)


@case("postgres fence")
@asynccontextmanager
async def fencing(_: Path) -> AsyncIterator[Bench]:
    """A primary that takes writes, and can be reached."""
    with running_pair() as pair:
        yield Bench(driver(pair), "orders-db", None, Fence("dublin"), lambda: picture(pair)["dublin"])
