"""The hash chain, and what a forger would have to do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.model.errors import LeaseLost, WrongUse
from controlplane.model.journal import Entry, EntryKind, Json
from controlplane.store.chain import canonical, digest, holds, opened, seal
from controlplane.store.fencing import fences, forbid_stale, forbid_unfenced

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.text(), st.text(), st.dictionaries(st.text(), JSON, max_size=3), st.integers(1, 2**40))
def test_what_is_sealed_opens_as_it_was(subject: str, why: str, facts: dict[str, Json], seq: int) -> None:
    entry = Entry(EntryKind.PLAN, NOON, subject, "a", why, ("R3",), 4, "a1", facts)
    sealed, text = seal(entry, seq, "before")
    assert text.isascii()
    assert opened(text, "before", sealed.hash) == sealed
    assert holds(seq, text, "before", sealed.hash)


@given(st.dictionaries(st.text(), JSON))
def test_the_order_in_which_a_document_was_built_does_not_show(document: dict[str, Json]) -> None:
    backwards = dict(reversed(document.items()))
    assert canonical(document) == canonical(backwards)
    assert json.loads(canonical(document)) == document


ENTRY = Entry(EntryKind.PLAN, NOON, "a", "b", "c", ("R1",), 2, "d", {"e": 1})
FORGED = [
    replace(ENTRY, kind=EntryKind.HOLD),
    replace(ENTRY, at=NOON + timedelta(microseconds=1)),
    replace(ENTRY, subject="x"),
    replace(ENTRY, by="x"),
    replace(ENTRY, why="x"),
    replace(ENTRY, rules=("R2",)),
    replace(ENTRY, epoch=3),
    replace(ENTRY, action="x"),
    replace(ENTRY, facts={"e": 2}),
]


@pytest.mark.parametrize("forged", FORGED)
def test_any_change_of_an_entry_breaks_its_hash(forged: Entry) -> None:
    sealed, text = seal(ENTRY, 1, "")
    _, forgery = seal(forged, 1, "")
    assert not holds(1, forgery, "", sealed.hash)
    assert holds(1, text, "", sealed.hash)


def test_an_entry_moved_to_another_place_or_after_another_is_broken() -> None:
    sealed, text = seal(Entry(EntryKind.PLAN, NOON, "a", "b"), 7, "before")
    assert not holds(8, text, "before", sealed.hash)
    assert not holds(7, text, "other", sealed.hash)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"seq": "7"}', "{"])
def test_a_line_that_is_no_entry_is_broken_even_with_a_right_hash(text: str) -> None:
    assert not holds(7, text, "", digest("", text))


@pytest.mark.parametrize("value", [{"a": {1, 2}}, object(), {"a": float("nan")}])
def test_what_is_not_json_is_refused(value: Json) -> None:
    with pytest.raises(WrongUse):
        canonical(value)


def test_only_epochs_below_the_highest_are_stale_and_nought_is_nobodys() -> None:
    forbid_stale(0, 9)
    forbid_stale(9, 9)
    forbid_stale(10, 9)
    with pytest.raises(LeaseLost, match="epoch 9 has been here"):
        forbid_stale(8, 9)


def test_a_leaders_document_is_not_anybodys() -> None:
    forbid_unfenced("estate", 3, 2)
    forbid_unfenced("vantage/a", 0, 0)
    with pytest.raises(LeaseLost):
        forbid_unfenced("estate", 0, 2)


def test_a_lease_with_a_slash_in_its_name_says_nothing_about_who_leads() -> None:
    assert fences("leader")
    assert not fences("job/settlement")
