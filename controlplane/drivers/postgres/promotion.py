"""Promoting a standby: not before what it lacks is known to be bearable, and then to the end."""

import asyncio

from controlplane.drivers.postgres.roles import Role, guard, role, roles, write_stamp
from controlplane.drivers.postgres.server import Server
from controlplane.model.act import Act, Primary
from controlplane.model.errors import Conflict, Refused, Retry

_POLL_S = 0.03
_UNFENCE = "ALTER SYSTEM RESET default_transaction_read_only"
_RELOAD = "SELECT pg_reload_conf()"


async def promote(act: Act, desired: Primary, servers: dict[str, Server], left_s: float) -> None:
    """Make the server of ``desired.region`` the primary. Refused if it lacks more than ``max_loss_s``, or if another
    primary still takes writes. Conflict for a stale epoch. Safe to repeat."""
    target = servers[desired.region]
    ends = asyncio.get_running_loop().time() + left_s
    seen, others, _ = await asyncio.gather(
        role(target),
        roles(server for region, server in servers.items() if region != desired.region),
        guard(servers.values(), act.subject, act.epoch),
    )
    old = {region: other for region, other in others.items() if isinstance(other, Role) and not other.standby}
    if not seen.standby and any(other.timeline > seen.timeline for other in old.values()):
        raise Conflict(f"the primary in {desired.region} has been replaced by one on a later timeline")
    if seen.standby:
        await _bearable(act, desired, target, old, ends)
        await target.ask("SELECT pg_promote(false)")
        while (await role(target)).standby:
            _in_time(ends, f"{desired.region} has not ended recovery yet")
            await asyncio.sleep(_POLL_S)
    await write_stamp(target, act.subject, act.epoch, act.once_key)
    if (await role(target)).read_only:  # copied with the files of a primary that had been fenced
        await target.run((_UNFENCE, ()), (_RELOAD, ()))


async def _bearable(act: Act, desired: Primary, target: Server, old: dict[str, Role], ends: float) -> None:
    """Wait for what the old primary still has to send, and refuse what would be lost beyond the limit.

    With the old primary gone nobody can say what it had not sent yet; whoever asks has judged that by the last sample
    from before. What the standby itself knows to lack still counts.
    """
    for region, seen in old.items():
        if not seen.read_only:
            raise Refused(f"{region} is primary of {act.subject} and still takes writes: fence it first")
    sent = max((seen.position for seen in old.values()), default=0)
    while True:
        standby = await role(target)
        missing = sent - standby.position
        if missing <= 0 and (standby.replayed_all or not standby.streaming):
            return
        if standby.behind_s is not None and standby.behind_s <= desired.max_loss_s:
            return
        if asyncio.get_running_loop().time() >= ends - 1.0:
            lacks = "an unknown time" if standby.behind_s is None else f"{standby.behind_s:.1f} s"
            raise Refused(
                f"{desired.region} lacks {lacks} ({max(missing, 0)} bytes) of {act.subject}, "
                f"more than the {desired.max_loss_s:g} s that may be lost"
            )
        await asyncio.sleep(_POLL_S)


def _in_time(ends: float, what: str) -> None:
    if asyncio.get_running_loop().time() >= ends:
        raise Retry(what)
