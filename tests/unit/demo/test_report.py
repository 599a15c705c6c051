import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

from controlplane.sandbox.demo.record import Record
from controlplane.sandbox.demo.report.axis import axis_of
from controlplane.sandbox.demo.report.lanes import groups
from controlplane.sandbox.demo.report.page import page, write_report
from controlplane.sandbox.demo.story import story
from tests.unit.demo.seen import outcome, plan, record


def test_equal_deeds_of_one_instant_are_told_together() -> None:
    told = [line.what for line in story(record())]
    assert told == [
        "leader: estate",
        "dublin is down",
        "turned down recommendations to cached, comments to off",
        "moved payment out of dublin",
        "moved checkout out of dublin: failed",
        "brought back: search in frankfurt",
        "left: dublin",
        "started settlement in frankfurt",
        "brought back: dublin",
    ]


def test_only_what_happens_to_the_region_is_coloured() -> None:
    tones = {line.what: line.tone for line in story(record()) if line.tone}
    assert tones == {"dublin is down": "bad", "left: dublin": "bad", "brought back: dublin": "good"}


def test_every_plot_of_the_report_is_well_formed_and_on_one_axis(tmp_path: Path) -> None:
    text = page(record(), outcome(), plan(tmp_path))
    plots = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(plots) == 6
    for plot in plots:
        ET.fromstring(plot)  # noqa: S314  our own page
    posts = {tuple(re.findall(r'class="post" x1="([\d.]+)"', plot)) for plot in plots}
    assert len(posts) == 1
    assert len(next(iter(posts))) == 5


def test_the_report_needs_no_network_and_no_script(tmp_path: Path) -> None:
    text = page(record(), outcome(), plan(tmp_path))
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", text)
    assert "<script" not in text
    assert "@import" not in text


def test_what_the_journal_says_cannot_become_markup(tmp_path: Path) -> None:
    text = page(record(), outcome(), plan(tmp_path))
    assert "&lt;fenced&gt; &amp; safe" in text
    assert "<fenced>" not in text


def test_the_report_is_whole_html_with_the_figures_in_it(tmp_path: Path) -> None:
    write_report(tmp_path / "new" / "report.html", record(), outcome(), plan(tmp_path))
    reader = _Balance()
    text = (tmp_path / "new" / "report.html").read_text()
    reader.feed(text)
    assert reader.open == []
    assert "60 of 6,000" in text
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_a_demo_that_ended_before_anything_was_seen_still_has_a_report(tmp_path: Path) -> None:
    empty = outcome(
        detection_s=None, traffic_left_s=None, drained_s=None, restored_s=None, lost_writes=None, p99_ms=None
    )
    text = page(Record("dublin"), empty, plan(tmp_path))
    assert "not passed" in text
    assert "never" in text


def test_a_lane_shows_where_work_was_and_for_how_long(tmp_path: Path) -> None:
    seen = record()
    axis = axis_of(seen)
    lanes = {lane.name: lane for group in groups(seen, axis, plan(tmp_path), {"dublin": "r0"}) for lane in group.lanes}
    assert [bar.label for bar in lanes["settlement"].bars] == ["dublin", "frankfurt"]
    assert [bar.label for bar in lanes["recommendations"].bars] == ["cached", "off"]
    assert [bar.tone for bar in lanes["recommendations"].bars] == ["light", "deep"]
    assert [bar.label for bar in lanes["dublin"].bars] == [
        "healthy",
        "down",
        "down, drained",
        "healthy, drained",
        "healthy",
    ]
    bars = lanes["settlement"].bars
    assert bars[0].x + bars[0].width == bars[1].x


class _Balance(HTMLParser):
    """Tags that were opened and not closed."""

    void = frozenset({"meta", "line", "path", "rect", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.void:
            return
        assert self.open.pop() == tag
