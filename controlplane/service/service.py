"""The application service: what every face calls."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from controlplane.decide.explain import Explanation, explain
from controlplane.decide.plan import plan
from controlplane.model.desk import (
    MACHINE,
    AddOverride,
    Approval,
    Approve,
    AskSecond,
    PersonCommand,
    Receipt,
    SetWish,
    Status,
)
from controlplane.model.errors import RefusedByRule, StoreLost, WrongUse
from controlplane.model.estate import Estate
from controlplane.model.journal import Entry, EntryKind
from controlplane.model.plan import Plan
from controlplane.model.rules import Rule
from controlplane.model.verdict import Verdict
from controlplane.model.world import World
from controlplane.ports.store import Journal
from controlplane.service.desk import Desk
from controlplane.service.feed import feed
from controlplane.service.flags import Flag, flag_of, flags_of
from controlplane.service.preview import Preview, foresee
from controlplane.service.verbs import LONGEST, NO_REASON, Said, Verb, translate

MOST_ENTRIES = 1000
_LONGEST_WORDS = 500
_SEARCHED = 5000
_RELATED = 20


@dataclass(frozen=True, slots=True)
class Explained:
    """All that is known of one id or name: what the plan says, what is judged, what waits, what was written."""

    asked: str
    explanations: tuple[Explanation, ...]
    verdicts: tuple[Verdict, ...]
    approvals: tuple[Approval, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which journal entries are wanted: the newest, or those after a place; all, or of one subject or kind.

    A filter looks at the newest 5,000, or at the 5,000 after the place.
    """

    after: int | None = None
    limit: int = 100
    subject: str | None = None
    kind: EntryKind | None = None


def plan_for_world(estate: Estate, world: World) -> Plan:
    """The decision alone, with nothing touched."""
    return plan(estate, world)


class Service:
    """Commands and queries over a desk and its journal. Whoever calls it is trusted to be who ``Said.by`` says."""

    def __init__(self, desk: Desk, journal: Journal) -> None:
        self._desk = desk
        self._journal = journal

    @property
    def estate(self) -> Estate:
        """The policies in force."""
        return self._desk.estate

    async def status(self) -> Status:
        """Everything that is so now; overrides, wishes and what waits for approval are in it."""
        return self._desk.snapshot()

    async def plan(self) -> Plan:
        """The last decision; made here from the same world if the loop has made none yet."""
        status = self._desk.snapshot()
        return status.plan if status.plan is not None else plan(self._desk.estate, status.world)

    async def explain(self, asked: str) -> Explained:
        """Why, why not, and what would change it: of an action, a subject, or (by its ``seq``) a journal entry.

        Raises WrongUse for what nobody has ever heard of.
        """
        status, decided = self._desk.snapshot(), await self.plan()
        explanations = explain(decided, asked)
        verdicts = tuple(verdict for key, verdict in sorted(status.world.verdicts.items()) if asked in key)
        approvals = tuple(approval for approval in status.approvals if asked in {approval.id, approval.subject})
        entries = await _about(self._journal, asked)
        if not (explanations or verdicts or approvals or entries) and not _is_named(self._desk.estate, asked):
            raise WrongUse(f"nothing is known of {asked!r}: name an action, a journal entry, or what the policies name")
        return Explained(asked, explanations, verdicts, approvals, entries)

    async def history(self, sought: Sought = Sought()) -> tuple[Entry, ...]:
        """Journal entries, oldest first."""
        if not 1 <= sought.limit <= MOST_ENTRIES:
            raise WrongUse(f"ask for 1 to {MOST_ENTRIES} entries, not {sought.limit}")
        filtered = sought.subject is not None or sought.kind is not None
        searched = _SEARCHED if filtered else sought.limit
        if sought.after is None:
            found = await self._journal.last(searched)
        else:
            found = await self._journal.read(after=sought.after, limit=searched)
        kept = tuple(entry for entry in found if _is_sought(entry, sought))
        return kept[-sought.limit :] if sought.after is None else kept[: sought.limit]

    async def verify(self) -> int | None:
        """The ``seq`` of the first journal entry that somebody has tampered with; None if history is whole."""
        return await self._journal.verify()

    def events(self, after: int | None = None) -> AsyncGenerator[Entry | Status, None]:
        """The status now, then entries after a place (None: from now on) and each change of the status, without end."""
        return feed(self._desk, self._journal, after)

    async def preview(self, verb: Verb, said: Said) -> Preview:
        """What would happen, with nothing touched.

        Raises WrongUse for names that the policies do not know, RefusedByRule for who approves their own wish (R11).
        """
        status = self._desk.snapshot()
        commands = translate(verb, _checked(said), self._desk.estate, status)
        _mind_two_persons(commands, status)
        return foresee(self._desk.estate, status.world, commands, status.approvals)

    async def do(self, verb: Verb, said: Said) -> Receipt:
        """Do it, or put it aside for a second person (``Receipt.waiting``).

        Raises RefusedByRule for what a rule forbids, whoever asks; LeaseLost on a replica that does not lead.
        """
        seen = await self.preview(verb, said)
        if seen.against and not seen.second:
            raise RefusedByRule(seen.why, tuple(rule.value for rule in seen.rules))
        receipt = Receipt(accepted=True, why="")
        for command in seen.commands:
            receipt = await self._desk.submit(_set_aside(command, seen) if seen.second else command)
            if not receipt.accepted:
                raise RefusedByRule(receipt.why, tuple(rule.value for rule in receipt.rules))
        return receipt if receipt.plan is not None else replace(receipt, plan=seen.plan)

    def flags(self, region: str | None) -> tuple[Flag, ...]:
        """Every knob as applications in a region are to see it."""
        return flags_of(self._desk.estate, self._desk.flags(), region)

    def flag(self, key: str, region: str | None) -> Flag | None:
        """One of them; None if there is no such knob."""
        return flag_of(self._desk.estate, self._desk.flags(), key, region)


