"""A document's tree into a model, and pydantic's complaints into mistakes that an operator can mend."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from controlplane.load.descriptions import description
from controlplane.load.fields import Step, models_at, names_of
from controlplane.load.findings import Findings, did_you_mean, listed, nearest
from controlplane.load.phrases import Phrase, phrase
from controlplane.load.plain import plain
from controlplane.load.tree import Document, Listing, Node, Path, Scalar, Table, below_of
from controlplane.model.resources.kind import Resource

M = TypeVar("M", bound=BaseModel)

_SHAPES = ("_type", "literal_error", "enum", "value_error")
"""Errors that say which shape one branch of a union wants, of which another branch may be the one that was meant."""


def validate(model: type[M], document: Document, subject: str, findings: Findings) -> M | None:
    """The model of a document; None if there were mistakes, each of which is then in ``findings``.

    ``subject`` says in mistakes whose field it is (``Service checkout``).
    """
    try:
        return model.model_validate(plain(document.root), by_alias=True, by_name=False)
    except ValidationError as error:
        complaints = [_place(document, raw) for raw in error.errors(include_url=False, include_input=False)]
    complaints = [complaint for complaint in complaints if not _is_echo(document, complaint)]
    for group in _groups(document, complaints):
        _tell(model, document, subject, group, findings)
    return None


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One error of pydantic's. ``path``: as far as the document goes along with ``loc``. ``branch``: how much of it
    comes before a union's branch (None: no union on the way). ``lacks``: the field that is missing there."""

    type: str
    loc: tuple[Step, ...]
    path: Path
    branch: int | None
    is_key: bool
    lacks: Step | None
    raw: dict[str, Any]


def _place(document: Document, raw: Any) -> _Complaint:
    node: Node = document.root
    path: list[Step] = []
    branch: int | None = None
    lacks: Step | None = None
    loc = tuple(raw["loc"])
    for number, step in enumerate(loc):
        below = below_of(node, step)
        if below is not None:
            node = below
            path.append(step)
        elif raw["type"] == "missing" and number == len(loc) - 1:
            lacks = step
        elif step != "[key]":
            branch = len(path)
    if raw["type"] == "union_tag_invalid" and below_of(node, "kind") is not None:
        path.append("kind")
    return _Complaint(raw["type"], loc, tuple(path), branch, "[key]" in loc[-1:], lacks, dict(raw))


def _is_echo(document: Document, complaint: _Complaint) -> bool:
    """A list too short only because its items are wrong, which is told of each."""
    node = document.node(complaint.path)
    return complaint.type == "too_short" and isinstance(node, Listing) and len(node.items) > 0


def _groups(document: Document, complaints: list[_Complaint]) -> Iterable[list[_Complaint]]:
    """Complaints that say one thing: those about the branches of one union, less the branches that were not meant."""
    unions: dict[Path, list[_Complaint]] = {}
    for complaint in complaints:
        if complaint.branch is None:
            yield [complaint]
        else:
            unions.setdefault(complaint.path[: complaint.branch], []).append(complaint)
    for place, members in unions.items():
        if isinstance(document.node(place), Scalar):
            yield members
            continue
        meant = [c for c in members if len(c.path) > len(place) or not c.type.endswith(_SHAPES) or _of_model(c)]
        yield from ([complaint] for complaint in meant) if meant else [members]


def _of_model(complaint: _Complaint) -> bool:
    """Whether it is a model's own check that complains, not the shape of a branch."""
    return (
        complaint.type == "value_error" and complaint.loc[-1:] != complaint.path[-1:] and _is_model(complaint.loc[-1])
    )


def _is_model(tag: Step) -> bool:
    return isinstance(tag, str) and "[" not in tag


