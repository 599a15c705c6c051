"""The commands validate and schema."""

import json
from pathlib import Path

from tests.unit.cli.conftest import Leeward
from tests.unit.load.written import SOUND, envelope


def test_sound_policies_are_counted(leeward: Leeward, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND + envelope("FailoverPolicy", "default", "  autonomy: act"))
    ran = leeward("validate", str(tmp_path))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "valid: 1 Datastore, 1 FailoverPolicy, 2 Regions, 2 Services\n"


def test_mistakes_are_one_block_on_stderr_and_exit_code_1(leeward: Leeward, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND + envelope("Service", "order", "  teir: 1\n  regions: [dublim]"))
    ran = leeward("validate", str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "2 mistakes" in ran.err
    assert f"{tmp_path}/estate.yaml:30:3: Service order: `teir` is not a field of `spec`" in ran.err
    assert "mend: did you mean `tier`?" in ran.err
    assert "Traceback" not in ran.err


def test_warnings_do_not_fail(leeward: Leeward, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND + envelope("SafetyPolicy", "default", "  minServingRegions: 2"))
    ran = leeward("validate", str(tmp_path))
    assert ran.code == 0
    assert "1 warning" in ran.err
    assert ran.out.startswith("valid: ")


def test_json_has_every_mistake_and_warning(leeward: Leeward, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND + envelope("Service", "order", "  traffic: {driver: envoi}"))
    ran = leeward("validate", str(tmp_path), "--json")
    assert (ran.code, ran.err) == (1, "")
    found = json.loads(ran.out)
    assert found["valid"] is False
    assert found["warnings"] == []
    (mistake,) = found["errors"]
    assert set(mistake) == {"file", "line", "column", "what", "why", "mend"}
    assert (mistake["line"], mistake["column"]) == (30, 21)
    assert mistake["what"] == "Service order: the driver `envoi` is not installed"


def test_json_of_sound_policies_is_valid(leeward: Leeward, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SOUND)
    ran = leeward("validate", str(tmp_path), "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {
        "valid": True,
        "errors": [],
        "warnings": [],
        "documents": {"Datastore": 1, "Region": 2, "Service": 2},
    }


def test_a_path_that_is_not_there_is_a_mistake(leeward: Leeward, tmp_path: Path) -> None:
    ran = leeward("validate", str(tmp_path / "nowhere"))
    assert ran.code == 1
    assert "cannot be read" in ran.err


def test_the_schema_of_a_kind_is_json(leeward: Leeward) -> None:
    for arguments in (("schema", "Service"), ("schema", "Service", "--json")):
        ran = leeward(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert json.loads(ran.out)["title"] == "Service"


def test_an_unknown_kind_is_wrong_use_with_the_nearest(leeward: Leeward) -> None:
    ran = leeward("schema", "regions")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean `Region`?" in ran.err


def test_without_a_kind_all_are_listed(leeward: Leeward) -> None:
    assert "Scenario" in leeward("schema").out.split()
    assert "Scenario" in json.loads(leeward("schema", "--json").out)
