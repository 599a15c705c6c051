"""One document: fields, types, numbers, durations, words."""

from pathlib import Path

import pytest

from tests.unit.load.written import SOUND, envelope, found_in, the_only_mistake


def region(spec: str) -> str:
    return SOUND + envelope("Region", "frankfurt", f"  jurisdiction: EU\n{spec}")


def service(spec: str) -> str:
    return SOUND + envelope("Service", "order", spec)


def failover(spec: str) -> str:
    return SOUND + envelope("FailoverPolicy", "default", spec)


def knobs(spec: str) -> str:
    return SOUND + envelope("DegradationPolicy", "shop", f"  knobs:\n{spec}")


def safety(spec: str) -> str:
    return SOUND + envelope("SafetyPolicy", "default", spec)


def test_the_text_that_all_others_build_on_is_sound(tmp_path: Path) -> None:
    assert found_in(tmp_path, SOUND) == ((), ())


def test_an_unknown_field_is_told_with_the_nearest_right_name(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, region("  capacity: 10\n  §headrom: 0.1"))
    assert mistake.what == "Region frankfurt: `headrom` is not a field of `spec`"
    assert mistake.mend == "did you mean `headroom`?"


def test_a_field_in_the_words_of_another_language_is_told_with_its_own(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, service("  §depends_on: []"))
    assert mistake.mend == "did you mean `dependsOn`?"


def test_an_unknown_field_like_no_other_is_told_with_those_there_are(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, service("  traffic: {driver: envoy, §quux: 1}"))
    assert mistake.mend == "the fields here are driver, with"


def test_a_field_outside_of_spec_is_sent_into_it(tmp_path: Path) -> None:
    text = "apiVersion: leeward/v1\nkind: Service\nmetadata: {name: order}\n§tier: 1\nspec: {}\n"
    assert the_only_mistake(tmp_path, SOUND + text).mend == "move `tier` under `spec`"


def test_a_missing_field_is_told_where_it_belongs(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, SOUND + envelope("Region", "frankfurt", "  §jurisdiction: EU"))
    assert mistake.what == "Region frankfurt: `capacity` is missing in `spec`"


def test_a_field_under_a_wrong_name_is_told_once(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, region("  §capacty: 10"))
    assert mistake.mend == "did you mean `capacity`?"


def test_a_field_without_a_value_is_a_mistake(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, service("  objectives:§\n  tier: 1"))
    assert "empty" in mistake.what


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("  regions: §dublin", "a list"),
        ("  dependsOn: §{service: payment}", "a list"),
        ("  demand: §[1, 2]", "a table"),
        ("  tier: §one", "a whole number"),
        ("  tier: §1.5", "a whole number"),
        ("  tier: §true", "a whole number"),
        ("  tier: §[1]", "a whole number"),
        ("  placement: §everywhere", "spread or exclusive"),
        ("  datastore: §{name: orders-db}", "a word"),
        ("  dependsOn: [§payment]", "a table of fields"),
        ("  residency: {IE: §EU}", "a list"),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_with_the_right_one(tmp_path: Path, spec: str, expected: str) -> None:
    assert the_only_mistake(tmp_path, service(spec)).what.endswith(f"should be {expected}")


@pytest.mark.parametrize("number", ["-1", ".inf", "-.inf", ".nan", "Infinity", "NaN", "1e999", "1" * 40, "ten", '"10"'])
def test_only_finite_numbers_of_nothing_or_more_are_demand(tmp_path: Path, number: str) -> None:
    the_only_mistake(tmp_path, service(f"  demand: {{IE: §{number}}}"))


@pytest.mark.parametrize("number", ["0", "-5", ".nan", ".inf"])
def test_a_region_has_some_capacity(tmp_path: Path, number: str) -> None:
    the_only_mistake(tmp_path, region(f"  capacity: §{number}"))


@pytest.mark.parametrize("share", ["1", "1.2", "-0.1", "20%"])
def test_headroom_is_a_share_below_one(tmp_path: Path, share: str) -> None:
    the_only_mistake(tmp_path, region(f"  capacity: 10\n  headroom: §{share}"))


@pytest.mark.parametrize(
    ("text", "reading"),
    [("012", "10"), ("1:30", "90"), ("0x10", "16"), ("0b11", "3"), ("1_000", "1000"), ("2026-11-27", "a date")],
)
def test_a_number_that_yaml_reads_its_own_way_is_told_with_that_reading(
    tmp_path: Path, text: str, reading: str
) -> None:
    mistake = the_only_mistake(tmp_path, region(f"  capacity: §{text}"))
    assert mistake.why == f"YAML would read `{text}` as {reading}, which is seldom meant"


@pytest.mark.parametrize(("text", "mend"), [("012", "write 12, or 10 if that is meant"), ("1_000", "write 1000")])
def test_a_misread_number_is_mended_by_writing_it_plainly(tmp_path: Path, text: str, mend: str) -> None:
    assert the_only_mistake(tmp_path, region(f"  capacity: §{text}")).mend == mend


@pytest.mark.parametrize("number", ["12", "+12", "0.5", ".5", "1e3", "1.5e-3", "0"])
def test_plain_forms_are_numbers(tmp_path: Path, number: str) -> None:
    assert found_in(tmp_path, service(f"  demand: {{IE: {number}}}"))[0] == ()


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "NO", "012", "1:30", "2026-11-27", "~", "0x10"])
def test_what_yaml_would_misread_is_a_word_where_a_word_is_wanted(tmp_path: Path, word: str) -> None:
    text = envelope("Region", "frankfurt", f"  jurisdiction: {word}\n  capacity: 10")
    assert found_in(tmp_path, SOUND + text)[0] == ()


