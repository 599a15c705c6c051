"""The status for people: first whether anything is wrong, then where, then what waits for them."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from cli.documents import ApprovalDoc, RegionDoc, StatusDoc, VerdictDoc
from cli.render.grid import grid, next_steps, section, step
from cli.render.plan import action_words, hold_list, knob_words, lost_parts
from cli.render.terminal import clean
from cli.render.words import age, at, count, health, knob, listed, percent
from controlplane.model.verdict import EVERY_SERVICE, Health

_APPROVALS_SHOWN = 6


def status_view(status: StatusDoc) -> RenderableType:
    """All of it that a person on call wants, most important first; what is as usual is left out."""
    blocks: list[RenderableType] = [*headlines(status), section("Regions", region_table(status))]
    blocks.extend(_troubles(status))
    if status.in_flight:
        blocks.append(section("Under way", _in_flight(status)))
    if status.approvals:
        blocks.append(section("Waits for a person", _approvals(status)))
    if status.holds:
        blocks.append(section("Held", hold_list(status.holds)))
    if status.overrides or status.wishes:
        blocks.append(section("Ordered by people", _orders(status)))
    if status.holders or status.primaries:
        blocks.append(section("Work that one region holds", _holders(status)))
    blocks += [Text(), _footer(status)]
    if steps := list(_next_steps(status)):
        blocks.append(next_steps(*steps))
    return Group(*blocks)


def headlines(status: StatusDoc) -> Iterator[RenderableType]:
    """What is wrong, one line each; or that nothing is."""
    lines = list(_alarms(status))
    if lines:
        yield from lines
    else:
        yield Text(f"All is well: {count(len(status.regions), 'region')} serve, nothing is turned down.", "bold green")


def region_table(status: StatusDoc) -> RenderableType:
    """One line a region."""
    rows = []
    for region in status.regions:
        since = age(region.since, status.at) if region.since and region.state is not Health.HEALTHY else ""
        rows.append(
            (
                Text(clean(region.region), "bold"),
                health(region.state),
                since,
                "" if region.success is None else percent(region.success),
                "" if region.share is None else percent(region.share),
                "" if region.utilisation is None else percent(region.utilisation),
                _region_note(region, status),
            )
        )
    return grid(("REGION", "STATE", "FOR", "USERS OK", "TRAFFIC", "LOAD", ""), rows)


def override_view(status: StatusDoc) -> RenderableType:
    """People's words on regions."""
    if not status.overrides:
        return Text("Nobody has ordered anything about a region.")
    rows = [
        (
            one.region,
            one.state,
            f"{at(one.until, status.at)}",
            one.by + (f" and {one.approved_by}" if one.approved_by else ""),
            one.reason,
        )
        for one in status.overrides
    ]
    return grid(("REGION", "STATE", "UNTIL", "BY", "REASON"), rows)


def _alarms(status: StatusDoc) -> Iterator[Text]:
    if status.mode == "holding" or not status.store.ok:
        since = f" since {at(status.store.since, status.at)}" if status.store.since else ""
        yield Text(
            f"Leeward acts on nothing{since}: {clean(status.store.problem) or 'no lease or no store'} [R16]. "
            "Traffic stays as last set.",
            "bold red",
        )
    if status.mode == "starting":
        yield Text("Leeward is starting: it has decided nothing yet.", "yellow")
    if status.paused:
        who = f"{clean(status.paused.by)}, {age(status.paused.since, status.at)} ago"
        yield Text(f"PAUSED by {who}: {clean(status.paused.reason)}. It watches, and acts on nothing.", "bold yellow")
    if status.frozen_since:
        yield Text(
            f"FROZEN for {age(status.frozen_since, status.at)}: the same fault is everywhere, nothing is moved [R2]. "
            "Look for a bad change or a shared dependency.",
            "bold red",
        )
    for region in status.regions:
        if region.state in {Health.DOWN, Health.DEGRADED}:
            yield _region_alarm(region, status.at)
    if status.shed or status.refused:
        services = sorted({*status.shed, *status.refused})
        yield Text(f"Users are turned away from {listed(services)}.", "bold red")
    unknown = [region.region for region in status.regions if region.state is Health.UNKNOWN]
    if unknown:
        yield Text(f"Nothing is known about {listed(unknown)}: unknown moves nothing [R1].", "magenta")
    if status.policies.problem:
        yield Text("The policies on disk are broken; the last good set is in force.", "yellow")
    if status.watch.quiet:
        yield Text(f"Watchers gone quiet: {listed(status.watch.quiet)}.", "yellow")


def _region_alarm(region: RegionDoc, now: datetime) -> Text:
    lasting = f" for {age(region.since, now)}" if region.since else ""
    if region.state is Health.DOWN:
        text = Text(f"{clean(region.region)} is DOWN{lasting}", "bold red")
    else:
        text = Text(f"{clean(region.region)} is degraded{lasting}", "bold yellow")
    carries = region.share or 0.0
    text.append("; it is drained." if region.drained else f"; it carries {percent(carries)} of the traffic.")
    return text


def _region_note(region: RegionDoc, status: StatusDoc) -> str:
    notes = []
    if region.alarm_since:
        notes.append(f"facility alarm for {age(region.alarm_since, status.at)}")
    if region.override:
        notes.append(f"ordered {region.override}")
    if region.drained:
        notes.append("drained")
    partly = sorted(
        drain.service for drain in status.drains if drain.region == region.region and drain.service != EVERY_SERVICE
    )
    if partly:
        notes.append(f"without {listed(partly)}")
    return ", ".join(notes)


