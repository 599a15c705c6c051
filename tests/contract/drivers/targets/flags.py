"""A flag definition file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controlplane.drivers.flags.driver import FlagsDriver, flags
from controlplane.model.act import Act, KnobSetting
from tests.contract.drivers.cases import Bench, case


async def _bench(folder: Path, before: KnobSetting, after: KnobSetting) -> Bench:
    path = folder / "flags.json"
    settings = {"file": str(path)}
    assert flags.mistakes(settings) == ()
    driver: FlagsDriver = flags(settings)
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    await driver.apply(Act("laid", "recommendations", before, 1, deadline))
    return Bench(driver, "recommendations", before, after, path.read_bytes, unknown="nothing")


@case("flags")
@asynccontextmanager
async def everywhere(folder: Path) -> AsyncIterator[Bench]:
    """A knob with one value for all."""
    yield await _bench(folder, KnobSetting("full"), KnobSetting("cached"))


@case("flags in one region")
@asynccontextmanager
async def in_one_region(folder: Path) -> AsyncIterator[Bench]:
    """A knob with a value for each region."""
    yield await _bench(folder, KnobSetting(3.0, "dublin"), KnobSetting(0.5, "dublin"))
