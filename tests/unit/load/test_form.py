"""Files and YAML: what cannot even be parsed, and what must not be."""

import os
from pathlib import Path

import pytest

from controlplane.load import files
from controlplane.load.estate import check, load_estate
from controlplane.model.errors import Mistake, PoliciesInvalid
from tests.unit.load.written import SOUND, envelope, found_in, the_only_mistake

ORDER = "apiVersion: leeward/v1\nkind: Service\nmetadata: {name: order}\nspec:\n"


def one(path: Path) -> Mistake:
    report = check([path])
    assert len(report.mistakes) == 1, "\n".join(map(str, report.mistakes))
    assert report.mistakes[0].mend or report.mistakes[0].why
    return report.mistakes[0]


def test_a_tab_is_told_as_a_tab(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, f"{SOUND}{ORDER}§\ttier: 1\n")
    assert mistake.what == "a tab where spaces belong"


def test_a_tab_behind_spaces_is_told_where_it_is(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, f"{SOUND}{ORDER}  dependsOn:\n  §\t- {{service: payment}}\n")


def test_a_duplicate_key_is_told_at_the_second(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, f"{SOUND}{ORDER}  tier: 1\n  value: 2\n  §tier: 3\n")
    assert "line 30" in mistake.why


def test_a_duplicate_key_in_one_line_is_told_too(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, f"{SOUND}{ORDER}  demand: {{IE: 1, §IE: 2}}\n")


def test_a_duplicate_key_is_found_whatever_its_quotes(tmp_path: Path) -> None:
    the_only_mistake(tmp_path, f"{SOUND}{ORDER}  demand: {{IE: 1, §'IE': 2}}\n")


def test_an_unclosed_quote_is_told_where_it_opens(tmp_path: Path) -> None:
    mistakes, _ = found_in(tmp_path, f'{SOUND}{ORDER}  datastore: "orders-db\n')
    assert [(m.line, m.column) for m in mistakes] == [(30, 14)]
    assert "never closed" in mistakes[0].what


def test_an_unclosed_bracket_is_a_mistake_of_form(tmp_path: Path) -> None:
    mistakes, _ = found_in(tmp_path, f"{SOUND}{ORDER}  regions: [dublin\n  tier: 1\n")
    assert len(mistakes) == 1
    assert mistakes[0].what.startswith("not YAML")


def test_after_a_mistake_of_form_the_next_documents_are_read(tmp_path: Path) -> None:
    text = f"{ORDER}\ttier: 1\n---\n{SOUND}{envelope('Service', 'cart', '  teir: 1')}---\na: b: c\n"
    mistakes, _ = found_in(tmp_path, text)
    assert [m.what.split(":")[0] for m in mistakes] == ["a tab where spaces belong", "Service cart", "not YAML"]
    assert [m.line for m in mistakes] == [5, 36, 38]


def test_names_in_what_could_not_be_read_are_not_told_to_dangle(tmp_path: Path) -> None:
    text = SOUND + ORDER.replace("order", "ledger") + "\ttier: 1\n---\n" + ORDER + "  dependsOn: [{service: ledger}]\n"
    mistakes, _ = found_in(tmp_path, text)
    assert [m.what for m in mistakes] == ["a tab where spaces belong"]


def test_nesting_ten_thousand_deep_is_refused(tmp_path: Path) -> None:
    mistake = the_only_mistake(tmp_path, f"{SOUND}{ORDER}  regions: {'[' * 62}§{'[' * 10_000}{']' * 10_062}\n")
    assert mistake.what == "nested too deep"


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: ", "[{a: "])
def test_endless_nesting_of_any_kind_is_refused_at_once(tmp_path: Path, opening: str) -> None:
    (tmp_path / "deep.yaml").write_text(opening * 200_000)
    assert one(tmp_path).what == "nested too deep"


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    mistake = one(tmp_path)
    assert (mistake.what, mistake.line) == ("aliases without end", 5)


def test_few_aliases_are_read(tmp_path: Path) -> None:
    text = ORDER + "  residency: {IE: &eu [EU], DE: *eu}\n  demand: {IE: 1, DE: 2}\n"
    assert found_in(tmp_path, SOUND + text) == ((), ())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("  regions: &r [§*r]", "the alias `*r` contains itself"),
        ("  regions: §*nowhere", "the alias `*nowhere` stands for nothing"),
        ("  §<<: {tier: 1}", "`<<` is not read"),
        ("  tier: §!!int '1'", "the tag `!!int` is not read"),
        ("  tier: 1\n  §[a, b]: 1", "a key that is not a word"),
    ],
)
def test_what_hides_a_value_is_refused(tmp_path: Path, text: str, what: str) -> None:
    mistakes, _ = found_in(tmp_path, f"{SOUND}{ORDER}{text}\n".replace("§", ""))
    before = f"{SOUND}{ORDER}{text}".partition("§")[0]
    place = (1 + before.count("\n"), len(before) - before.rfind("\n"))
    assert what in [m.what for m in mistakes if (m.line, m.column) == place]


