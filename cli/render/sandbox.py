"""The sandbox for people: how far its start has come, how it stands, what is broken on purpose."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import Field
from rich.console import Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from cli.documents import Doc
from cli.render.grid import grid, next_steps, section
from cli.render.terminal import clean, console, tell

if TYPE_CHECKING:
    from controlplane.sandbox.plan import SandboxPlan
    from controlplane.sandbox.rise import Step


class Rising:
    """Progress on stderr: a bar on a terminal, the last line of it elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = console(stderr=True)
        self._bar = Progress(
            TextColumn("starting"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, step: "Step") -> None:
        """One more part is ready."""
        self._bar.update(self._task, total=step.of, completed=step.done, description=clean(step.what))
        if step.done == step.of and not self._quiet and not self._console.is_terminal:
            tell(f"{step.of} of {step.of} parts are up")


class ProcessDoc(Doc):
    """One process."""

    name: str
    kind: str
    region: str | None = None
    pid: int
    alive: bool


class FaultDoc(Doc):
    """A fault in force."""

    id: str
    kind: str
    region: str
    parameters: Mapping[str, object] = Field(default_factory=dict)


class PlaceDoc(Doc):
    """A region: where its shop is, and what it says of itself."""

    url: str
    shop: object = None


class SandboxDoc(Doc):
    """How a sandbox stands."""

    directory: str
    up: bool
    edge: str
    admin: str
    regions: Mapping[str, PlaceDoc] = Field(default_factory=dict)
    datastores: Mapping[str, str | None] = Field(default_factory=dict)
    processes: tuple[ProcessDoc, ...] = ()
    faults: tuple[FaultDoc, ...] = ()


def up_view(plan: "SandboxPlan", policies: Path, *, stays: bool) -> RenderableType:
    """Where it is, and what to do with it."""
    rows = [(region, plan.region_url(region), place.jurisdiction) for region, place in plan.regions.items()]
    lines = [
        Text(f"The sandbox is up: {plan.edge_url}", "bold green"),
        section("Regions", grid(("REGION", "SHOP", "LAW"), rows)),
        next_steps(
            (f"leeward daemon --policies {policies}", "run the control plane over it"),
            (f"leeward sandbox fault kill {next(iter(plan.regions))} --dir {plan.home}", "lose a region"),
            (f"leeward sandbox down --dir {plan.home}", "end it"),
        ),
    ]
    return Group(*lines, *([Text("\nCtrl-C takes it down.", "dim")] if stays else []))


def down_view(plan: "SandboxPlan") -> RenderableType:
    """That it is gone."""
    return Text(f"The sandbox in {plan.home} is down.")


def sandbox_view(status: SandboxDoc) -> RenderableType:
    """Whether it is up, what is broken, what runs where."""
    dead = [process.name for process in status.processes if not process.alive]
    if not status.up:
        return Text(f"The sandbox in {clean(status.directory)} is down.")
    head = Text(f"The sandbox is up: {clean(status.edge)}", "bold green")
    if dead:
        head.append(f"; {len(dead)} of {len(status.processes)} processes are dead", "bold red")
    rows = [
        (
            region,
            answer.url,
            Text("answers", "green") if answer.shop is not None else Text("silent", "red"),
        )
        for region, answer in status.regions.items()
    ]
    blocks: list[RenderableType] = [head, section("Regions", grid(("REGION", "SHOP", "STATE"), rows))]
    if status.datastores:
        stores = [(name, "primary in", primary or "nowhere") for name, primary in status.datastores.items()]
        blocks.append(section("Datastores", grid(("", "", ""), stores)))
    if status.faults:
        faults = [
            (one.id, one.kind, one.region, " ".join(f"{name}={value}" for name, value in one.parameters.items()))
            for one in status.faults
        ]
        blocks.append(section("Broken on purpose", grid(("ID", "KIND", "REGION", ""), faults)))
        blocks.append(next_steps((f"leeward sandbox mend {status.faults[-1].id} --dir {status.directory}", "mend it")))
    return Group(*blocks)


def fault_view(fault: str, kind: str, region: str) -> RenderableType:
    """What was broken, and how it is mended."""
    return Group(
        Text(f"{clean(kind)} of {clean(region)} is in force as {clean(fault)}.", "bold"),
        next_steps((f"leeward sandbox mend {clean(fault)}", "mend it"), ("leeward watch", "see what is done about it")),
    )


def mended_view(faults: Sequence[str]) -> RenderableType:
    """What was mended."""
    return Text(f"Mended: {', '.join(map(clean, faults))}." if faults else "Nothing was broken.")
