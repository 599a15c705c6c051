"""Names for the shell: from the policies named, else from the daemon; quickly or not at all."""

import os
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import typer

_PATIENCE_S = 0.4
_LARGEST = 8_000_000


def complete_regions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Regions of the estate."""
    return _starting(incomplete, _names(ctx).get("regions", ()))


def complete_movable(ctx: typer.Context, incomplete: str) -> list[str]:
    """Services and datastores: what a failover can be of."""
    known = _names(ctx)
    return _starting(incomplete, (*known.get("services", ()), *known.get("datastores", ())))


def complete_left(ctx: typer.Context, incomplete: str) -> list[str]:
    """Regions first, then services and datastores: what a failback can be of."""
    known = _names(ctx)
    return _starting(
        incomplete, (name for kind in ("regions", "services", "datastores") for name in known.get(kind, ()))
    )


def complete_knobs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Knobs."""
    return _starting(incomplete, _names(ctx).get("knobs", ()))


def complete_knob_values(ctx: typer.Context, incomplete: str) -> list[str]:
    """``knob=``, and once that is written, its values where the policies are at hand."""
    known = _names(ctx)
    knob, _, _ = incomplete.partition("=")
    values = known.get(f"values of {knob}", ()) if "=" in incomplete else ()
    return _starting(
        incomplete, [f"{knob}={value}" for value in values] or [f"{name}=" for name in known.get("knobs", ())]
    )


def complete_approvals(ctx: typer.Context, incomplete: str) -> list[str]:
    """What waits for a person."""
    return _starting(incomplete, _from_daemon(ctx).get("approvals", ()))


Names = dict[str, tuple[str, ...]]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _names(ctx: typer.Context) -> Names:
    policies = ctx.params.get("policies") or [Path(path) for path in os.environ.get("LEEWARD_POLICIES", "").split()]
    return _from_policies([Path(path) for path in policies]) if policies else _from_daemon(ctx)


def _from_policies(paths: list[Path]) -> Names:
    """A broken policy completes nothing: the command itself will say what is wrong with it."""
    from controlplane.model.errors import LeewardError
    from controlplane.service.files import read_estate

    try:
        estate = read_estate(paths)
    except (LeewardError, OSError):
        return {}
    values = {
        f"values of {knob.name}": tuple(str(value) for value in (knob.default, *(level.value for level in knob.levels)))
        for knob in estate.knobs.values()
    }
    return {
        "regions": tuple(estate.regions),
        "services": tuple(estate.services),
        "datastores": tuple(estate.datastores),
        "knobs": tuple(estate.knobs),
        **values,
    }


def _from_daemon(ctx: typer.Context) -> Names:
    """One short question with the standard library: importing the real client would take longer than the answer."""
    import json
    from http.client import HTTPConnection, HTTPException

    from controlplane.api.address import DEFAULT_ADDRESS, parse_address
    from controlplane.model.errors import WrongUse

    try:
        address = parse_address(str(ctx.params.get("daemon") or os.environ.get("LEEWARD_DAEMON") or DEFAULT_ADDRESS))
        with closing(HTTPConnection(address.host, address.port, timeout=_PATIENCE_S)) as connection:
            connection.request("GET", "/v1/status")
            status = json.loads(connection.getresponse().read(_LARGEST))
    except (WrongUse, OSError, HTTPException, ValueError):
        return {}
    return _read_status(status) if isinstance(status, dict) else {}


def _read_status(status: dict[str, object]) -> Names:
    def keys(*fields: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for field in fields:
            part = status.get(field)
            found.update(dict.fromkeys(map(str, part)) if isinstance(part, dict) else {})
        return tuple(sorted(found))

    def named(field: str, key: str) -> tuple[str, ...]:
        part = status.get(field)
        return (
            tuple(str(one[key]) for one in part if isinstance(one, dict) and key in one)
            if isinstance(part, list)
            else ()
        )

    return {
        "regions": named("regions", "region"),
        "services": keys("shares", "holders"),
        "datastores": keys("primaries"),
        "knobs": keys("knobs"),
        "approvals": named("approvals", "id"),
    }
