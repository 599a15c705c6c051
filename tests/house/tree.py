"""The files of the house, found once."""

import ast
import functools
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("controlplane", "cli")


@functools.cache
def kept_files() -> tuple[Path, ...]:
    """Every file that is or would be committed, relative to the root, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    paths = (Path(name) for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """Python files below the folders named, or all of them."""
    return tuple(path for path in kept_files() if path.suffix == ".py" and (not folders or path.parts[0] in folders))


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def nodes(path: Path) -> Iterator[ast.AST]:
    """Every node of one file."""
    return ast.walk(parsed(path))


def words(name: str) -> set[str]:
    """The words that a name is made of: `LeaseManager` and `lease_manager` are lease and manager."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


@functools.cache
def pyproject() -> dict[str, object]:
    """The project's own description."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