def _troubles(status: StatusDoc) -> Iterator[RenderableType]:
    """Services that are not well where their region is, knobs that are turned, users turned away."""
    regions = {region.region: region.state for region in status.regions}
    sick = [
        verdict
        for verdict in status.verdicts
        if verdict.service != EVERY_SERVICE
        and verdict.state is not Health.HEALTHY
        and regions.get(verdict.region) is not Health.DOWN
    ]
    if sick:
        rows = [_sick(verdict, status.at) for verdict in sick]
        yield section("Services not well", grid(("SERVICE", "REGION", "STATE", "FOR", "WHY"), rows))
    for title, parts in (
        ("Shed, for want of room", status.shed),
        ("Refused, for want of a legal region", status.refused),
    ):
        if rows_lost := lost_parts(parts):
            yield section(title, grid(("SERVICE", "REQUESTS"), rows_lost))
    if turned := knob_words(status.turned):
        yield section("Turned down", Text(f"  {', '.join(turned)}"))


def _sick(verdict: VerdictDoc, now: datetime) -> tuple[str | Text, ...]:
    lasting = age(verdict.since, now) if verdict.since else ""
    return verdict.service, verdict.region, health(verdict.state), lasting, verdict.why


def _in_flight(status: StatusDoc) -> RenderableType:
    lines = []
    for act in status.in_flight:
        text = Text(action_words(act.action), "bold")
        text.append(f"  {act.phase} for {age(act.since, status.at)}")
        if act.attempts > 1:
            text.append(f", attempt {act.attempts}", "yellow")
        if act.stragglers:
            text.append(f", {count(act.stragglers, 'connection')} still the old way")
        lines.append(step("-", text))
    return Group(*lines)


def _approvals(status: StatusDoc) -> RenderableType:
    """The first of them; a region that waits to be left is a long list, and one word is enough for all of it."""
    lines = [_approval(one, status.at) for one in status.approvals[:_APPROVALS_SHOWN]]
    if more := len(status.approvals) - len(lines):
        lines.append(Text(f"  … and {more} more"))
    return Group(*lines)


def _approval(approval: ApprovalDoc, now: datetime) -> RenderableType:
    what = clean(approval.subject) if approval.action is None else action_words(approval.action)
    asked = f"  asked by {clean(approval.asked_by)} {age(approval.asked_at, now)} ago"
    head = Text.assemble((what, "bold"), (f"  leeward approve {clean(approval.id)}", "yellow"), (asked, "dim"))
    return step("-", head, approval.why)


def _orders(status: StatusDoc) -> RenderableType:
    lines = [
        step(
            "-",
            Text(f"{clean(one.region)} {one.state} until {at(one.until, status.at)} by {clean(one.by)}"),
            one.reason,
        )
        for one in status.overrides
    ]
    for wish in status.wishes:
        where = f" in {wish.region}" if wish.region else ""
        verb = f"{wish.subject}={knob(wish.to)}" if wish.kind == "knob" else f"{wish.subject} in {knob(wish.to)}"
        head = Text(clean(f"{verb}{where} until {at(wish.until, status.at)} by {wish.by}"))
        lines.append(step("-", head, wish.reason))
    return Group(*lines)


def _holders(status: StatusDoc) -> RenderableType:
    rows: list[tuple[str | Text, ...]] = [
        (name, "runs in", clean(region) if region else Text("nowhere", "bold red"))
        for name, region in sorted(status.holders.items())
    ]
    rows += [
        (name, "primary in", clean(region) if region else Text("nowhere", "bold red"))
        for name, region in sorted(status.primaries.items())
    ]
    return grid(("", "", ""), rows)


def _footer(status: StatusDoc) -> RenderableType:
    who = f"{clean(status.replica)} {status.mode}" if status.replica else status.mode
    if status.mode == "following" and status.leader:
        who += f" {clean(status.leader)}"
    parts = [f"as of {at(status.at)}", who, f"epoch {status.epoch}", f"policies {status.policies.version[:12]}"]
    return Text(" · ".join(parts), "dim")


def _next_steps(status: StatusDoc) -> Iterator[tuple[str, str]]:
    if status.paused:
        yield "leeward resume", "let it act again"
    if len(status.approvals) > 1:
        yield "leeward approve all", f"say yes to all {len(status.approvals)} that wait (or to a region, or an id)"
    elif status.approvals:
        yield f"leeward approve {clean(status.approvals[0].id)}", "say yes to what waits"
    for region in status.regions:
        if region.state in {Health.DOWN, Health.DEGRADED} and not region.drained:
            yield f"leeward explain {clean(region.region)}", "why it is, or is not, being left"
            yield f"leeward drain {clean(region.region)}", "leave it by your own word"
        elif region.drained and region.state is Health.HEALTHY and not region.override:
            yield f"leeward failback {clean(region.region)}", "bring its traffic back"
    for hold in status.holds:
        if hold.subject in status.primaries:
            yield f"leeward explain {clean(hold.subject)}", "why its replica is not promoted, and what would change it"
    if status.policies.problem:
        yield "leeward validate", "see what is wrong with the policies on disk"
    if status.in_flight:
        yield "leeward watch", "see it happen"
