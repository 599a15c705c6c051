"""What is declared is pinned, with hashes, and has a lower bound."""

import re
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT, pyproject

FIXED = {"kubernetes", "boto3", "py-consul", "tenacity", "typer", "pyyaml", "rich", "pytest", "moto"}


def _declared() -> list[Requirement]:
    project: Any = pyproject()["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    return [required for required in map(Requirement, listed) if required.name != "leeward"]


def _pinned() -> dict[str, str]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    return {canonicalize_name(block.partition("==")[0]): block for block in blocks if "==" in block}


def test_every_dependency_has_a_lower_bound() -> None:
    loose = [
        str(required) for required in _declared() if not any(bound.operator == ">=" for bound in required.specifier)
    ]
    assert loose == []


def test_every_dependency_is_pinned_with_its_hashes() -> None:
    pinned = _pinned()
    assert {canonicalize_name(required.name) for required in _declared()} - set(pinned) == set()
    assert [name for name, block in pinned.items() if "--hash=sha256:" not in block] == []


def test_the_pins_keep_what_is_declared() -> None:
    pinned = _pinned()
    versions = {name: re.findall(r"==([^\s;]+)", block)[0] for name, block in pinned.items()}
    broken = {
        str(required): versions[canonicalize_name(required.name)]
        for required in _declared()
        if not required.specifier.contains(versions[canonicalize_name(required.name)])
    }
    assert broken == {}


def test_the_whole_set_is_one_extra_away() -> None:
    project: Any = pyproject()["project"]
    extras = project["optional-dependencies"]
    everything = set(Requirement(extras["all"][0]).extras)
    assert everything == set(extras) - {"all"}
    assert {canonicalize_name(required.name) for required in _declared()} >= FIXED


def test_the_constraints_name_no_address() -> None:
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")