async def _about(journal: Journal, asked: str) -> tuple[Entry, ...]:
    """What the journal says of an id or name; of an entry's place, that entry and what names it as its intent."""
    try:
        if not asked.isdecimal():
            found = await journal.last(_SEARCHED)
            return tuple(entry for entry in found if asked in {entry.subject, entry.action})[-_RELATED:]
        place = int(asked)
        found = await journal.read(after=place - 1, limit=MOST_ENTRIES)
    except StoreLost:
        return ()
    return tuple(entry for entry in found if entry.seq == place or entry.facts.get("intent") == place)


def _is_sought(entry: Entry, sought: Sought) -> bool:
    return sought.subject in {None, entry.subject} and sought.kind in {None, entry.kind}


def _mind_two_persons(commands: tuple[PersonCommand, ...], status: Status) -> None:
    """R11: nobody is their own second person."""
    for command in commands:
        if not isinstance(command, Approve):
            continue
        approval = next(approval for approval in status.approvals if approval.id == command.approval)
        if approval.asked_by == command.by:
            text = f"{command.by} asked for this, so another person must approve it (R11)"
            raise RefusedByRule(text, (Rule.OVERRIDE.value,))


def _checked(said: Said) -> Said:
    by, reason = said.by.strip(), said.reason.strip() or NO_REASON
    if not by or by == MACHINE:
        raise WrongUse("say who you are: every change is recorded with a name")
    if max(len(by), len(reason)) > _LONGEST_WORDS:
        raise WrongUse(f"a name or reason has at most {_LONGEST_WORDS} characters")
    if not 0 < said.lasting.total_seconds() <= LONGEST.total_seconds():
        raise WrongUse(f"what is asked can hold for up to {LONGEST.days} days, and must end later than now")
    return replace(said, by=by, reason=reason)


def _set_aside(command: PersonCommand, seen: Preview) -> PersonCommand:
    """What needs a second person is not done but put before them."""
    return AskSecond(command, seen.rules) if isinstance(command, AddOverride | SetWish) else command


def _is_named(estate: Estate, name: str) -> bool:
    return any(name in known for known in (estate.regions, estate.services, estate.datastores, estate.knobs))
