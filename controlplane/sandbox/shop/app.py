"""The shop's ASGI application: routes, and what a request to a service does.

``/{service}`` serves users (GET reads, POST writes) and, with ``x-internal``, other services of the same region.
``/healthz`` and ``/healthz/{service}`` are shallow: the process, and the service's own code. ``/_jobs/{name}`` (GET),
``/_jobs/{name}/activate|deactivate|renew`` (POST ``{"epoch": n, "ttl_s": s or null}``), ``/_status`` (GET) and
``/_faults`` (POST) are for the control plane and the sandbox.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from controlplane.sandbox.database import NoPrimary
from controlplane.sandbox.plan import LEASE_S, RegionPlan, SandboxPlan, ServicePlan
from controlplane.sandbox.shop.cache import Cache, CacheGone
from controlplane.sandbox.shop.capacity import WorkQueue
from controlplane.sandbox.shop.faults import ShopFaults
from controlplane.sandbox.shop.jobs import Job, Superseded
from controlplane.sandbox.shop.keeper import Keeper
from controlplane.sandbox.shop.knobs import Knobs
from controlplane.sandbox.shop.writing import Primary
from controlplane.sandbox.wire import Pool, request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CALL_TIMEOUT_S = 1.0
_KEPT_S = 30
_WRITE = (
    "INSERT INTO ledger (id, service, origin, region) VALUES (%s, %s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING id"
)
_JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Answer:
    """What goes back to the caller."""

    status: int
    body: dict[str, Any]
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Asked:
    """What a request to a service says."""

    service: ServicePlan
    origin: str
    identity: str
    writes: bool
    internal: bool


@dataclass(slots=True)
class Parts:
    """What one region's shop is made of."""

    plan: SandboxPlan
    region: RegionPlan
    queue: WorkQueue
    knobs: Knobs
    faults: ShopFaults
    stores: dict[str, Primary]
    jobs: dict[str, Job]
    keepers: dict[str, Keeper]
    cache: Cache


