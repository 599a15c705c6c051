"""The job as its regions' servers tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from controlplane.drivers import Web
from controlplane.model.errors import Broken, Refused


class Order(Protocol):
    """Why a call is made: under which epoch and, tried again, under which key."""

    @property
    def epoch(self) -> int:
        """Who leads; servers refuse those who led before."""
        ...

    @property
    def once_key(self) -> str:
        """The same for every try of one act."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """One region's answer. ``epoch`` None: the server keeps none. ``why`` is its own word for how it stands."""

    active: bool
    epoch: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the calls go, below a region's address. ``{job}`` is filled in."""

    status: str = "/_jobs/{job}"
    activate: str = "/_jobs/{job}/activate"
    deactivate: str = "/_jobs/{job}/deactivate"
    renew: str = ""


class Jobs:
    """The servers of one job's regions. Calls raise the kinds of ``Web``, Refused for a region that is not known."""

    def __init__(self, at: Mapping[str, str], paths: Paths, ttl_s: float, web: Web) -> None:
        self.regions = tuple(sorted(at))
        self.ttl_s = ttl_s
        self.renewed = bool(paths.renew)
        self._at, self._paths, self._web = at, paths, web

    async def status(self, job: str, region: str) -> Standing:
        """Whether it is active there."""
        return _standing(await self._web.ask("GET", self._url(region, self._paths.status, job)))

    async def activate(self, job: str, region: str, order: Order) -> None:
        """Ask for it to run there. Its lease is prolonged, if it has one that others have to prolong."""
        await self._post(region, self._paths.activate, job, order)
        if self._paths.renew and (await self.status(job, region)).active:
            await self._post(region, self._paths.renew, job, order)

    async def deactivate(self, job: str, region: str, order: Order) -> None:
        """Ask for it to stop there."""
        await self._post(region, self._paths.deactivate, job, order)

    async def _post(self, region: str, path: str, job: str, order: Order) -> None:
        headers = {"idempotency-key": order.once_key}
        body = {"epoch": order.epoch, "ttl_s": self.ttl_s}
        await self._web.ask("POST", self._url(region, path, job), json=body, headers=headers)

    def _url(self, region: str, path: str, job: str) -> str:
        if region not in self._at:
            raise Refused(f"no address is given for {region}")
        return self._at[region].rstrip("/") + path.replace("{job}", quote(job, safe=""))


def _standing(answer: Any) -> Standing:
    try:
        active, epoch = answer["active"], answer.get("epoch")
    except (KeyError, TypeError, AttributeError) as error:
        raise Broken("the answer does not say whether the job is active") from error
    if not isinstance(active, bool) or not isinstance(epoch, int | None):
        raise Broken("the answer does not say whether the job is active")
    return Standing(active, epoch, str(answer.get("why", "")))
