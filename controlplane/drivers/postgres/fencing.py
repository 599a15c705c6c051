"""Fencing a primary: it refuses writes, or it is surely not there to take any.

Reached, the server is made read-only (``default_transaction_read_only``) and every client is disconnected, so that all
come back read-only. That binds clients that leave the default alone; one that says READ WRITE itself gets through, so
give applications no role that needs to. Replication goes on: the standby still receives what was written.

Not reached, it is proof that counts: a refused connection (if ``trustRefusal`` says that a server that has stopped is
not started again as a primary), or silence for longer than ``lease`` (if something on its side makes a primary that
is cut off stop acknowledging: synchronous replication, a watchdog). With neither setting silence is no proof.
"""

import asyncio
from dataclasses import dataclass

from controlplane.drivers.postgres.roles import Role, role, roles, stamp, write_stamp
from controlplane.drivers.postgres.server import Gone, Server
from controlplane.model.act import Act, Confirmation
from controlplane.model.errors import Refused, Retry

_POLL_S = 0.03
_MARGIN = 1.1
_SET = "ALTER SYSTEM SET default_transaction_read_only = on"
_RESET = "ALTER SYSTEM RESET default_transaction_read_only"
_RELOAD = "SELECT pg_reload_conf()"
_OLD_CLIENTS = """ FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
 AND application_name <> 'leeward'"""
_DISCONNECT = f"SELECT pg_terminate_backend(pid){_OLD_CLIENTS}"
_COUNT = f"SELECT count(*){_OLD_CLIENTS} AND backend_start < pg_conf_load_time()"


@dataclass(frozen=True, slots=True)
class Proof:
    """What counts as a fence when the server cannot be reached; see above."""

    lease_s: float | None
    trust_refusal: bool


async def fence(act: Act, server: Server, left_s: float) -> None:
    """Make it refuse writes. A server that cannot be reached is no error here: ``confirmed`` weighs that."""
    try:
        if (await role(server)).standby:
            return
        await write_stamp(server, act.subject, act.epoch, act.once_key)
        await server.run((_SET, ()), (_RELOAD, ()))
        ends = asyncio.get_running_loop().time() + left_s
        while not (await role(server)).read_only:
            if asyncio.get_running_loop().time() >= ends:
                raise Retry(f"{server.region} has not read its settings yet")
            await asyncio.sleep(_POLL_S)
        await server.run((_DISCONNECT, ()))
    except Retry:
        return


async def confirmed(server: Server, proof: Proof, silent_s: float) -> Confirmation:
    """Whether it is fenced now. ``silent_s``: how long ago the fence began."""
    try:
        seen = await role(server)
        if seen.standby:
            return Confirmation(done=True, detail=f"{server.region} is a standby")
        if not seen.read_only:
            return Confirmation(done=False, detail=f"{server.region} still takes writes")
        (clients,) = await server.ask(_COUNT)
        return Confirmation(done=clients == 0, stragglers=clients)
    except Gone as gone:
        if proof.trust_refusal:
            return Confirmation(done=True, detail=f"no server listens in {server.region}")
        return _by_lease(server, proof, silent_s, gone)
    except Retry as silence:
        return _by_lease(server, proof, silent_s, silence)


async def lift(act: Act, servers: dict[str, Server], region: str) -> None:
    """Let it take writes again, if it was this act that stopped it. Refused if another is primary by now."""
    server = servers[region]
    seen = await role(server)
    if seen.standby or not seen.read_only or (await stamp(server, act.subject))[1] != act.once_key:
        return
    others = await roles(other for name, other in servers.items() if name != region)
    for name, other in others.items():
        if isinstance(other, Role) and not other.standby:
            raise Refused(f"{name} is primary of {act.subject} by now: two would take writes")
    await server.run((_RESET, ()), (_RELOAD, ()))


def _by_lease(server: Server, proof: Proof, silent_s: float, why: Retry) -> Confirmation:
    if proof.lease_s is None:
        return Confirmation(done=False, detail=f"{why}; silence proves nothing without a lease")
    left_s = proof.lease_s * _MARGIN - silent_s
    if left_s <= 0:
        return Confirmation(done=True, detail=f"{server.region} is silent, and its lease has run out")
    return Confirmation(done=False, detail=f"{why}; its lease has run out in {left_s:.1f} s")
