"""Every code that decide can give has a sentence, and every sentence belongs to a code."""

import re
from pathlib import Path

import controlplane
from controlplane.decide.explain import SENTENCES

_ROOMS = Path(controlplane.__file__).parent
_GIVING = (*sorted((_ROOMS / "decide").glob("*.py")), *sorted((_ROOMS / "engine").glob("*.py")))


def test_every_code_of_a_reason_has_a_sentence() -> None:
    given: set[str] = set()
    for file in _GIVING:
        text = file.read_text()
        given.update(re.findall(r'reason\(\s*Rule\.[A-Z_]+,\s*"([a-z-]+)"', text))
    assert given - set(SENTENCES) == set()


def test_no_sentence_is_left_over() -> None:
    text = "".join(f.read_text() for f in _GIVING if f.name != "explain.py")
    assert {code for code in SENTENCES if f'"{code}"' not in text} == set()
