"""Commands that show decisions: plan, explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.completion import complete_left
from cli.options import DEFAULT_DAEMON, Daemon, Direct, Json, Policies, Store, where

if TYPE_CHECKING:
    from controlplane.model.estate import Estate
    from controlplane.model.journal import Json as Value
    from controlplane.model.world import World

WorldFile = Annotated[
    Path | None,
    typer.Option(
        "--world",
        help="Decide for the world in this file, from --policies alone: no daemon, nothing touched.",
        show_default=False,
    ),
]
WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="CHANGE",
        help="Decide again as if: capacity.frankfurt=+80, demand.checkout.DE=*1.5, state.dublin=down, "
        "lag.orders-db.frankfurt=1s, knob.coupons=off, safety.maxDrainedRegions=2. May be repeated.",
        show_default=False,
    ),
]
Asked = Annotated[
    str,
    typer.Argument(
        help="An action of the plan, a region, service, datastore or knob, or a journal entry's number.",
        metavar="ID",
        autocompletion=complete_left,
    ),
]


def plan(
    policies: Policies = None,
    world: WorldFile = None,
    as_json: Json = False,
    daemon: Daemon = DEFAULT_DAEMON,
    direct: Direct = False,
    store: Store = None,
) -> None:
    """What would be done now, in order, with what is held back and why.

    With --policies and --world the decision is made here, without a daemon; otherwise the daemon is asked for its last.
    """
    from cli.desk import ask
    from cli.documents import PlanDoc
    from cli.render.plan import plan_view
    from cli.render.terminal import show, show_json

    decided: Value
    turned = None
    if world is not None:
        from controlplane.service.service import plan_for_world
        from controlplane.service.turned import turned_knobs
        from controlplane.service.wire.plan import plan_json

        estate, facts = _from_files(policies, world)
        made = plan_for_world(estate, facts)
        decided, turned = plan_json(made), turned_knobs(estate, made.knobs)
    else:
        decided = ask(where(daemon, direct=direct, policies=policies, store=store), lambda desk: desk.plan())
    if as_json:
        show_json(decided)
    else:
        show(plan_view(PlanDoc.model_validate(decided), turned))


def _from_files(policies: list[Path] | None, world: Path) -> "tuple[Estate, World]":
    from controlplane import wiring
    from controlplane.model.errors import WrongUse

    if not policies:
        raise WrongUse("--world needs --policies: a decision is made from both")
    return wiring.read_world(tuple(policies), world)


def explain(
    asked: Asked,
    what_if: WhatIf = None,
    policies: Policies = None,
    world: WorldFile = None,
    as_json: Json = False,
    daemon: Daemon = DEFAULT_DAEMON,
    direct: Direct = False,
    store: Store = None,
) -> None:
    """Why something is done or not done, what stands against it, and what would change it."""
    from cli.desk import ask
    from cli.documents import ExplainedDoc
    from cli.render.explain import explained_view
    from cli.render.terminal import show, show_json

    changes = tuple(what_if or ())
    answer: Value
    if world is not None:
        answer = _explain_from_files(policies, world, asked, changes)
    else:
        place = where(daemon, direct=direct, policies=policies, store=store)
        answer = ask(place, lambda desk: desk.explain(asked, changes))
    if as_json:
        show_json(answer)
    else:
        show(explained_view(ExplainedDoc.model_validate(answer)))


def _explain_from_files(policies: list[Path] | None, world: Path, asked: str, changes: tuple[str, ...]) -> "Value":
    from controlplane.service.what_if import explain_for_world
    from controlplane.service.wire.what_if import imagined_json

    estate, facts = _from_files(policies, world)
    return imagined_json(explain_for_world(estate, facts, asked, changes))
