"""Paths into text: which files belong to a set of policies, and what of them is fit to be parsed."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from controlplane.load.findings import Findings
from controlplane.load.tree import Mark

MAX_FILE_BYTES = 16 * 1024 * 1024
"""Four times an estate of 5,000 services in one file."""
MAX_FILES = 10_000
_SUFFIXES = (".yaml", ".yml")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, and what the file is called in mistakes."""

    file: str
    text: str


def policy_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Every file that a set of policies is made of, each once: files as given, folders by their ``.yaml`` and ``.yml``.

    Hidden files and folders are left out: that is where mounts and editors keep their second copies.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for file in _below(path) if path.is_dir() else (path,):
            found.setdefault(_one_name(file), file)
            if len(found) > MAX_FILES:
                return tuple(found.values())
    return tuple(found.values())


def fingerprint(paths: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What changes when a set of policies does: name, time and size of each file. A file that is gone is left out."""
    prints = []
    for file in policy_files(paths):
        try:
            is_now = file.stat()
        except OSError:
            continue
        prints.append((str(file), is_now.st_mtime_ns, is_now.st_size))
    return tuple(prints)


def read_sources(paths: Iterable[Path], findings: Findings) -> Iterator[Source]:
    """The text of each file; what cannot be read is a mistake, and nothing large is read to find that out."""
    given = tuple(paths)
    files = policy_files(given)
    if len(files) > MAX_FILES:
        why = f"more than {MAX_FILES} files are hardly one estate"
        findings.mistake(Mark(str(given[0])), "too many files", why, "give the folder of the policies alone")
        return
    for folder in given:
        if folder.is_dir() and not any(_below(folder)):
            mend = "put the policies there, or give another folder"
            findings.mistake(Mark(str(folder)), "no policies here", "the folder has no .yaml or .yml file", mend)
    for file in files:
        text = _read(file, findings)
        if text is not None:
            yield Source(str(file), text)


def _one_name(file: Path) -> str:
    """The same for all names of one file; a name that no file can have stands for itself."""
    try:
        return os.path.realpath(file)
    except (OSError, ValueError):
        return str(file)


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(root, name)


def _read(file: Path, findings: Findings) -> str | None:
    at = Mark(str(file))
    try:
        raw = _bytes(file, findings)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        findings.mistake(at, "cannot be read", why[:1].lower() + why[1:], "give a file or folder that is there")
        return None
    return _decode(file, raw, findings) if raw is not None else None


def _bytes(file: Path, findings: Findings) -> bytes | None:
    at = Mark(str(file))
    is_now = file.stat()
    if not stat.S_ISREG(is_now.st_mode):
        findings.mistake(at, "not a file", "only plain files are read: a pipe or device could keep us waiting")
        return None
    raw = b""
    if is_now.st_size <= MAX_FILE_BYTES:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    size = max(is_now.st_size, len(raw))
    if size > MAX_FILE_BYTES:
        what = f"too large: {size / 1_048_576:,.0f} MiB, at most {MAX_FILE_BYTES // 1_048_576} are read"
        findings.mistake(at, what, "it was refused before it was parsed", "split it into several files")
        return None
    return raw


def _decode(file: Path, raw: bytes, findings: Findings) -> str | None:
    at = Mark(str(file))
    nul = raw.find(b"\0")
    if nul >= 0:
        line, column = _place(raw[:nul].decode("utf-8", "replace"))
        what = "a binary file: it has a NUL byte"
        findings.mistake(Mark(str(file), line, column), what, "policies are text in UTF-8", "give the YAML file itself")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place(raw[: error.start].decode("utf-8", "replace"))
        what = f"not text: byte 0x{raw[error.start]:02x} is not UTF-8"
        findings.mistake(Mark(str(file), line, column), what, "policies are text in UTF-8", "save the file as UTF-8")
        return None
    if not text.strip():
        findings.mistake(at, "an empty file", "nothing is in it", "write a document in it, or remove it")
        return None
    return text


def _place(before: str) -> tuple[int, int]:
    """Line and column of what follows some text."""
    breaks, last = 0, 0
    for found in _BREAK.finditer(before):
        breaks, last = breaks + 1, found.end()
    return 1 + breaks, 1 + len(before) - last


def place_in(text: str, index: int) -> tuple[int, int]:
    """Line and column of a character of a text."""
    return _place(text[:index])