def _tell(
    model: type[BaseModel], document: Document, subject: str, group: list[_Complaint], findings: Findings
) -> None:
    first = group[0]
    if first.lacks is not None:
        _tell_lack(model, document, subject, first, findings)
    elif first.type == "extra_forbidden":
        _tell_extra(model, document, subject, first, findings)
    elif first.is_key:
        mark = document.key_mark(first.path)
        said = phrase(Scalar(0, 0, str(first.path[-1]), plain=False), [first.raw])
        what = f"{subject}: the key `{first.path[-1]}` in `{dotted(first.path[:-1])}` should be {said.expected}"
        findings.mistake(mark, what, said.why or _meaning(model, first), said.mend)
    else:
        said = phrase(document.node(first.path), [complaint.raw for complaint in group])
        what, why = _what(document, first, said), said.why or _meaning(model, first)
        mend = said.mend or _write(model, said)
        findings.mistake(document.mark(first.path), f"{subject}: {what}", why, mend)


def _write(model: type[BaseModel], said: Phrase) -> str:
    if said.sentence is None:
        return f"write {said.expected}"
    if issubclass(model, Resource):
        return f"change it; `leeward schema {model.__name__}` has what may be written"
    return "change it accordingly"


def _what(document: Document, complaint: _Complaint, said: Phrase) -> str:
    name = dotted(complaint.path)
    if said.sentence is not None:
        return f"`{name}`: {said.sentence}" if name else said.sentence
    return f"`{name}` is {describe(document, complaint.path)}, and should be {said.expected}"


def _meaning(model: type[BaseModel], complaint: _Complaint) -> str:
    """What the field nearest to a place means, for want of a better reason."""
    loc = complaint.loc
    for last in range(len(loc) - 1, -1, -1):
        step = loc[last]
        for found in models_at(model, loc[:last]) if isinstance(step, str) else ():
            if step in names_of((found,)) and (text := description(found, step)):
                return f"`{step}`: {text}"
    return ""


def _tell_lack(model: type[BaseModel], document: Document, subject: str, lack: _Complaint, findings: Findings) -> None:
    where = f" in `{dotted(lack.path)}`" if lack.path else ""
    mark = document.mark(lack.path)
    if isinstance(lack.lacks, int):
        what = f"{subject}: `{dotted(lack.path)}` has {lack.lacks} of the {lack.lacks + 1} things it needs"
        findings.mistake(mark, what, "", "write as many as there are places")
        return
    given = document.node(lack.path)
    if isinstance(given, Table):
        known = names_of(models_at(model, lack.loc[:-1]))
        if nearest(str(lack.lacks), (key for key in given.items if key not in known)) is not None:
            return  # it is there under a wrong name, which is told
    why = _meaning(model, lack)
    findings.mistake(mark, f"{subject}: `{lack.lacks}` is missing{where}", why, f"add `{lack.lacks}:` here")


def _tell_extra(
    model: type[BaseModel], document: Document, subject: str, extra: _Complaint, findings: Findings
) -> None:
    key = str(extra.path[-1])
    names = names_of(models_at(model, extra.loc[:-1]))
    where = dotted(extra.path[:-1])
    what = f"{subject}: `{key}` is not a field" + (f" of `{where}`" if where else "")
    why = "an unknown field would do nothing, whatever was meant by it"
    if not extra.path[:-1] and key in names_of(models_at(model, ("spec",))):
        mend = f"move `{key}` under `spec`"
    else:
        mend = did_you_mean(key, names, f"the fields here are {listed(names, 20)}")
    findings.mistake(document.key_mark(extra.path), what, why, mend)


def dotted(path: Path) -> str:
    """A path as people write it: ``probes[0].interval``; the ``spec`` that everything is in is left out."""
    text = ""
    for step in path[1:] if path[:1] == ("spec",) and len(path) > 1 else path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def describe(document: Document, path: Path) -> str:
    """What stands at a place, in a word or two."""
    node = document.node(path)
    if isinstance(node, Table):
        return "a table"
    if isinstance(node, Listing):
        return "a list" if node.items else "an empty list"
    if node.plain and node.text == "":
        return "empty"
    shown = node.text if len(node.text) <= 60 else f"{node.text[:57]}..."
    return f"`{shown}`" if node.plain else f'"{shown}"'