def test_a_tag_runs_nothing(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    (tmp_path / "evil.yaml").write_text(f"{ORDER}  value: !!python/object/apply:os.system ['touch {witness}']\n")
    assert "the tag `!!python/object/apply:os.system` is not read" in [m.what for m in check([tmp_path]).mistakes]
    assert not witness.exists()


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing but a comment\n", "---\n---\n", "\ufeff"])
def test_an_empty_file_is_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.yaml").write_text(text, encoding="utf-8")
    mistake = one(tmp_path)
    assert (mistake.what, mistake.line, mistake.column) == ("an empty file", 1, 1)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "windows.yaml").write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert check([tmp_path]).mistakes == ()


def test_lines_are_counted_alike_whatever_ends_them(tmp_path: Path) -> None:
    text = (SOUND + ORDER + "  teir: 1\n").replace("\n", "\r\n")
    assert [(m.line, m.column) for m in found_in(tmp_path, text)[0]] == [(30, 3)]


def test_a_binary_file_is_told_at_its_first_odd_byte(tmp_path: Path) -> None:
    (tmp_path / "image.yaml").write_bytes(b"kind: x\nab\0\x01\x02")
    mistake = one(tmp_path)
    assert (mistake.line, mistake.column) == (2, 3)
    assert "binary" in mistake.what


def test_bytes_that_are_not_utf_8_are_told_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"kind: x\n# caf\xe9\n")
    mistake = one(tmp_path)
    assert (mistake.line, mistake.column) == (2, 6)
    assert "0xe9" in mistake.what


def test_a_control_character_is_told_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "escape.yaml").write_text("kind: x\nname: \x1b[31m\n")
    mistake = one(tmp_path)
    assert (mistake.line, mistake.column, mistake.what) == (2, 7, "character U+001B is not text")


def test_a_file_of_200_mb_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as opened:
        opened.truncate(200_000_000)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(Path, "open", refuse)
    assert one(tmp_path).what == "too large: 191 MiB, at most 16 are read"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert one(tmp_path).what == "not a file"


def test_a_path_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    assert one(tmp_path / "nowhere").what == "cannot be read"
    assert one(Path("no\0where")).what == "cannot be read"


def test_a_folder_without_policies_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("kind: Service")
    assert one(tmp_path).what == "no policies here"


def test_a_link_in_a_circle_is_a_mistake_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert {mistake.what for mistake in check([tmp_path]).mistakes} == {"cannot be read"}


def test_hidden_files_and_second_names_of_a_file_are_read_once(tmp_path: Path) -> None:
    (tmp_path / ".hidden.yaml").write_text("]")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("]")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "estate.yml").write_text(SOUND)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "below" / "estate.yml")
    assert len(load_estate([tmp_path, tmp_path / "below"]).services) == 2


def test_a_fingerprint_changes_when_a_file_does(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND)
    before = files.fingerprint([tmp_path])
    assert files.fingerprint([tmp_path]) == before
    (tmp_path / "a.yaml").write_text(SOUND + "# more\n")
    changed = files.fingerprint([tmp_path])
    (tmp_path / "b.yaml").write_text(SOUND)
    assert len({before, changed, files.fingerprint([tmp_path])}) == 3


def test_thousands_of_mistakes_are_cut_and_counted(tmp_path: Path) -> None:
    rows = "\n".join(f"  x{i}: 1" for i in range(3000))
    mistakes, _ = found_in(tmp_path, SOUND + ORDER + rows)
    assert len(mistakes) == 501
    assert mistakes[-1].what == "and 2500 mistakes more, here and after"


def test_what_is_raised_carries_every_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND + ORDER + "  teir: 1\n  valu: 2\n")
    with pytest.raises(PoliciesInvalid) as caught:
        load_estate([tmp_path])
    assert [(m.line, m.column) for m in caught.value.mistakes] == [(30, 3), (31, 3)]
    assert "a.yaml:30:3: Service order: `teir`" in str(caught.value)


def test_policies_without_regions_or_services_are_half_an_estate(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(envelope("SafetyPolicy", "default", "  vantageQuorum: 2"))
    assert [m.what for m in check([tmp_path]).mistakes] == ["no Region here", "no Service here"]
