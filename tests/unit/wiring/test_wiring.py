import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controlplane.engine.hands import Sort, Target
from controlplane.model.act import Act, Confirmation, Desired
from controlplane.model.errors import Broken
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.resources.kind import Setting
from controlplane.ports.driver import Driver
from controlplane.wiring.catalogue import InstalledCatalogue
from controlplane.wiring.clock import RealClock
from controlplane.wiring.hands import BoundHands
from controlplane.wiring.options import DaemonOptions
from controlplane.wiring.spool import FileSpool
from controlplane.wiring.watches import watches
from tests.unit.engine.estates import service, small_estate

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Still:
    """A driver that is never asked; ``keep_s`` as the policies say."""

    def __init__(self, settings: Mapping[str, Setting]) -> None:
        self.keep_s = settings.get("keep")

    async def read(self, subject: str, like: Desired) -> Desired | None:
        return None

    async def apply(self, act: Act) -> None:
        raise AssertionError(act)

    async def confirm(self, act: Act) -> Confirmation:
        raise AssertionError(act)

    async def undo(self, act: Act) -> None:
        raise AssertionError(act)


def hands(*services: object, defaults: Mapping[str, Mapping[str, Setting]] | None = None) -> BoundHands:
    estate = small_estate()
    estate.services.update({one.name: one for one in services})  # type: ignore[attr-defined]
    made: list[Mapping[str, Setting]] = []

    def make(_: str, settings: Mapping[str, Setting]) -> Driver:
        made.append(settings)
        return Still(settings)

    return BoundHands(estate, defaults or {}, make)


def bound(name: str, **settings: Setting) -> object:
    return service(name, traffic={"driver": "envoy", "with": settings})


def entry(number: int) -> Entry:
    return Entry(
        EntryKind.HOLD, NOON, "estate", "machine", f"hold {number}", ("R16",), epoch=3, facts={"codes": ["store-lost"]}
    )


def test_one_driver_object_serves_all_that_have_the_same_settings() -> None:
    found = hands(bound("a", file="x"), bound("b", file="x"), bound("c", file="y"))
    a, b, c = (found.of(Target(Sort.SERVICE, name)) for name in "abc")
    assert a is b
    assert a.driver is not c.driver
    assert (a.name, c.name) == ("envoy", "envoy#2"), "each has a breaker of its own"


def test_what_nobody_says_how_to_move_is_broken_and_not_guessed() -> None:
    with pytest.raises(Broken, match="checkout"):
        hands().of(Target(Sort.SERVICE, "checkout"))
    with pytest.raises(Broken, match="dublin"):
        hands().of(Target(Sort.REGION, "dublin"))


def test_knobs_go_by_flags_and_datastores_by_postgres_where_policies_say_nothing() -> None:
    found = hands(defaults={"flags": {"file": "here"}})
    assert found.of(Target(Sort.KNOB, "recommendations")).name == "flags"
    assert found.of(Target(Sort.DATASTORE, "orders-db")).name == "postgres"


def test_a_driver_that_is_not_installed_is_broken() -> None:
    odd = service("odd", traffic={"driver": "no-such-driver", "with": {}})
    with pytest.raises(Broken, match="no-such-driver"):
        hands(odd).of(Target(Sort.SERVICE, "odd"))


def test_a_driver_says_how_soon_its_holders_must_be_told_again() -> None:
    found = hands(bound("a", keep=2.5), bound("b"))
    assert found.of(Target(Sort.SERVICE, "a")).keep_s == 2.5
    assert found.of(Target(Sort.SERVICE, "b")).keep_s is None


def test_the_catalogue_knows_what_is_installed_and_imports_nothing_else() -> None:
    catalogue = InstalledCatalogue()
    assert {"envoy", "flags", "http", "postgres"} <= catalogue.drivers
    assert catalogue.capabilities("no-such-driver") is None
    assert catalogue.capabilities("flags")
    assert catalogue.mistakes("flags", {"fiel": "x"}) != ()


def test_a_spool_gives_back_in_order_what_it_was_given_also_to_the_next_process(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool.jsonl")
    spool.put([entry(1), entry(2)])
    spool.put([entry(3)])
    again = FileSpool(tmp_path / "spool.jsonl")
    assert again.held() == (entry(1), entry(2), entry(3))
    again.clear()
    assert FileSpool(tmp_path / "spool.jsonl").held() == ()


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "spool.jsonl")
    spool.put([entry(1), entry(2)])
    text = (tmp_path / "spool.jsonl").read_text(encoding="utf-8")
    (tmp_path / "spool.jsonl").write_text(text[:-20], encoding="utf-8")
    assert FileSpool(tmp_path / "spool.jsonl").held() == (entry(1),)


def test_where_the_disk_refuses_entries_are_kept_in_memory(tmp_path: Path) -> None:
    spool = FileSpool(tmp_path / "no" / "such" / "folder" / "spool.jsonl")
    spool.put([entry(1)])
    assert spool.held() == (entry(1),)


def test_every_probe_is_watched_in_each_region_it_is_for() -> None:
    estate = small_estate()
    here = {"kind": "tcp", "target": "127.0.0.1:1", "regions": ["dublin"]}
    everywhere = {"kind": "tcp", "target": "127.0.0.1:2"}
    watched = service("watched", regions=["dublin", "frankfurt"], probes=[here, everywhere])
    estate.services.update({"watched": watched})  # type: ignore[attr-defined]
    found = [(w.spot.subject, w.spot.region, w.spec.target) for w in watches(estate, "here", RealClock())]
    assert found == [
        ("watched", "dublin", "127.0.0.1:1"),
        ("watched", "dublin", "127.0.0.1:2"),
        ("watched", "frankfurt", "127.0.0.1:2"),
    ]


def test_a_replica_keeps_its_name_from_one_start_to_the_next() -> None:
    options = DaemonOptions((Path("policies"),), listen="127.0.0.1:8470", vantage="dublin")
    assert options.name == "dublin@127.0.0.1:8470"


def test_naming_the_wiring_imports_nothing_that_the_command_at_hand_does_not_use() -> None:
    code = "import controlplane.wiring, sys; print([m for m in sys.modules if m.split('.')[0] in set(sys.argv[1:])])"
    heavy = ("sqlalchemy", "starlette", "uvicorn", "httpx", "highspy", "tenacity", "pydantic", "yaml", "uvloop")
    found = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.strip() == "[]"
