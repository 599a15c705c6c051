"""Commands that show decisions: plan, explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.completion import complete_left
from cli.options import DEFAULT_DAEMON, Daemon, Direct, Json, Policies, Store, Where, where

if TYPE_CHECKING:
    from controlplane.model.estate import Estate
    from controlplane.model.journal import Json as Value
    from controlplane.model.world import World

WorldFile = Annotated[
    Path | None,
    typer.Option(
        "--world",
        metavar="FILE",
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
    from controlplane.model.errors import WrongUse
    from controlplane.service.files import read_world

    if not policies:
        raise WrongUse("name the policies with --policies: a decision is made from them and the world")
    return read_world(policies, world)


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
    place = where(daemon, direct=direct, policies=policies, store=store)
    answer: Value
    if world is not None:
        answer = _explain_from_files(policies, world, asked, changes)
    elif changes:
        answer = _imagine_from_desk(place, asked, changes)
    else:
        answer = ask(place, lambda desk: desk.explain(asked))
    if as_json:
        show_json(answer)
    else:
        show(explained_view(ExplainedDoc.model_validate(answer)))


def _explain_from_files(policies: list[Path] | None, world: Path, asked: str, changes: tuple[str, ...]) -> "Value":
    from controlplane.service.what_if import explain_for_world
    from controlplane.service.wire.what_if import imagined_json

    estate, facts = _from_files(policies, world)
    return imagined_json(explain_for_world(estate, facts, asked, changes))


def _imagine_from_desk(place: Where, asked: str, changes: tuple[str, ...]) -> "Value":
    """Decide again here, from the daemon's world and its policies: those named, else its own, if they lie here too."""
    import json
    from tempfile import NamedTemporaryFile

    from cli.desk import ask
    from cli.documents import StatusDoc

    policies = list(place.policies)
    if not policies:
        status = StatusDoc.model_validate(ask(place, lambda desk: desk.status()))
        policies = [path for path in map(Path, status.policies.paths) if path.exists()]
    facts = ask(place, lambda desk: desk.world())
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(facts, file)
        file.flush()
        return _explain_from_files(policies, Path(file.name), asked, changes)
