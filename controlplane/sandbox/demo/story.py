"""The journal as a story: what was done, in words, with equal deeds of one instant told together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controlplane.sandbox.demo.record import Deed, Mark, Record

_TOGETHER_S = 1.0
_DEEDS = frozenset({"outcome", "undo"})
_FACTS = frozenset({"leader", "hold", "released", "refused", "drained", "restored", "freeze", "person", "approval"})
_VERBS = {
    "shift": ("moved", "out of {from_}"),
    "degrade": ("turned down", ""),
    "restore": ("turned up", ""),
    "fence": ("fenced", "in {from_}"),
    "activate": ("started", "in {to}"),
    "promote": ("promoted", "in {to}"),
    "scale": ("scaled", ""),
}


@dataclass(frozen=True, slots=True)
class Line:
    """``tone``: good, bad or neither; ``what`` is the deed, ``why`` its reason."""

    when: str
    tone: str
    what: str
    why: str
    rules: str


def story(record: Record) -> list[Line]:
    """What a reader wants to know. Seconds count from the kill, and before it from the first entry."""
    told = [deed for deed in record.deeds if deed.kind in _DEEDS | _FACTS or deed.verdict is not None]
    return [_line(group, record) for group in _together(told)]


def journal(record: Record) -> list[Line]:
    """Every entry."""
    return [Line(_when(deed, record), deed.kind, deed.subject, deed.why, " ".join(deed.rules)) for deed in record.deeds]


def _together(deeds: Sequence[Deed]) -> Iterator[list[Deed]]:
    group: list[Deed] = []
    for deed in deeds:
        if group and _like(group[0], deed):
            group.append(deed)
            continue
        if group:
            yield group
        group = [deed]
    if group:
        yield group


def _like(one: Deed, other: Deed) -> bool:
    """Whether two deeds are told in one line."""
    same = ("kind", "ending")
    return (
        one.kind == other.kind
        and one.kind in _DEEDS | {"hold", "released"}
        and other.at - one.at < _TOGETHER_S
        and all(one.facts.get(fact) == other.facts.get(fact) for fact in same)
        and (one.facts.get("kind") in {"degrade", "restore"} or one.why == other.why or one.kind == "hold")
    )


def _line(group: Sequence[Deed], record: Record) -> Line:
    first = group[0]
    whys = list(dict.fromkeys(deed.why for deed in group if deed.why))
    why = whys[0] if whys else ""
    if len(whys) > 1:
        why += f" (and {len(whys) - 1} more like it)"
    rules = sorted({rule for deed in group for rule in deed.rules}, key=lambda rule: int(rule[1:]))
    return Line(_when(first, record), _tone(first, record.region), _what(group), why, " ".join(rules))


def _what(group: Sequence[Deed]) -> str:
    first = group[0]
    names = ", ".join(dict.fromkeys(_name(deed) for deed in group))
    if first.kind in _DEEDS:
        verb, where = _VERBS.get(str(first.facts.get("kind")), ("did", ""))
        place = where.format(from_=first.facts.get("from") or "nowhere", to=first.facts.get("to") or "nowhere")
        ending = first.facts.get("ending", "done")
        ended = "" if ending == "done" else f": {ending}"
        undone = "put back: " if first.kind == "undo" else ""
        return f"{undone}{verb} {names} {place}".strip() + ended
    if first.verdict is not None:
        return f"{names} is {first.verdict}"
    words = {"hold": "held", "released": "no longer held", "drained": "left", "restored": "brought back"}
    return f"{words.get(first.kind, first.kind)}: {names}"


def _name(deed: Deed) -> str:
    """A knob with what it was turned to; one service of a region with its region."""
    if deed.facts.get("kind") in {"degrade", "restore"}:
        return f"{deed.subject} to {deed.facts.get('to')}"
    service = deed.facts.get("service")
    return f"{service} in {deed.subject}" if deed.kind == "restored" and service not in {None, "*"} else deed.subject


def _tone(deed: Deed, region: str) -> str:
    if deed.verdict is not None:
        return "good" if deed.verdict == "healthy" else "bad"
    whole = deed.subject == region and deed.facts.get("service", "*") == "*"
    return {"drained": "bad", "restored": "good"}.get(deed.kind, "") if whole else ""


def _when(deed: Deed, record: Record) -> str:
    zero = record.marks.get(Mark.KILLED, record.deeds[0].at)
    return f"{deed.at - zero:+.1f} s"
