"""docs/kinds.md is of one mind with the models, and its examples are one estate."""

import re
from pathlib import Path

from controlplane.load.estate import check
from controlplane.load.kinds import KINDS
from tests.shipped.kinds_page import PAGE, choices, table, with_tables

_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_tables_of_fields_are_those_of_the_models() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "write them anew: python -m tests.shipped.kinds_page"


def test_every_kind_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"<!-- fields of {kind} -->" not in page] == []


def test_a_table_tells_what_a_field_holds() -> None:
    rows = table("Service").splitlines()
    assert "| `tier` | whole number ≥ 0, ≤ 3 | `2` | 0 is shed last, 3 first. |" in rows
    assert "| `probes[].interval` | duration | `1s` | How often it looks. |" in rows


def test_every_fault_and_expectation_has_a_row() -> None:
    assert (
        "| `store-down` |  | The control plane's store and lease cannot be reached. |" in choices("faults").splitlines()
    )
    assert [row.split("`")[1] for row in choices("expect").splitlines()[2:]][:3] == ["drained", "notDrained", "held"]


def test_the_examples_are_one_sound_estate(tmp_path: Path) -> None:
    examples = _EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) == len(KINDS) + 1
    (tmp_path / "page.yaml").write_text("---\n".join(examples), encoding="utf-8")
    report = check([tmp_path])
    assert (report.mistakes, report.warnings) == ((), ())
    assert {kind for kind, _ in report.documents} == set(KINDS)
