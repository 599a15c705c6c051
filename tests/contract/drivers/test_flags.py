"""Flags as applications see them: by the project's own reading and by flagd's evaluator."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from controlplane.drivers.flags.definition import empty, set_value, value_of
from controlplane.drivers.flags.driver import flags
from controlplane.drivers.flags.flag_set import FlagSet
from controlplane.model.act import Act, KnobSetting
from controlplane.model.resources.kind import KnobValue


def act(key: str, value: KnobValue, region: str | None = None, epoch: int = 5) -> Act:
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    return Act(f"{key}-{value}-{region}-{epoch}", key, KnobSetting(value, region), epoch, deadline)


async def test_an_answer_always_has_value_variant_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    known = FlagSet(path)
    assert known.evaluate("coupons", {}) is None
    await flags({"file": str(path)}).apply(act("coupons", 3.0))
    found = known.evaluate("coupons", {"region": "dublin"})
    assert found is not None
    assert (found.value, type(found.value), found.variant, found.reason) == (3.0, float, "3.0", "STATIC")
    assert '"3.0": 3.0' in path.read_text()


async def test_regions_differ_by_targeting(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    hands = flags({"file": str(path)})
    for one in (act("search", "full"), act("search", "cached", "dublin"), act("search", "off", "london")):
        await hands.apply(one)
    known = FlagSet(path)
    seen = {region: known.evaluate("search", {"region": region}) for region in ("dublin", "london", "paris")}
    assert [(found.value, found.reason) for found in seen.values() if found] == [
        ("cached", "TARGETING_MATCH"),
        ("off", "TARGETING_MATCH"),
        ("full", "DEFAULT"),
    ]
    await hands.apply(act("search", "full"))
    everywhere = [known.evaluate("search", {"region": region}) for region in ("dublin", "london")]
    assert [(found.value, found.reason) for found in everywhere if found] == [("full", "STATIC")] * 2


async def test_the_etag_changes_with_any_flag_and_with_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "flags.json"
    hands, known = flags({"file": str(path)}), FlagSet(path)
    tags = []
    for one in (act("a", "on"), act("b", "on"), act("b", "on"), act("b", "off")):
        await hands.apply(one)
        list(known.all({}))
        tags.append(known.etag)
    assert tags[1] == tags[2]
    assert len(set(tags)) == 3
    assert [found.key for found in known.all({})] == ["a", "b"]


async def test_undo_in_one_region_leaves_the_others(tmp_path: Path) -> None:
    hands = flags({"file": str(tmp_path / "flags.json")})
    await hands.apply(act("search", "full"))
    await hands.apply(act("search", "off", "london"))
    turned = Act("turn", "search", KnobSetting("off", "dublin"), 5, act("x", 1).deadline, KnobSetting("full", "dublin"))
    await hands.apply(turned)
    await hands.undo(turned)
    like = {region: KnobSetting("any", region) for region in ("dublin", "london")}
    assert [await hands.read("search", one) for one in like.values()] == [
        KnobSetting("full", "dublin"),
        KnobSetting("off", "london"),
    ]


values = st.one_of(st.sampled_from(["full", "cached", "off"]), st.booleans(), st.integers(0, 9), st.floats(0, 1))
places = st.sampled_from([None, "dublin", "london"])


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), values, places), min_size=1, max_size=8))
def test_flagds_own_evaluator_agrees(turns: list[tuple[str, KnobValue, str | None]]) -> None:
    document = empty()
    for key, value, region in turns:
        set_value(document, key, value, region)
    core = FlagdCore()
    core.set_flags(json.dumps(document))
    for key, flag in document["flags"].items():
        kinds = {type(value) for value in flag["variants"].values()}
        assert len(kinds) == 1
        for region in ("dublin", "london", "paris"):
            mine = value_of(flag, region)
            context = EvaluationContext(attributes={"region": region})
            match mine:
                case bool():
                    theirs: object = core.resolve_boolean_value(key, not mine, context).value
                case int():
                    theirs = core.resolve_integer_value(key, -1, context).value
                case float():
                    theirs = core.resolve_float_value(key, -1.0, context).value
                case _:
                    theirs = core.resolve_string_value(key, "?", context).value
            assert theirs == mine


def test_a_value_of_one_region_is_read_back_in_it(tmp_path: Path) -> None:
    document = empty()
    set_value(document, "a", "full", None)
    set_value(document, "a", "off", "dublin")
    flag = document["flags"]["a"]
    assert (value_of(flag, "dublin"), value_of(flag, "london"), value_of(flag, None)) == ("off", "full", "full")
