"""Every command, with where it lives and one line about it, so that help lists all and imports none.

``target`` is ``module:name``; the name is a typer-annotated function (one command) or a ``typer.Typer`` (a command
with commands of its own).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One command: its section of the help, its name, where it lives, and its line in the help."""

    section: str
    name: str
    target: str
    help: str


LOOK = "Look"
ACT = "Act (each shows what will happen and asks)"
POLICIES = "Policies"
TRY = "Try it out"
RUN = "Run it"

COMMANDS: tuple[Row, ...] = (
    Row(LOOK, "status", "cli.commands.look:status", "What is wrong, what is done about it, what waits for you."),
    Row(LOOK, "watch", "cli.commands.look:watch", "The same, live, until Ctrl-C."),
    Row(LOOK, "plan", "cli.commands.decide:plan", "What is done next, in order, and what is held back."),
    Row(LOOK, "explain", "cli.commands.decide:explain", "Why, why not, and what would change it."),
    Row(LOOK, "history", "cli.commands.look:history", "What was decided, done, held and asked for."),
    Row(ACT, "drain", "cli.commands.move:drain", "Move all work out of a region and keep it out."),
    Row(ACT, "failover", "cli.commands.move:failover", "Move a service, or a datastore's primary, to a region."),
    Row(ACT, "failback", "cli.commands.move:failback", "Bring work back to a region that is well again."),
    Row(ACT, "degrade", "cli.commands.knobs:degrade", "Turn a feature down: degrade KNOB=VALUE."),
    Row(ACT, "restore", "cli.commands.knobs:restore", "Turn a feature up again."),
    Row(ACT, "approve", "cli.commands.stand:approve", "Say yes (or no) to what waits for a person."),
    Row(ACT, "release", "cli.commands.stand:release", "Free a region held for flapping, or a global freeze."),
    Row(ACT, "pause", "cli.commands.stand:pause", "Stop all acting; go on watching."),
    Row(ACT, "resume", "cli.commands.stand:resume", "Act again."),
    Row(ACT, "override", "cli.commands.override:app", "Orders about regions: add, list, clear."),
    Row(POLICIES, "validate", "cli.commands.validate:validate", "Check policies: every mistake, and how to mend it."),
    Row(POLICIES, "schema", "cli.commands.schema:schema", "What may be written in a kind of document, for editors."),
    Row(TRY, "demo", "cli.commands.demo:demo", "Lose a region of a real small estate, and see what users saw."),
    Row(TRY, "simulate", "cli.commands.simulate:simulate", "Let the daemon live through scenarios in a false world."),
    Row(TRY, "verify", "cli.commands.verify:verify", "Hours of random trouble: whether any rule is ever broken."),
    Row(TRY, "whatif", "cli.commands.whatif:whatif", "Two sets of policies through the same outages: which is better."),
    Row(TRY, "sandbox", "cli.commands.sandbox:app", "A real small estate on this machine: up, down, status, fault."),
    Row(RUN, "daemon", "cli.commands.daemon:daemon", "Watch, decide, act and answer, until it is told to stop."),
)
