"""What a running Envoy says of itself: the routes in force, updates it has refused, requests still in flight."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from controlplane.drivers import Web
from controlplane.model.errors import Broken

_ROUTES = "/config_dump?resource=dynamic_route_configs"
_REJECTED = r"\.rds\..*\.update_(rejected|failure)$"  # a file that is no JSON counts as a failure


@dataclass(frozen=True, slots=True)
class Dump:
    """The route configuration in force."""

    config: dict[str, Any]
    version: str


class Admin:
    """The admin address. Retry when it does not answer, Broken when what answers is no Envoy."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._web = Web(timeout_s=timeout_s)
        self._next: asyncio.Task[Any] | None = None

    async def dump(self, name: str) -> Dump:
        """The route configuration called ``name`` as Envoy runs it, not older than the call."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._fetch())
            self._next.add_done_callback(_looked_at)
        answer = await asyncio.shield(self._next)
        try:
            for entry in answer["configs"]:
                if entry.get("route_config", {}).get("name") == name:
                    return Dump(entry["route_config"], str(entry.get("version_info", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise Broken(f"{self._url}: not the configuration of an Envoy") from error
        raise Broken(f"{self._url}: Envoy runs no route configuration called {name}")

    async def _fetch(self) -> Any:
        """One answer for all who ask in the same moment: twenty services that move together read back together."""
        await asyncio.sleep(0)
        self._next = None
        return await self._web.ask("GET", self._url + _ROUTES)

    async def rejected(self) -> int:
        """How many route updates it has ever refused."""
        return sum((await self._stats(_REJECTED)).values())

    async def in_flight(self, clusters: Iterable[str]) -> int:
        """Requests that still go to these clusters."""
        return sum((await self._stats(_one_of(clusters) + r"\.upstream_rq_active$")).values())

    async def missing(self, clusters: Iterable[str]) -> list[str]:
        """Those of the clusters that the edge does not have."""
        wanted = sorted(set(clusters))
        known = await self._stats(_one_of(wanted) + r"\.membership_total$")
        return [name for name in wanted if not {_member(name), _member(name.replace(".", "_"))} & known.keys()]

    async def _stats(self, pattern: str) -> dict[str, int]:
        answer = await self._web.ask("GET", f"{self._url}/stats?format=json&filter={quote(pattern)}")
        try:
            return {stat["name"]: int(stat["value"]) for stat in answer["stats"] if "name" in stat}
        except (KeyError, TypeError, ValueError) as error:
            raise Broken(f"{self._url}: not the statistics of an Envoy") from error


def _looked_at(task: "asyncio.Task[Any]") -> None:
    """Whoever asked may have given up: then nobody else hears of an error."""
    if not task.cancelled():
        task.exception()


def _member(cluster: str) -> str:
    return f"cluster.{cluster}.membership_total"


def _one_of(clusters: Iterable[str]) -> str:
    """A dot in a cluster's name may read as ``_`` in statistics."""
    names = "|".join(re.escape(name).replace(r"\.", "[._]") for name in sorted(set(clusters)))
    return rf"^cluster\.({names})"
