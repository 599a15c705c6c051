"""What the documents show exists: links lead somewhere, commands and targets are real."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cli.main import Lazy
from cli.table import COMMANDS
from tests.house.tree import ROOT, kept_files

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SHELL = re.compile(r"^```(?:sh|shell|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

DOCUMENTS = [path for path in kept_files() if path.suffix == ".md"]


def _text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _anchors(path: Path) -> set[str]:
    """As a forge makes them from headings."""
    titles = (re.sub(r"[`*]", "", title) for title in _HEADING.findall(_FENCE.sub("", _text(path))))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def _shown_commands(program: str) -> list[tuple[Path, list[str]]]:
    """Each call of a program in the shell blocks, as its words; what a pipe or redirection adds is left off."""
    found = []
    for path in DOCUMENTS:
        for block in _SHELL.findall(_text(path)):
            for line in block.replace("\\\n", " ").splitlines():
                bare = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
                if bare.startswith(f"{program} "):
                    found.append((path, shlex.split(re.split(r" [|>&;]", bare)[0], comments=True)))
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_link_within_the_house_leads_somewhere(path: Path) -> None:
    broken = []
    for target in _LINK.findall(_FENCE.sub("", _text(path))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (ROOT / path.parent / name).resolve() if name else ROOT / path
        lost = not there.exists() or (anchor and there.suffix == ".md" and anchor not in _anchors(there))
        broken += [target] if lost else []
    assert broken == []


def test_every_target_of_make_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", _text(Path("Makefile")), re.MULTILINE))
    shown = {word for _, words in _shown_commands("make") for word in words[1:] if re.fullmatch(r"[a-z-]+", word)}
    assert shown - targets == set()


def test_every_command_that_is_shown_exists_with_the_options_it_is_shown_with() -> None:
    rows = {row.name: row for row in COMMANDS}
    wrong = []
    for path, words in _shown_commands("leeward"):
        if words[1].startswith("-"):
            continue
        command: Any = Lazy(rows[words[1]]).load() if words[1] in rows else None
        rest = words[2:]
        while command and rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
        known = {flag for option in getattr(command, "params", []) for flag in (*option.opts, *option.secondary_opts)}
        unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}]
        if command is None or unknown or getattr(command, "commands", {}):
            wrong.append(f"{path}: {shlex.join(words)}")
    assert wrong == []


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    numbered = {path.name for path in folder.glob("[0-9]*.md")}
    assert set(_LINK.findall(_text(Path("docs/adr/README.md")))) - {"template.md"} == numbered
