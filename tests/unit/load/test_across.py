"""Documents against each other."""

from pathlib import Path

import pytest

from controlplane.load.estate import check, load_estate
from tests.unit.load.written import SOUND, envelope, found_in, the_only_mistake, the_only_warning


def with_(kind: str, spec: str, name: str = "order") -> str:
    return SOUND + envelope(kind, name, spec)


@pytest.mark.parametrize(
    ("kind", "spec", "noun"),
    [
        ("Service", "  regions: [dublin, §dubln]", "region"),
        ("Service", "  dependsOn: [{service: §paymnt}]", "service"),
        ("Service", "  datastore: §order-db", "datastore"),
        ("Service", "  probes: [{kind: http, target: x, regions: [§dublim]}]", "region"),
        ("Datastore", "  engine: x\n  primary: §dublim", "region"),
        ("Datastore", "  engine: x\n  primary: dublin\n  replicas: [§lodon]", "region"),
        ("FailoverPolicy", "  services: {names: [checkout, §chekout]}", "service"),
        ("DegradationPolicy", "  knobs: [{name: k, default: a, levels: [{value: b, saves: {§paymet: 1}}]}]", "service"),
    ],
)
def test_a_name_that_dangles_is_told_with_the_nearest_there_is(tmp_path: Path, kind: str, spec: str, noun: str) -> None:
    mistake = the_only_mistake(tmp_path, with_(kind, spec))
    assert f"there is no {noun} `" in mistake.what
    assert mistake.mend.startswith("did you mean `")


def test_a_name_like_no_other_is_told_with_all_there_are(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, with_("Service", "  datastore: §warehouse"))
    assert mistake.why == "the datastores are orders-db"


def test_a_reference_to_an_unsound_document_does_not_dangle(tmp_path: Path) -> None:
    text = (
        with_("Service", "  §teir: 1", name="ledger")
        + "---\n"
        + envelope("Service", "a", "  dependsOn: [{service: ledger}]")
    )
    the_only_mistake(tmp_path, text)


def test_a_resource_that_is_written_twice_names_the_other_place(tmp_path: Path) -> None:
    text = SOUND + "apiVersion: leeward/v1\nkind: Service\nmetadata: {name: §checkout}\nspec: {}\n"
    mistake = the_only_mistake(tmp_path, text)
    assert mistake.what == "Service checkout is written twice"
    assert "policies.yaml:13:18" in mistake.why


def test_two_kinds_may_share_a_name_unless_they_are_told_apart_by_it(tmp_path: Path) -> None:
    assert found_in(tmp_path, with_("FailoverPolicy", "  autonomy: act", name="dublin")) == ((), ())
    text = (
        SOUND
        + "apiVersion: leeward/v1\nkind: Datastore\nmetadata: {name: §payment}\nspec: {engine: x, primary: dublin}\n"
    )
    assert the_only_warning(tmp_path, text).what == "Datastore payment: a service has the same name"
    knob = "  knobs: [{name: §checkout, default: a, levels: [{value: b}]}]"
    assert "called like a service" in the_only_warning(tmp_path, with_("DegradationPolicy", knob)).what


def test_a_second_safety_policy_is_a_mistake(tmp_path: Path) -> None:
    text = with_("SafetyPolicy", "  vantageQuorum: 2", "one") + "---\n"
    second = "apiVersion: leeward/v1\nkind: §SafetyPolicy\nmetadata: {name: two}\nspec: {}\n"
    assert the_only_mistake(tmp_path, text + second).what == "SafetyPolicy two: a second SafetyPolicy"


def test_a_knob_of_two_policies_is_a_mistake(tmp_path: Path) -> None:
    row = "  knobs: [{{name: {mark}extras, default: full, levels: [{{value: off}}]}}]"
    text = with_("DegradationPolicy", row.format(mark=""), "one") + "---\n"
    text += envelope("DegradationPolicy", "two", row.format(mark="§"))
    assert the_only_mistake(tmp_path, text).what == "DegradationPolicy two: the knob `extras` is there twice"


def test_a_cycle_of_strong_dependencies_is_printed(tmp_path: Path) -> None:
    text = SOUND.replace("service: payment", "service: §payment")
    text = text.replace("spec: {tier: 0}\n", "spec: {tier: 0, dependsOn: [{service: ledger}]}\n")
    text += envelope("Service", "ledger", "  dependsOn: [{service: checkout}, {service: payment, strength: weak}]")
    mistake = the_only_mistake(tmp_path, text)
    assert mistake.what.endswith("strong dependencies in a circle: checkout → payment → ledger → checkout")


def test_a_service_that_needs_itself_is_a_cycle(tmp_path: Path) -> None:
    assert "order → order" in the_only_mistake(tmp_path, with_("Service", "  dependsOn: [{service: §order}]")).what


def test_each_of_two_cycles_is_told(tmp_path: Path) -> None:
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]
    text = SOUND + "---\n".join(
        envelope("Service", one, f"  dependsOn: [{{service: {other}}}]") for one, other in pairs
    )
    assert [m.what[-9:] for m in found_in(tmp_path, text)[0]] == ["a → b → a", "c → d → c"]


