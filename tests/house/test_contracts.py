"""The import contracts cover every room and every driver there is."""

from fnmatch import fnmatchcase
from typing import Any

from tests.house.tree import pyproject, python_files


def _contract(name: str) -> dict[str, Any]:
    tool: Any = pyproject()["tool"]
    found = [contract for contract in tool["importlinter"]["contracts"] if contract["name"] == name]
    assert len(found) == 1, f"there is no contract named {name}"
    return dict(found[0])


def _rooms() -> set[str]:
    return {
        path.parts[1].removesuffix(".py") for path in python_files("controlplane") if path.parts[1] != "__init__.py"
    }


def _modules_below(room: str) -> set[str]:
    inside = {path.parts[2].removesuffix(".py") for path in python_files("controlplane") if path.parts[1] == room}
    return {f"controlplane.{room}.{name}" for name in inside - {"__init__"}}


def test_every_room_has_its_place_in_the_one_direction() -> None:
    layers = " ".join(_contract("Data flows one way")["layers"])
    placed = {
        word.strip("()").rpartition(".")[2] for word in layers.split() if word.strip("()").startswith("controlplane.")
    }
    assert _rooms() - placed == set()


def test_every_driver_is_a_stranger_to_the_others() -> None:
    contract = _contract("Drivers are strangers")
    strangers = {
        module for module in _modules_below("drivers") if any(fnmatchcase(module, name) for name in contract["modules"])
    }
    assert strangers == _modules_below("drivers")
    assert contract.get("ignore_imports", []) == []


def test_no_contract_is_widened_by_an_exception() -> None:
    tool: Any = pyproject()["tool"]
    assert [name["name"] for name in tool["importlinter"]["contracts"] if name.get("ignore_imports")] == []


def test_type_checking_imports_count() -> None:
    tool: Any = pyproject()["tool"]
    assert tool["importlinter"]["exclude_type_checking_imports"] is False
