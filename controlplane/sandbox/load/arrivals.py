"""When the next request is due, and what it asks: a Poisson stream over (service, origin), from a seed."""

import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

from controlplane.sandbox.load.options import LoadOptions
from controlplane.sandbox.plan import SandboxPlan
from controlplane.sandbox.wire import request


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one origin to one service. ``allowed``: jurisdictions that may answer (None: any)."""

    service: str
    origin: str
    allowed: frozenset[bytes] | None
    datastore: str | None
    get: bytes
    post: tuple[bytes, bytes]

    def write(self, identity: str) -> bytes:
        """The bytes of a write with an id."""
        return identity.encode().join(self.post)


class Arrivals:
    """An endless sequence of arrivals; ``rate`` in requests a second."""

    def __init__(self, plan: SandboxPlan, options: LoadOptions) -> None:
        self._chance = random.Random(options.seed)  # noqa: S311
        chosen = [
            (_stream(plan, service.name, origin), rate)
            for service in plan.services.values()
            for origin, rate in service.demand.items()
            if rate > 0 and (not options.services or service.name in options.services)
        ]
        if not chosen:
            raise ValueError("no service with demand was chosen")
        self._streams = [stream for stream, _ in chosen]
        self._steps = list(accumulate(rate for _, rate in chosen))
        self.rate = self._steps[-1] if options.rate is None else options.rate
        self._writes = plan.writes if options.writes is None else options.writes

    def gap_s(self) -> float:
        """Seconds until the next arrival."""
        return self._chance.expovariate(self.rate)

    def pick(self) -> tuple[Stream, bool]:
        """Whose request it is, and whether it writes."""
        stream = self._streams[bisect(self._steps, self._chance.random() * self._steps[-1])]
        return stream, stream.datastore is not None and self._chance.random() < self._writes


def _stream(plan: SandboxPlan, name: str, origin: str) -> Stream:
    service = plan.services[name]
    allowed = service.residency.get(origin)
    host, path = plan.edge.listener, f"/{name}"
    post = request("POST", host, path, {"x-origin": origin, "x-id": "\0"}).split(b"\0")
    return Stream(
        name,
        origin,
        None if allowed is None else frozenset(word.encode() for word in allowed),
        service.datastore,
        request("GET", host, path, {"x-origin": origin}),
        (post[0], post[1]),
    )