class Shop:
    """The application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._services = {service.name: service for service in parts.plan.deployed(parts.region.name)}
        self._self = Pool(parts.region.shop)
        self._calls = {
            name: request("GET", parts.region.shop, f"/{name}", {"x-internal": "1"}) for name in parts.plan.services
        }
        self._stamp = [
            (b"x-region", parts.region.name.encode()),
            (b"x-jurisdiction", parts.region.jurisdiction.encode()),
        ]
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        path = scope["path"].strip("/")
        if path in self._services:
            answer = await self._serve(scope, path)
        else:
            answer = await self._administer(path, receive)
        body = json.dumps(answer.body, separators=(",", ":")).encode()
        headers = [*self._stamp, *answer.headers, _JSON, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _serve(self, scope: Scope, name: str) -> Answer:
        given = {key: value for key, value in scope["headers"] if key[:2] == b"x-"}
        asked = Asked(
            self._services[name],
            given.get(b"x-origin", b"").decode(),
            given.get(b"x-id", b"").decode(),
            scope["method"] == "POST",
            b"x-internal" in given,
        )
        self._requests += 1
        if not asked.internal:
            cost = asked.service.cost * (1.0 - self._parts.knobs.saved(name))
            wait = self._parts.queue.admit(cost, time.monotonic())
            if wait is None:
                return Answer(503, {"why": "saturated"}, [(b"x-why", b"saturated")])
            if wait > 0.001:
                await asyncio.sleep(wait)
        if add_s := self._parts.faults.delay_s(name):
            await asyncio.sleep(add_s)
        if self._parts.faults.fails(name):
            return Answer(500, {"why": "fault"}, [(b"x-why", b"fault")])
        return await self._work(asked)

    async def _work(self, asked: Asked) -> Answer:
        failed, degraded = await self._call_dependencies(asked.service, weak=not asked.internal)
        if failed:
            return Answer(503, {"why": f"needs {failed}"}, [(b"x-why", b"dependency")])
        headers = [(b"x-degraded", ",".join(degraded).encode())] if degraded else []
        if asked.service.datastore is not None and not asked.internal:
            if asked.writes:
                return await self._write(asked, asked.service.datastore, headers)
            await self._read(asked)
        return Answer(200, {"service": asked.service.name}, headers)

    async def _call_dependencies(self, service: ServicePlan, *, weak: bool) -> tuple[str | None, list[str]]:
        """The first strong dependency that failed, and the weak ones that did. A knob that saves a whole service
        switches the call to it off. What is called by another service calls only what it cannot do without: weak
        dependencies may go round in circles."""
        wanted = (*service.strong, *service.weak) if weak else service.strong
        names = [name for name in wanted if self._parts.knobs.saved(name) < 1.0]
        if not names:
            return None, []
        replies = await asyncio.gather(*(self._self.fetch(self._calls[name], CALL_TIMEOUT_S) for name in names))
        bad = [name for name, reply in zip(names, replies, strict=True) if reply is None or reply.status != 200]
        return next((name for name in bad if name in service.strong), None), bad

    async def _write(self, asked: Asked, store: str, headers: list[tuple[bytes, bytes]]) -> Answer:
        values = (asked.identity, asked.service.name, asked.origin, self._parts.region.name)
        try:
            written = await self._parts.stores[store].run(_WRITE, values)
        except NoPrimary as problem:
            return Answer(503, {"why": f"not written: {problem}"}, [(b"x-why", b"datastore")])
        if not written:
            return Answer(409, {"why": "this id was written before"}, headers)
        return Answer(201, {"id": asked.identity}, [*headers, (b"x-written", asked.identity.encode())])

    async def _read(self, asked: Asked) -> None:
        """Reads come from the cache; without it the page is made anew, which costs nothing that is measured here."""
        key = f"{asked.service.name}:{asked.origin}"
        with suppress(CacheGone):
            if await self._parts.cache.get(key) is None:
                await self._parts.cache.put(key, asked.service.name, _KEPT_S)

    async def _administer(self, path: str, receive: Receive) -> Answer:
        match path.split("/"):
            case ["healthz"]:
                return Answer(200, {"status": "ok"})
            case ["healthz", service]:
                well = service in self._services and self._parts.faults.healthy(service)
                return Answer(200 if well else 503, {"status": "ok" if well else "failing"})
            case ["_status"]:
                return Answer(200, self._status())
            case ["_faults"]:
                return await self._set_faults(await _json(receive))
            case ["_jobs", name] if name in self._parts.jobs:
                return Answer(200, self._parts.jobs[name].show())
            case ["_jobs", name, verb] if name in self._parts.jobs:
                return await _order(self._parts.jobs[name], verb, await _json(receive))
        return Answer(404, {"why": "no such route here"})

    async def _set_faults(self, order: dict[str, Any]) -> Answer:
        if "share" in order:
            self._parts.queue.share = min(1.0, max(0.0, float(order["share"])))
        else:
            self._parts.faults.set(order)
        return Answer(200, self._status())

    def _status(self) -> dict[str, Any]:
        """Capacity in cost units a second (scaled), work served since the start, knobs and faults in force."""
        parts = self._parts
        return {
            "region": parts.region.name,
            "capacity": parts.queue.units,
            "served": parts.queue.served,
            "refused": parts.queue.refused,
            "wait_s": parts.queue.wait_s(time.monotonic()),
            "requests": self._requests,
            "knobs": parts.knobs.values,
            "knobs_reached": parts.knobs.reached,
            "faults": parts.faults.show(),
            "jobs": {name: job.show() for name, job in parts.jobs.items()},
            "datastores": {name: keeper.state for name, keeper in parts.keepers.items()},
        }


async def _json(receive: Receive) -> dict[str, Any]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    try:
        read = json.loads(body) if body else {}
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


async def _order(job: Job, verb: str, order: dict[str, Any]) -> Answer:
    try:
        epoch = int(order["epoch"])
        match verb:
            case "activate":
                ttl_s = order.get("ttl_s")
                await job.activate(epoch, None if ttl_s is None else float(ttl_s))
            case "deactivate":
                await job.deactivate(epoch)
            case "renew":
                job.renew(epoch, float(order.get("ttl_s", LEASE_S)))
            case _:
                return Answer(404, {"why": f"a job knows activate, deactivate and renew, not {verb}"})
    except Superseded as refused:
        return Answer(409, {**job.show(), "why": str(refused)})
    except (KeyError, TypeError, ValueError):
        return Answer(400, {"why": 'send {"epoch": whole number}'})
    return Answer(200, job.show())