@pytest.mark.parametrize("value", ["12", "0.5", "true", "null"])
def test_a_plain_number_or_truth_value_is_no_word_until_it_is_quoted(tmp_path: Path, value: str) -> None:
    mistake = the_only_mistake(tmp_path, SOUND + envelope("Region", "f", f"  jurisdiction: §{value}\n  capacity: 10"))
    assert mistake.mend == f'put it in quotes: "{value}"'
    quoted = envelope("Region", "f", f'  jurisdiction: "{value}"\n  capacity: 10')
    assert found_in(tmp_path, SOUND + quoted)[0] == ()


@pytest.mark.parametrize("duration", ["5", "-5s", "5 s", "1:30", "5sec", "s", "1h30m", "PT5S", ".inf", "99999d"])
def test_a_bad_duration_is_told_with_good_ones(tmp_path: Path, duration: str) -> None:
    the_only_mistake(tmp_path, failover(f"  unhealthyFor: §{duration}"))


def test_a_bare_number_for_a_duration_asks_for_its_unit(tmp_path: Path) -> None:
    assert the_only_mistake(tmp_path, failover("  unhealthyFor: §5")).mend == "write 5s if seconds are meant"


@pytest.mark.parametrize("duration", ["500ms", "30s", "5m", "2h", "1d", "0", "0s", "1.5s"])
def test_good_durations_are_read(tmp_path: Path, duration: str) -> None:
    assert found_in(tmp_path, failover(f"  unhealthyFor: {duration}"))[0] == ()


def test_a_ramp_that_never_steps_is_a_mistake(tmp_path: Path) -> None:
    assert "more than 0s" in the_only_mistake(tmp_path, failover("  ramp: {every: §0s}")).what
    assert "more than 0" in the_only_mistake(tmp_path, failover("  ramp: {step: §0}")).what


def test_a_word_that_was_nearly_right_is_told_with_the_right_one(tmp_path: Path) -> None:
    assert the_only_mistake(tmp_path, failover("  autonomy: §propse")).mend == "did you mean `propose`?"


def test_a_selector_is_all_or_one_of_tiers_and_names(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, failover("  services: §checkout"))
    the_only_mistake(tmp_path, failover("  services: §{tiers: [0], names: [checkout]}"))
    assert the_only_mistake(tmp_path, failover("  services: {§tier: [0]}")).mend == "did you mean `tiers`?"


def test_a_date_without_time_and_zone_is_no_time(tmp_path: Path) -> None:
    row = "{name: sale, from: §2026-11-27, to: 2026-11-28T00:00:00Z, denies: [failback]}"
    assert "zone" in the_only_mistake(tmp_path, safety(f"  freezes: [{row}]")).mend


def test_a_freeze_that_ends_before_it_begins_is_a_mistake(tmp_path: Path) -> None:
    row = "§{name: sale, from: 2026-11-28T00:00:00Z, to: 2026-11-27T00:00:00Z, denies: [failback]}"
    the_only_mistake(tmp_path, safety(f"  freezes: [{row}]"))


@pytest.mark.parametrize("word", ["off", "on", "no", "Yes"])
def test_a_level_may_be_called_off_without_quotes(tmp_path: Path, word: str) -> None:
    text = knobs(f"    - {{name: extras, default: full, levels: [{{value: {word}, saves: {{checkout: 0.1}}}}]}}")
    assert found_in(tmp_path, text) == ((), ())


def test_two_levels_of_one_value_are_a_mistake(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, knobs("    - §{name: extras, default: full, levels: [{value: full}]}"))


def test_a_level_saves_a_share(tmp_path: Path) -> None:
    row = "{name: extras, default: full, levels: [{value: off, saves: {checkout: §1.1}}]}"
    assert "1 or less" in the_only_mistake(tmp_path, knobs(f"    - {row}")).what


def test_a_key_that_is_no_name_is_told_at_the_key(tmp_path: Path) -> None:
    row = '{name: extras, default: full, levels: [{value: off, saves: {§"check out": 0.1}}]}'
    mistakes, _ = found_in(tmp_path, knobs(f"    - {row}").replace("§", ""))
    assert ["check out" in mistake.what for mistake in mistakes] == [True]


def test_an_exclusive_service_with_demand_is_a_mistake(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, service("  §placement: exclusive\n  demand: {IE: 1}"))
    assert "spread services only" in mistake.what


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ("kind: §Sevice\napiVersion: leeward/v1", "there is no kind `Sevice`"),
        ("§apiVersion: leeward/v1", "`kind` is missing"),
        ("§kind: Service", "Service: `apiVersion` is missing"),
        ("kind: Service\napiVersion: §leeward/v2", "Service: `apiVersion` is `leeward/v2`"),
        ("kind: §Deployment\napiVersion: apps/v1", "there is no kind `Deployment`"),
        ("kind: §[Service]\napiVersion: leeward/v1", "`kind` is not a word"),
    ],
)
def test_a_document_says_what_it_is(tmp_path: Path, head: str, what: str) -> None:
    assert the_only_mistake(tmp_path, f"{SOUND}{head}\n").what == what


def test_all_mistakes_of_a_folder_are_told_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND + envelope("Service", "a", "  tier: 9\n  valu: 1\n  regions: [dubln]"))
    (tmp_path / "b.yaml").write_text("a: [\n")
    (tmp_path / "c.yml").write_text("")
    from controlplane.load.estate import check

    report = check([tmp_path])
    assert report.estate is None
    assert sorted({Path(mistake.file).name for mistake in report.mistakes}) == ["a.yaml", "b.yaml", "c.yml"]
    assert len(report.mistakes) >= 4