def test_a_weak_dependency_makes_no_cycle(tmp_path: Path) -> None:
    text = SOUND.replace("spec: {tier: 0}\n", "spec: {dependsOn: [{service: checkout, strength: weak}]}\n")
    assert found_in(tmp_path, text) == ((), ())


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ('"*"', '§"*"', "every service"),
        ("{tiers: [0, 1]}", "{tiers: [2, §1]}", "tier 1"),
        ("{names: [checkout]}", "{names: [payment, §checkout]}", "service checkout"),
    ],
)
def test_two_policies_for_one_service_at_one_strength_are_a_tie(
    tmp_path: Path, first: str, second: str, what: str
) -> None:
    text = with_("FailoverPolicy", f"  services: {first}", "one") + "---\n"
    mistake = the_only_mistake(tmp_path, text + envelope("FailoverPolicy", "two", f"  services: {second}"))
    assert mistake.what == f"FailoverPolicy two: a tie over {what}"
    assert "FailoverPolicy one" in mistake.why


def test_names_beat_tiers_beat_all_without_a_tie(tmp_path: Path) -> None:
    chosen = {"a": '"*"', "b": "{tiers: [0]}", "c": "{names: [checkout]}"}
    policies = [
        envelope("FailoverPolicy", name, f"  services: {services}\n  unhealthyFor: {number}s")
        for number, (name, services) in enumerate(chosen.items(), start=1)
    ]
    (tmp_path / "p.yaml").write_text(
        SOUND + "---\n".join(policies) + "---\n" + envelope("Service", "order", "  tier: 3")
    )
    estate = load_estate([tmp_path])
    assert [estate.policy(name).unhealthy_for.seconds for name in ("order", "payment", "checkout")] == [1, 2, 3]


def test_residency_that_no_region_can_satisfy_is_a_mistake(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, with_("Service", "  residency: {IE: [EU], DE: §[US, CH]}"))
    assert mistake.what == "Service order: no region can serve `DE`: none is in CH, US"
    assert "EU, UK" in mistake.why
    the_only_mistake(tmp_path, with_("Service", "  residency: {IE: §[]}"))


def test_a_jurisdiction_without_a_region_beside_one_that_has_some_is_fine(tmp_path: Path) -> None:
    assert found_in(tmp_path, with_("Service", "  residency: {IE: [CH, EU]}")) == ((), ())


def test_residency_where_the_service_is_not_deployed_is_a_warning(tmp_path: Path) -> None:
    warning = the_only_warning(tmp_path, with_("Service", "  regions: [dublin]\n  residency: {GB: §[UK]}"))
    assert "refused (R4)" in warning.why


def test_a_primary_among_its_replicas_is_a_mistake(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, with_("Datastore", "  engine: x\n  primary: dublin\n  replicas: [london, §dublin]"))


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Service", "  regions: [dublin, §dublin]"),
        ("Service", "  dependsOn: [{service: payment}, {service: §payment, strength: weak}]"),
        ("Datastore", "  engine: x\n  primary: dublin\n  replicas: [london, §london]"),
        ("FailoverPolicy", "  services: {names: [checkout, §checkout]}"),
    ],
)
def test_a_name_that_is_listed_twice_is_a_mistake(tmp_path: Path, kind: str, spec: str) -> None:
    assert "twice" in the_only_mistake(tmp_path, with_(kind, spec)).what


def test_more_serving_regions_than_there_are_is_a_mistake(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, with_("SafetyPolicy", "  minServingRegions: §3"))
    the_only_warning(tmp_path, with_("SafetyPolicy", "  minServingRegions: §2"))


def test_regions_that_share_more_than_a_campus_are_warned_about(tmp_path: Path) -> None:
    text = SOUND.replace("campus: dub", "campus: dub, provider: cloud").replace(
        "campus: lon", "campus: lon, §provider: cloud"
    )
    mistakes, warnings = found_in(tmp_path, text.replace("§", ""))
    assert mistakes == ()
    assert [w.what for w in warnings] == ["regions dublin, london share provider cloud"]
    assert (warnings[0].line, warnings[0].column) == (9, 80)


def test_regions_of_one_campus_are_known_to_fall_together(tmp_path: Path) -> None:
    assert found_in(tmp_path, SOUND.replace("campus: dub", "campus: lon")) == ((), ())


def test_an_exclusive_service_away_from_its_datastore_is_a_warning(tmp_path: Path) -> None:
    region = envelope("Region", "oslo", "  jurisdiction: NO\n  capacity: 10")
    text = (
        SOUND
        + region
        + "---\n"
        + envelope("Service", "job", "  placement: exclusive\n  regions: [oslo]\n  datastore: §orders-db")
    )
    the_only_warning(tmp_path, text)


