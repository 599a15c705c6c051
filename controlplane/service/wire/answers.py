"""The service in JSON: the same questions and answers, for faces that print or send them."""

from controlplane.model.errors import WrongUse
from controlplane.model.journal import EntryKind, Json
from controlplane.service.service import Service, Sought
from controlplane.service.verbs import Said, Verb
from controlplane.service.wire.entry import entry_json
from controlplane.service.wire.explained import explained_json
from controlplane.service.wire.plan import plan_json
from controlplane.service.wire.preview import preview_json
from controlplane.service.wire.status import receipt_json, status_json
from controlplane.service.wire.world import world_json


class Answers:
    """What the HTTP client answers too, so that a command works alike through the daemon and past it."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def status(self) -> Json:
        """Everything that is so now."""
        return status_json(await self._service.status(), self._service.estate)

    async def plan(self) -> Json:
        """The last decision."""
        return plan_json(await self._service.plan())

    async def world(self) -> Json:
        """What it was made from, as a file for ``leeward plan --world``."""
        return world_json((await self._service.status()).world)

    async def explain(self, asked: str) -> Json:
        """Why, why not, and what would change it."""
        return explained_json(await self._service.explain(asked))

    async def history(
        self, *, after: int | None = None, limit: int = 100, subject: str | None = None, kind: str | None = None
    ) -> Json:
        """Journal entries, oldest first."""
        try:
            sought = Sought(after, limit, subject, EntryKind(kind) if kind is not None else None)
        except ValueError as error:
            known = ", ".join(sorted(EntryKind))
            raise WrongUse(f"the journal has no entries of kind {kind!r}: known are {known}") from error
        return [entry_json(entry) for entry in await self._service.history(sought)]

    async def verify(self) -> Json:
        """Whether history is whole, and if not, where it breaks."""
        broken = await self._service.verify()
        return {"whole": broken is None, "brokenAt": broken}

    async def preview(self, verb: Verb, said: Said) -> Json:
        """What would happen."""
        return preview_json(await self._service.preview(verb, said))

    async def do(self, verb: Verb, said: Said) -> Json:
        """Do it, or put it aside for a second person."""
        return receipt_json(await self._service.do(verb, said))
