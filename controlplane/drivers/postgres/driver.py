"""The postgres driver."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from controlplane.drivers import FLAG, NUMBER, WORD_LIST, Kind, is_word_map, left_s, mistakes_in, number, word_map
from controlplane.drivers.postgres import fencing, promotion
from controlplane.drivers.postgres.follow import Follow
from controlplane.drivers.postgres.roles import Role, latest_primary, role, roles, stamp
from controlplane.drivers.postgres.server import Server
from controlplane.model.act import Act, Capability, Confirmation, Desired, Fence, Primary
from controlplane.model.errors import Conflict, DriverError, Refused, Retry
from controlplane.model.resources.kind import Setting

_TIMEOUT_S = 1.0
_FOLLOW_S = 60.0
_PATIENCE_S = 4.0
_REMEMBERED = 256


class PostgresDriver:
    """One datastore: a primary and its streaming standbys, a server a region."""

    def __init__(self, servers: dict[str, Server], proof: fencing.Proof, follow: Follow) -> None:
        self._servers = servers
        self._proof = proof
        self._follow = follow
        self._fenced_at: dict[str, float] = {}

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The region of the primary on the latest timeline, or whether a region is fenced. Retry if that cannot be
        said because a server does not answer."""
        if isinstance(like, Fence):
            seen = await role(self._server(like.region))
            return like if seen.standby or seen.read_only else None
        desired = _primary(like)
        found = await roles(self._servers.values())
        region = latest_primary(found)
        if region is not None:
            return Primary(region, desired.max_loss_s)
        for silent in found.values():
            if isinstance(silent, DriverError):
                raise Retry(f"no primary of {subject} is to be seen") from silent
        return None

    async def apply(self, act: Act) -> None:
        """Promote or fence. Repeating either does no more."""
        patience_s = min(left_s(act), _PATIENCE_S)
        if isinstance(act.desired, Fence):
            self._begin(act.once_key)
            await fencing.fence(act, self._server(act.desired.region), patience_s)
            return
        desired = _primary(act.desired)
        self._server(desired.region)
        await promotion.promote(act, desired, self._servers, patience_s)

    async def confirm(self, act: Act) -> Confirmation:
        """Ask the servers. Once promoted, whoever was primary before is made to follow, beside this."""
        effect = act.previous is None or act.previous != act.desired
        if isinstance(act.desired, Fence):
            began = self._begin(act.once_key)
            silent_s = asyncio.get_running_loop().time() - began
            found = await fencing.confirmed(self._server(act.desired.region), self._proof, silent_s)
            return replace(found, effect=effect)
        server = self._server(_primary(act.desired).region)
        if (await role(server)).standby:
            return Confirmation(done=False, detail=f"{server.region} is a standby")
        epoch, _ = await stamp(server, act.subject)
        if epoch > act.epoch:
            raise Conflict(f"epoch {epoch} has acted on {act.subject}, {act.epoch} is older")
        if epoch < act.epoch:
            return Confirmation(done=False, detail=f"{server.region} does not know of epoch {act.epoch}")
        await self._have_others_follow(act.subject, server.region)
        return Confirmation(done=True, effect=effect, detail=self._follow.words())

    async def undo(self, act: Act) -> None:
        """Lift a fence. A promotion that has happened is not undone (both servers have written): Refused."""
        if isinstance(act.desired, Fence):
            await fencing.lift(act, self._servers, act.desired.region)
            return
        desired = _primary(act.desired)
        if act.previous is None or _primary(act.previous).region == desired.region:
            return
        server = self._server(desired.region)
        if (await stamp(server, act.subject))[1] == act.once_key and not (await role(server)).standby:
            raise Refused(f"{desired.region} has been promoted: going back is a promotion of its own")

    async def _have_others_follow(self, datastore: str, primary: str) -> None:
        others = await roles(server for region, server in self._servers.items() if region != primary)
        for region, seen in others.items():
            if isinstance(seen, Role) and not seen.standby:
                self._follow.start({"region": region, "primary": primary, "datastore": datastore})

    def _server(self, region: str) -> Server:
        if region not in self._servers:
            raise Refused(f"no server is given for {region}")
        return self._servers[region]

    def _begin(self, key: str) -> float:
        """When a fence began, by this process: one that was started anew waits the whole lease again."""
        began = self._fenced_at.setdefault(key, asyncio.get_running_loop().time())
        while len(self._fenced_at) > _REMEMBERED:
            del self._fenced_at[next(iter(self._fenced_at))]
        return began


def _primary(desired: Desired) -> Primary:
    if not isinstance(desired, Primary):
        raise Refused(f"postgres moves primaries, not {type(desired).__name__}")
    return desired


class PostgresDrivers:
    """Makes postgres drivers.

    Settings: ``servers`` (a map from region to connection URL or string; the account must be able to promote, change
    settings and disconnect clients), ``lease`` and ``trustRefusal`` (what proves a fence of a server that cannot be
    reached; see ``fencing``), ``follow`` (a command, as a list of words, that makes the server of ``{region}`` a
    standby of ``{primary}``), ``followTimeout`` (60 seconds), ``timeout`` (1 second for a statement).
    """

    capabilities = frozenset({Capability.PRIMARY, Capability.FENCE})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {
            "servers": Kind("a map from region to connection string", is_word_map),
            "lease": NUMBER,
            "trustRefusal": FLAG,
            "follow": WORD_LIST,
            "followTimeout": NUMBER,
            "timeout": NUMBER,
        }
        return mistakes_in(settings, known, needed=("servers",))

    def __call__(self, settings: Mapping[str, Setting]) -> PostgresDriver:
        """A driver for one datastore."""
        timeout_s = number(settings, "timeout", _TIMEOUT_S)
        servers = {region: Server(region, url, timeout_s) for region, url in word_map(settings, "servers").items()}
        lease_s = number(settings, "lease", 0.0) if "lease" in settings else None
        command = settings.get("follow")
        words = [str(word) for word in command] if isinstance(command, list) else []
        proof = fencing.Proof(lease_s, settings.get("trustRefusal") is True)
        return PostgresDriver(servers, proof, Follow(words, number(settings, "followTimeout", _FOLLOW_S)))


postgres = PostgresDrivers()
