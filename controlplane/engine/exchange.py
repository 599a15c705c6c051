"""Replicas as vantages for each other, through the store: who looks, and what each believes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controlplane.engine.bounds import of_store
from controlplane.engine.digest import absorb, digest, written_at
from controlplane.engine.observe import EvidenceBook
from controlplane.model.errors import LeaseLost, StoreLost, WriteRaced
from controlplane.model.journal import Json
from controlplane.ports.clock import Clock
from controlplane.ports.store import State

ROLL_KEY = "vantages"
_FORGOTTEN_AFTER = timedelta(minutes=10)
_SIGN_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class Exchange:
    """``heard``: when each vantage last wrote, None for one that signed and never wrote."""

    store: State
    clock: Clock
    book: EvidenceBook
    vantage: str
    heard: dict[str, datetime | None] = field(default_factory=dict)
    problem: str = ""
    _signed_at: datetime | None = None
    _version: int = 0
    _read: dict[str, int] = field(default_factory=dict)

    async def round(self) -> None:
        """Sign the roll, write what is believed here, read what is believed elsewhere. The store's absence is noted
        in ``problem``; the evidence of the others then grows stale by itself."""
        now = self.clock.now()
        try:
            await self._sign(now)
            others = [name for name in self.heard if name != self.vantage]
            if others:
                await self._publish(now)
            for name in others:
                await self._take(name, now)
        except (StoreLost, LeaseLost) as error:
            self.problem = str(error)
        else:
            self.problem = ""

    async def _sign(self, now: datetime) -> None:
        if self._signed_at is not None and now - self._signed_at < _SIGN_EVERY / 6:
            return
        roll, version = await of_store(self.store.load(ROLL_KEY))
        names = _names(roll, now)
        if now - names.get(self.vantage, now - _FORGOTTEN_AFTER) >= _SIGN_EVERY:
            names[self.vantage] = now
            signed: dict[str, Json] = {name: at.isoformat() for name, at in sorted(names.items())}
            try:
                await of_store(self.store.save(ROLL_KEY, signed, epoch=0, expected=version))
            except WriteRaced:
                return
        self._signed_at = now
        self.heard = {name: self.heard.get(name) for name in sorted({*names, self.vantage})}
        self.book.vantages = tuple(self.heard)

    async def _publish(self, now: datetime) -> None:
        key, written = f"vantage/{self.vantage}", digest(self.book, self.vantage, now)
        try:
            self._version = await of_store(self.store.save(key, written, epoch=0, expected=self._version))
        except WriteRaced:
            _, self._version = await of_store(self.store.load(key))
        self.heard[self.vantage] = now

    async def _take(self, name: str, now: datetime) -> None:
        document, version = await of_store(self.store.load(f"vantage/{name}"))
        if version == self._read.get(name):
            return
        self._read[name] = version
        at = written_at(document)
        if at is not None:
            self.heard[name] = at
            absorb(self.book, document, now)


def _names(roll: Json, now: datetime) -> dict[str, datetime]:
    """Who has signed, without those who have not for so long that they will not come back."""
    signed: Mapping[str, Json] = roll if isinstance(roll, dict) else {}
    names = {name: datetime.fromisoformat(at) for name, at in signed.items() if isinstance(at, str)}
    return {name: at for name, at in names.items() if now - at < _FORGOTTEN_AFTER}
