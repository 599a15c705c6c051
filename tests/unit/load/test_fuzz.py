"""Whatever is read, nothing comes out but an estate or mistakes."""

import string
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.load.compose import MAX_DEPTH, compose
from controlplane.load.estate import check, load_estate
from controlplane.load.files import Source
from controlplane.load.findings import Findings
from controlplane.load.kinds import KINDS, model_of
from controlplane.load.plain import plain
from controlplane.load.scenarios import load_scenarios
from controlplane.load.world import load_world
from controlplane.model.errors import PoliciesInvalid
from tests.unit.load.written import SOUND

PIECES = [
    *(
        "apiVersion: leeward/v1\n",
        "kind:",
        "Service",
        "Region",
        "metadata:",
        "spec:",
        "name:",
        "tiers:",
        "saves:",
        "demand:",
    ),
    *("dublin", "checkout", "012", "1:30", ".nan", "-.inf", "5s", "*a", "&a", "<<", "!!int", "null", "true", "~", "é"),
    *("|", ">", "'", '"', "[", "]", "{", "}", "-", "?", ":", ",", "#", "%", "@", "`", "---", "..."),
    *("\t", "\n", "\r", "\x00", "\x85", "\u2028", "\U0001f600"),
]
words = st.one_of(
    st.sampled_from(["dublin", "checkout", "on", "012", "1:30", "", "*", "5s", "0", "<<", "é"]),
    st.text(string.printable, max_size=8),
)
values = st.recursive(
    st.one_of(words, st.integers(-3, 3), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=12,
)


def names_in(model: Any) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents that look right from afar: known kinds and fields, anything in them."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    fields = names_in(model_of(kind).model_fields["spec"].annotation)
    spec = draw(st.dictionaries(st.sampled_from([*fields, "unknown"]), values, max_size=6))
    name = draw(st.one_of(st.sampled_from(["dublin", "checkout", "x"]), values))
    return {
        "apiVersion": "leeward/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": draw(st.sampled_from([spec, None])),
    }


def _read(raw: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "fuzz.yaml")
        file.write_bytes(raw)
        sound = Path(folder, "sound")
        sound.mkdir()
        (sound / "estate.yaml").write_text(SOUND)
        report = check([file, sound])
        assert (report.estate is None) == bool(report.mistakes)
        lines = (
            1
            + raw.count(b"\n")
            + raw.count(b"\r")
            + SOUND.count("\n")
            + raw.count(b"\xc2\x85")
            + raw.count(b"\xe2\x80")
        )
        for mistake in (*report.mistakes, *report.warnings):
            assert 1 <= mistake.line <= lines
            assert mistake.column >= 1
            assert mistake.what
            assert str(mistake).isprintable() or "\n" in str(mistake)
        estate = load_estate([sound])
        for reading in (lambda: load_world(file, estate), lambda: load_scenarios([file], estate)):
            with suppress(PoliciesInvalid):
                reading()


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_come_out_as_mistakes(raw: bytes) -> None:
    _read(raw)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_any_text_made_of_yaml_comes_out_as_mistakes(text: str) -> None:
    _read(text.encode())


@settings(max_examples=40)
@given(st.lists(documents(), min_size=1, max_size=4))
def test_any_documents_of_known_kinds_come_out_as_mistakes_or_an_estate(found: list[dict[str, Any]]) -> None:
    _read(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True).encode())


@settings(max_examples=60)
@given(st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=5), values, max_size=5))
def test_quoted_values_are_read_back_as_they_were_written(value: dict[str, Any]) -> None:
    text = yaml.safe_dump(_worded(value), default_style='"')
    findings = Findings()
    (document,) = compose(Source("x", text), findings)
    assert findings.mistakes == ()
    assert plain(document.root) == _worded(value)


@given(st.integers(1, MAX_DEPTH), st.sampled_from(["[", "- "]))
def test_lists_are_read_as_deep_as_is_allowed(depth: int, opening: str) -> None:
    close = "]" if opening == "[" else ""
    text = f"a:\n {opening * (depth - 1)}x{close * (depth - 1)}\n"
    findings = Findings()
    assert len(list(compose(Source("x", text), findings))) == 1
    assert findings.mistakes == ()


def _worded(value: Any) -> Any:
    """The same with every scalar and key as the word that YAML can carry."""
    if isinstance(value, dict):
        return {_worded(key): _worded(item) for key, item in value.items() if _worded(key) != "<<"}
    if isinstance(value, list):
        return [_worded(item) for item in value]
    return "".join(letter for letter in str(value) if letter in string.printable and letter not in "\x0b\x0c\r")
