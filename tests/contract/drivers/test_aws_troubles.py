"""AWS in trouble, and what it must never make us say."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.drivers.aws.autoscaling import autoscaling
from controlplane.drivers.aws.region_switch import arc_region_switch
from controlplane.drivers.aws.route53 import route53
from controlplane.drivers.aws.ssm import ssm
from controlplane.drivers.aws.switches import route53_switch
from controlplane.model.act import Act, Desired, Holder, KnobSetting, Units, Weights
from controlplane.model.errors import Broken, DriverError, Refused, Retry
from controlplane.model.resources.kind import Setting
from controlplane.ports.driver import Driver
from tests.contract.drivers.faulty import Trouble, troubled
from tests.contract.drivers.targets.region_switch import PLAN
from tests.servers.aws import SECRETS, planted

KINDS: dict[Trouble, tuple[type[DriverError], ...]] = {
    Trouble.HANGS: (Retry,),
    Trouble.DROPS: (Retry,),
    Trouble.GARBAGE: (Retry,),
    Trouble.TOO_MANY: (Retry,),
    Trouble.UNWELL: (Broken, Retry),
    Trouble.NOT_JSON: (Broken,),
}
Making = Callable[[str], tuple[Driver, Desired, Desired]]
AWAY, HOME = Weights({"IE": {"frankfurt": 1.0}}), Weights({"IE": {"dublin": 1.0}})


def _record_sets(url: str) -> tuple[Driver, Desired, Desired]:
    return route53({"zone": "Z1", "names": "x.example", "endpoint": url, "timeout": 0.4}), AWAY, HOME


def _switches(url: str) -> tuple[Driver, Desired, Desired]:
    shares: dict[str, Setting] = {"IE": ["dublin", "frankfurt"]}
    return route53_switch({"bucket": "b", "shares": shares, "endpoint": url, "timeout": 0.4}), AWAY, HOME


def _plan(url: str) -> tuple[Driver, Desired, Desired]:
    regions: dict[str, Setting] = {"dublin": "eu-west-1", "frankfurt": "eu-central-1"}
    made = arc_region_switch({"plan": PLAN, "regions": regions, "timeout": 0.4})
    for calls in made._places.values():
        calls.where = replace(calls.where, endpoint=url)
    return made, Holder("frankfurt"), Holder("dublin")


def _parameters(url: str) -> tuple[Driver, Desired, Desired]:
    settings: dict[str, Setting] = {"endpoint": url, "timeout": 0.4, "awsRegion": "eu-west-1"}
    return ssm(settings), KnobSetting("off"), KnobSetting("full")


def _groups(url: str) -> tuple[Driver, Desired, Desired]:
    settings: dict[str, Setting] = {"endpoint": url, "timeout": 0.4, "units": 50}
    settings |= {"groups": {"dublin": "web"}, "regions": {"dublin": "eu-west-1"}}
    return autoscaling(settings), Units("dublin", 200.0), Units("dublin", 100.0)


MAKING: list[Making] = [_record_sets, _switches, _plan, _parameters, _groups]


def verbs(driver: Driver, desired: Desired, previous: Desired) -> list[Callable[[], Awaitable[object]]]:
    deadline = datetime.now(UTC) + timedelta(seconds=8)
    act = replace(Act("once", "checkout", desired, 5, deadline), previous=previous)
    return [
        lambda: driver.read("checkout", desired),
        lambda: driver.apply(act),
        lambda: driver.confirm(act),
        lambda: driver.undo(act),
    ]


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("make", MAKING)
async def test_every_verb_ends_in_time_with_an_error_of_the_right_kind(make: Making, trouble: Trouble) -> None:
    with planted():
        async with troubled(trouble) as port:
            for verb in verbs(*make(f"http://127.0.0.1:{port}")):
                async with asyncio.timeout(4):
                    with pytest.raises(KINDS[trouble]) as error:
                        await verb()
                assert error.value.__cause__ is not None


@asynccontextmanager
async def telling() -> AsyncIterator[str]:
    """A server that explains to everybody why their signature is wrong, with all that they sent and more."""
    said = " ".join(SECRETS.values())
    body = f"<Error><Code>SignatureDoesNotMatch</Code><Message>signed were {said}</Message></Error>".encode()
    head = (
        f"HTTP/1.1 403 Forbidden\r\ncontent-type: text/xml\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("make", [_record_sets, _switches])
async def test_secrets_stand_in_no_error_no_cause_no_log_and_no_driver(
    make: Making, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with planted():
        async with telling() as url:
            driver, desired, previous = make(url)
            for verb in verbs(driver, desired, previous):
                with pytest.raises(Refused, match="SignatureDoesNotMatch") as error:
                    await verb()
                said += traceback.format_exception(error.value)
                said.append(repr(error.value.__cause__.__dict__ if error.value.__cause__ else ""))
        said.append(repr(driver))
    everything = "\n".join([*said, caplog.text])
    assert "signed were" in everything
    assert [name for name, secret in SECRETS.items() if secret in everything] == []


async def test_without_credentials_it_is_broken_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with planted():
        for name in SECRETS:
            monkeypatch.delenv(name)
        driver, desired, _ = _record_sets("http://127.0.0.1:9")
        with pytest.raises(Broken, match="credentials"):
            await driver.read("checkout", desired)


async def test_a_place_where_nobody_listens_may_answer_later() -> None:
    with planted():
        driver, desired, _ = _record_sets("http://127.0.0.1:9")
        with pytest.raises(Retry):
            await driver.read("checkout", desired)
