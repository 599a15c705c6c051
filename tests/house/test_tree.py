"""Nothing that is committed depends on the machine it was written on, or hides a check that doesn't run."""

import ast
import re
from pathlib import Path

from tests.house.tree import ROOT, kept_files, nodes, python_files

# Put together here, so that this file doesn't hold what it looks for.
_REGISTRIES = ("pypi", "pythonhosted", "npmjs", "crates", "proxy.golang", "sum.golang", "maven", "debian")
_HOSTS = re.compile(rf"//[a-z0-9.-]*\b(?:{'|'.join(map(re.escape, _REGISTRIES))})\.(?:org|io|com|dev)\b", re.IGNORECASE)
_PLACES = ("root", "home/[a-z]+", "work/(?:main|shared)", "tmp/brief", "Users/[A-Za-z]+")
_PATHS = re.compile(rf"(?<![\w.*}}/-])/(?:{'|'.join(_PLACES)})/")
_UNFINISHED = re.compile(
    "|".join(("NotImplemented" + "Error", r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b"))
)
_IDLE = {"skip", "skipif", "xfail", "importorskip", "skipTest"}
_MAY_CATCH_ALL = Path("controlplane/engine/supervise.py")
_BROAD = {"Exception", "BaseException"}
_LARGEST = 1_000_000


def _hits(pattern: re.Pattern[str], paths: tuple[Path, ...]) -> list[str]:
    found = []
    for path in paths:
        text = (ROOT / path).read_bytes().decode("utf-8", errors="replace")
        found += [f"{path}: {match[0]}" for match in pattern.finditer(text)]
    return found


def _is_broad(node: ast.AST | None) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_is_broad(member) for member in node.elts)
    return node is None or (isinstance(node, ast.Name) and node.id in _BROAD)


def test_no_file_names_a_package_registry() -> None:
    assert _hits(_HOSTS, kept_files()) == []


def test_the_search_for_registries_and_paths_would_find_one() -> None:
    assert _HOSTS.search("--index-url https://" + "files.pythonhosted" + ".org/simple")
    assert _PATHS.search("see /" + "root/notes")
    assert not _PATHS.search("http://example/root/x /v1/home/a")


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert _hits(_PATHS, kept_files()) == []


def test_nothing_is_left_unfinished() -> None:
    assert _hits(_UNFINISHED, python_files("controlplane", "cli", "tests")) == []


def test_no_test_is_told_not_to_run() -> None:
    idle = [
        f"{path}:{node.lineno} {node.attr}"
        for path in python_files("tests")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in _IDLE
        if isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr) in {"pytest", "mark", "unittest"}
    ]
    assert idle == []


def test_only_the_supervisor_catches_everything() -> None:
    handlers = [
        f"{path}:{node.lineno}"
        for path in python_files()
        if path != _MAY_CATCH_ALL
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    ]
    suppressed = [
        f"{path}:{node.lineno}"
        for path in python_files()
        if path != _MAY_CATCH_ALL
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "suppress"
        and any(map(_is_broad, node.args))
    ]
    assert handlers + suppressed == []


def test_an_ignored_type_error_says_which() -> None:
    assert _hits(re.compile(r"#\s*type:\s*ignore(?!\[)"), python_files("controlplane", "cli")) == []


def test_no_large_file_is_committed() -> None:
    sizes = {str(path): (ROOT / path).stat().st_size for path in kept_files()}
    assert {path: size for path, size in sizes.items() if size > _LARGEST} == {}
