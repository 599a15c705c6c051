"""What hangs, drops, talks nonsense or lies: an error of the right kind, in time, and never a false confirmation."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane.drivers import locked
from controlplane.drivers.envoy.driver import envoy
from controlplane.drivers.flags.driver import flags
from controlplane.drivers.http.driver import http
from controlplane.drivers.postgres.driver import postgres
from controlplane.model.act import Act, Desired, Fence, Holder, KnobSetting, Primary, Weights
from controlplane.model.errors import Broken, DriverError, Retry
from controlplane.ports.driver import Driver
from tests.contract.drivers.faulty import Trouble, troubled
from tests.contract.drivers.targets import envoy as edges
from tests.contract.drivers.targets import jobs
from tests.servers.edge import free_port, route_file

AWAY = {"IE": {"frankfurt": 1.0}}


def act(desired: Desired, subject: str = "settlement") -> Act:
    return Act("once", subject, desired, 5, datetime.now(UTC) + timedelta(seconds=5))


def _jobs(port: int, _: Path) -> Driver:
    url = f"http://127.0.0.1:{port}"
    return http({"at": {"dublin": url, "frankfurt": url}, "timeout": 0.3})


def _servers(port: int, _: Path) -> Driver:
    url = f"postgresql://leeward@127.0.0.1:{port}/postgres"
    return postgres({"servers": {"dublin": url, "frankfurt": url}, "timeout": 0.3})


def _edge(port: int, folder: Path) -> Driver:
    routes = folder / "rds.json"
    routes.write_text(json.dumps(route_file(edges.SHARES)))
    return envoy({"file": str(routes), "admin": f"http://127.0.0.1:{port}", "timeout": 0.3})


KINDS: dict[Trouble, type[DriverError]] = {
    Trouble.HANGS: Retry,
    Trouble.DROPS: Retry,
    Trouble.GARBAGE: Retry,
    Trouble.TOO_MANY: Retry,
    Trouble.UNWELL: Broken,
    Trouble.NOT_JSON: Broken,
}
Making = Callable[[int, Path], Driver]
TROUBLES: list[tuple[Making, Desired, Trouble, type[DriverError]]] = [
    *((_jobs, Holder("dublin"), trouble, kind) for trouble, kind in KINDS.items()),
    (_servers, Primary("frankfurt", 0.0), Trouble.HANGS, Retry),
    (_servers, Primary("frankfurt", 0.0), Trouble.DROPS, Retry),
    (_servers, Primary("frankfurt", 0.0), Trouble.GARBAGE, Retry),
]


@pytest.mark.parametrize(("make", "desired", "trouble", "kind"), TROUBLES)
async def test_every_verb_ends_in_time_with_an_error_of_the_right_kind(
    make: Making, desired: Desired, trouble: Trouble, kind: type[DriverError], tmp_path: Path
) -> None:
    asked = replace(act(desired), previous=Holder(None) if isinstance(desired, Holder) else Primary("dublin", 0.0))
    async with troubled(trouble) as port:
        driver = make(port, tmp_path)
        kinds: list[type[DriverError]] = [
            Retry,
            kind,
            kind,
            kind,
        ]  # reading asks all regions: one that is unwell leaves it unsaid, for now
        verbs: list[Callable[[], Awaitable[object]]] = [
            lambda: driver.read("settlement", desired),
            lambda: driver.apply(asked),
            lambda: driver.confirm(asked),
            lambda: driver.undo(asked),
        ]
        for verb, expected in zip(verbs, kinds, strict=True):
            async with asyncio.timeout(3):
                with pytest.raises(expected):
                    await verb()


@pytest.mark.parametrize("trouble", list(Trouble))
async def test_an_edge_whose_admin_address_is_in_trouble_gets_its_routes_and_is_not_called_done(
    trouble: Trouble, tmp_path: Path
) -> None:
    asked = act(Weights(AWAY), "checkout")
    async with troubled(trouble) as port:
        driver = _edge(port, tmp_path)
        async with asyncio.timeout(3):
            await driver.apply(asked)
            with pytest.raises((Retry, Broken)):
                await driver.confirm(asked)
    routes = json.loads((tmp_path / "rds.json").read_text())["resources"][0]["virtual_hosts"][0]["routes"]
    written = {route["name"]: route["route"]["weighted_clusters"]["clusters"] for route in routes}
    assert written["checkout@IE"] == [{"name": "checkout@frankfurt", "weight": 1_000_000}]


async def test_a_server_that_says_yes_and_does_nothing_is_not_believed() -> None:
    with jobs.regions("dublin") as made:
        made["dublin"].lies = True
        driver = jobs.driver(made)
        asked = act(Holder("dublin"))
        await driver.apply(asked)
        assert made["dublin"].orders == [("activate", "once")]
        assert not (await driver.confirm(asked)).done


async def test_a_fenced_job_that_goes_on_is_told_again_and_is_not_called_fenced() -> None:
    with jobs.regions("dublin") as made:
        made["dublin"].active = made["dublin"].lies = True
        driver = jobs.driver(made)
        asked = act(Fence("dublin"))
        await driver.apply(asked)
        assert not (await driver.confirm(asked)).done
        made["dublin"].lies = False
        assert not (await driver.confirm(asked)).done
        assert (await driver.confirm(asked)).done


async def test_an_edge_that_does_not_take_the_file_is_not_called_done(tmp_path: Path) -> None:
    with edges.running(tmp_path) as edge:
        elsewhere = tmp_path / "elsewhere.json"
        elsewhere.write_bytes(edge.routes.read_bytes())
        driver = envoy({"file": str(elsewhere), "admin": edge.admin_url})
        asked = act(Weights({"IE": {"frankfurt": 1.0}}), "checkout")
        await driver.apply(asked)
        found = await driver.confirm(asked)
        assert not found.done
        assert "still runs" in found.detail


@pytest.mark.parametrize("contents", [None, b"", b"{ not json", b"[]", b'{"resources": []}'])
async def test_a_route_file_that_is_none_is_broken(contents: bytes | None, tmp_path: Path) -> None:
    routes = tmp_path / "rds.json"
    if contents is not None:
        routes.write_bytes(contents)
    driver = envoy({"file": str(routes), "admin": f"http://127.0.0.1:{free_port()}", "timeout": 0.3})
    asked = act(Weights({"IE": {"frankfurt": 1.0}}), "checkout")
    for verb in (driver.apply(asked), driver.confirm(asked), driver.undo(replace(asked, previous=asked.desired))):
        with pytest.raises(Broken):
            await verb
    assert (routes.read_bytes() if contents is not None else None) == contents


@pytest.mark.parametrize("contents", [b"{ not json", b"[]", b'{"flags": 3}'])
async def test_a_flag_file_that_is_none_is_broken_and_left_as_it_is(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    path.write_bytes(contents)
    driver = flags({"file": str(path)})
    with pytest.raises(Broken):
        await driver.apply(act(KnobSetting("off"), "coupons"))
    assert path.read_bytes() == contents


async def test_a_folder_that_is_not_there_is_broken(tmp_path: Path) -> None:
    driver = flags({"file": str(tmp_path / "nowhere" / "flags.json")})
    with pytest.raises(Broken, match="No such file"):
        await driver.apply(act(KnobSetting("off"), "coupons"))


async def test_a_lock_that_another_holds_is_waited_for_until_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    driver = flags({"file": str(path)})
    short = replace(act(KnobSetting("off"), "coupons"), deadline=datetime.now(UTC) + timedelta(seconds=0.2))
    async with locked(path, 1.0):
        with pytest.raises(Retry):
            await driver.apply(short)
        waiting = asyncio.create_task(driver.apply(act(KnobSetting("off"), "coupons")))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await waiting
    assert await driver.read("coupons", KnobSetting("off")) == KnobSetting("off")
