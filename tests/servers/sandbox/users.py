"""Asking as a user would, one request at a time."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from controlplane.sandbox.plan import Address, SandboxPlan
from controlplane.sandbox.wire import Pool, request


@dataclass(frozen=True, slots=True)
class Told:
    """What came back. ``status`` 0: nothing did."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


async def ask(address: Address, path: str, headers: dict[str, str] | None = None, body: Any = None) -> Told:
    """One request on a connection of its own; POST if there is a body."""
    pool = Pool(address)
    sent = b"" if body is None else json.dumps(body).encode()
    given = {"connection": "close", **(headers or {})}
    reply = await pool.fetch(request("GET" if body is None else "POST", address, path, given, sent), 4.0)
    pool.close()
    if reply is None:
        return Told(0, {}, {})
    text = {name.decode(): value.decode() for name, value in reply.headers.items()}
    return Told(reply.status, text, json.loads(reply.body) if reply.body[:1] == b"{" else {})


async def buy(plan: SandboxPlan, origin: str = "IE", service: str = "checkout", identity: str = "") -> Told:
    """One request through the edge; a write if it has an id."""
    headers = {"x-origin": origin, **({"x-id": identity} if identity else {})}
    return await ask(plan.edge.listener, f"/{service}", headers, {} if identity else None)


async def outcomes(plan: SandboxPlan, times: int, origin: str = "IE", service: str = "checkout") -> Counter[str]:
    """How many of so many requests ended how: the region that served, or the status."""
    told = [await buy(plan, origin, service) for _ in range(times)]
    return Counter(one.headers.get("x-region", "") if one.status == 200 else str(one.status) for one in told)


async def region_says(plan: SandboxPlan, region: str, path: str, body: Any = None) -> Told:
    """What a region answers at its ingress."""
    return await ask(plan.regions[region].ingress, path, None, body)