def test_a_strong_dependency_that_is_nowhere_near_is_a_warning(tmp_path: Path) -> None:
    text = with_("Service", "  regions: [dublin]\n  dependsOn: [{service: §ledger}]") + "---\n"
    the_only_warning(tmp_path, text + envelope("Service", "ledger", "  regions: [london]"))


def test_levels_out_of_order_are_warned_about(tmp_path: Path) -> None:
    levels = "[{value: a, saves: {checkout: 0.5}}, §{value: b, saves: {checkout: 0.4}}]"
    the_only_warning(tmp_path, with_("DegradationPolicy", f"  knobs: [{{name: k, default: x, levels: {levels}}}]"))
    levels = "[{value: a, valueLost: 5}, §{value: b, valueLost: 4}]"
    the_only_warning(tmp_path, with_("DegradationPolicy", f"  knobs: [{{name: k, default: x, levels: {levels}}}]"))


def test_a_truth_value_in_capitals_is_a_word_and_warned_about(tmp_path: Path) -> None:
    spec = "  knobs: [{name: k, default: §True, levels: [{value: false}]}]"
    assert "`True` is a word" in the_only_warning(tmp_path, with_("DegradationPolicy", spec)).what


def test_a_probe_where_the_service_is_not_is_warned_about(tmp_path: Path) -> None:
    spec = "  regions: [dublin]\n  probes: [{kind: http, target: x, regions: [dublin, §london]}]"
    the_only_warning(tmp_path, with_("Service", spec))


def test_added_room_below_the_capacity_is_warned_about(tmp_path: Path) -> None:
    spec = "  jurisdiction: EU\n  capacity: 100\n  scale: {max: §50, ready: 1m, driver: x}"
    the_only_warning(tmp_path, with_("Region", spec))


def test_everything_in_an_estate_is_sorted_by_name(tmp_path: Path) -> None:
    documents = SOUND.removesuffix("---\n").split("---\n")
    (tmp_path / "p.yaml").write_text("---\n".join(reversed(documents)))
    (tmp_path / "a.yaml").write_text(envelope("Service", "aaa", "  tier: 1"))
    estate = load_estate([tmp_path / "p.yaml", tmp_path / "a.yaml"])
    assert list(estate.services) == ["aaa", "checkout", "payment"]
    assert list(estate.regions) == ["dublin", "london"]


def test_scenarios_beside_policies_are_kept_and_checked(tmp_path: Path) -> None:
    scenario = "  duration: 1m\n  faults: [{at: 1s, kind: region-down, region: §dublim}]"
    the_only_mistake(tmp_path, with_("Scenario", scenario))
    (tmp_path / "policies.yaml").write_text(with_("Scenario", scenario).replace("§dublim", "dublin"))
    report = check([tmp_path])
    assert report.mistakes == ()
    assert [scenario.name for scenario in report.scenarios] == ["order"]
    assert report.estate is not None
    assert dict(report.documents)["Scenario"] == 1


def test_scenarios_alone_are_sound_without_an_estate(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(envelope("Scenario", "s", "  duration: 1m"))
    report = check([tmp_path])
    assert (report.estate, report.mistakes, len(report.scenarios)) == (None, (), 1)


def test_what_is_sound_in_an_unsound_document_is_checked_in_the_same_run(tmp_path: Path) -> None:
    spec = """\
  teir: 1
  value: -1
  regions: [dublin, dubln]
  datastore: order-db
  dependsOn: [{service: paymnt}, {service: checkout, strength: storng}]
  residency: {DE: [US]}"""
    mistakes, _ = found_in(tmp_path, with_("Service", spec))
    assert [(m.line, m.column) for m in mistakes] == [
        (30, 3),
        (31, 10),
        (32, 21),
        (33, 14),
        (34, 25),
        (34, 64),
        (35, 19),
    ]


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("FailoverPolicy", "  services: {§teirs: [0]}\n"),
        ("Region", "  §jurisdiction: EU\n  latency: {IE: 1ms}"),
        ("Datastore", "  engine: x\n  primary: dublin\n  §replica: [london]"),
        ("Service", "  placement: §exklusive\n  datastore: orders-db\n  regions: [london]"),
    ],
)
def test_what_was_taken_out_of_an_unsound_document_is_told_once(tmp_path: Path, kind: str, spec: str) -> None:
    other = envelope("FailoverPolicy", "all", '  services: "*"')
    the_only_mistake(tmp_path, with_(kind, spec) + "---\n" + other)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Region", "  jurisdiction: EU\n  capacity: §1e13"),
        ("Service", "  value: §1e200"),
        ("Service", "  cost: §1e13"),
        ("Service", "  demand: {IE: §1e13}"),
        ("DegradationPolicy", "  knobs: [{name: k, default: a, levels: [{value: b, valueLost: §1e13}]}]"),
    ],
)
def test_a_number_that_is_too_large_to_be_meant_is_a_mistake(tmp_path: Path, kind: str, spec: str) -> None:
    assert the_only_mistake(tmp_path, with_(kind, spec)).mend == "choose a larger unit"
