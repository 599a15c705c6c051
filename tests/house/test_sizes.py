"""Small on purpose: what doesn't fit on a screen is not read, only trusted."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import ROOT, nodes, python_files, words

FILE_LINES = 400
FUNCTION_LINES = 60
ARGUMENTS = 5
METHODS = 12
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "manager", "managers", "base"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in nodes(path) if isinstance(node, Function))


def _classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in nodes(path) if isinstance(node, ast.ClassDef))


def _arguments(function: Function) -> int:
    given = function.args
    named = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in named if name not in {"self", "cls"}]) + sum(map(bool, (given.vararg, given.kwarg)))


def _is_command(path: Path, function: Function) -> bool:
    """An argument of a command is a flag that an operator may type, not something a caller must hand over."""
    return path.parts[:2] == ("cli", "commands") and not function.name.startswith("_")


def test_a_file_is_read_in_one_sitting() -> None:
    lines = {str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {path: count for path, count in lines.items() if count > FILE_LINES} == {}


def test_a_function_fits_on_a_screen() -> None:
    lengths = {
        f"{path}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in python_files()
        for function in _functions(path)
    }
    assert {function: length for function, length in lengths.items() if length > FUNCTION_LINES} == {}


def test_a_function_takes_at_most_five_arguments() -> None:
    counts = {
        f"{path}:{function.lineno} {function.name}": _arguments(function)
        for path in python_files()
        for function in _functions(path)
        if not _is_command(path, function)
    }
    assert {function: count for function, count in counts.items() if count > ARGUMENTS} == {}


def test_a_class_has_at_most_a_dozen_methods() -> None:
    counts = {
        f"{path}:{found.lineno} {found.name}": sum(
            isinstance(member, Function) and not member.name.startswith("__") for member in found.body
        )
        for path in python_files()
        for found in _classes(path)
    }
    assert {name: count for name, count in counts.items() if count > METHODS} == {}


def test_names_say_what_a_thing_does() -> None:
    files = [str(path) for path in python_files() for part in path.with_suffix("").parts if words(part) & SAYS_NOTHING]
    classes = [
        f"{path}:{found.lineno} {found.name}"
        for path in python_files()
        for found in _classes(path)
        if words(found.name) & SAYS_NOTHING
    ]
    assert files + classes == []
