"""Every changing command in one shape: show what would happen, ask, do it, say what became of it."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from cli.options import (
    DEFAULT_DAEMON,
    By,
    Daemon,
    Direct,
    Json,
    Lasting,
    Manner,
    Policies,
    Preview,
    Reason,
    Store,
    TokenFile,
    Where,
    Yes,
    whoever,
)

if TYPE_CHECKING:
    from cli.desk import Desk
    from cli.documents import StatusDoc
    from controlplane.model.journal import Json as Value
    from controlplane.service.verbs import Said, Verb

_FAILED, _WAITS = 1, 4
_COMMON = {
    "reason": (Reason, ""),
    "by": (By, None),
    "lasting": (Lasting, "4h"),
    "yes": (Yes, False),
    "preview": (Preview, False),
    "as_json": (Json, False),
    "daemon": (Daemon, DEFAULT_DAEMON),
    "token_file": (TokenFile, None),
    "direct": (Direct, False),
    "policies": (Policies, None),
    "store": (Store, None),
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a command asks for: ``what`` says it in words, ``undo`` is the command that takes it back.

    ``more``: verbs that follow the first, in order. What they are about may be over by then, which is no error.
    """

    verb: "Verb"
    what: str
    undo: str = ""
    more: "tuple[Verb, ...]" = ()


Asked: TypeAlias = "Change | Callable[[StatusDoc], Change]"
"""What a command asks for, or how that follows from what is so now."""


def changing(*, lasts: bool = True) -> Callable[[Callable[..., Asked]], Callable[..., None]]:
    """Make a command of a function from its own arguments to a Change: the options of all changing commands are added.

    ``lasts``: what is asked for ends by itself after a while, and ``--for`` says when.
    """
    names = [name for name in _COMMON if lasts or name != "lasting"]

    def make(ask: Callable[..., Asked]) -> Callable[..., None]:
        own = inspect.signature(ask)

        @wraps(ask)
        def command(**given: Any) -> None:
            common = {name: given.pop(name) for name in names}
            _carry_out(ask(**given), _where(common), _manner(common))

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
            for name, (annotation, default) in _COMMON.items()
            if name in names
        ]
        parameters = [*own.parameters.values(), *added]
        command.__signature__ = own.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return command

    return make


def _where(common: dict[str, Any]) -> Where:
    policies = tuple(common["policies"] or ())
    return Where(common["daemon"], common["direct"], policies, common["store"], common["token_file"])


def _manner(common: dict[str, Any]) -> Manner:
    lasting = common.get("lasting", "4h")
    return Manner(common["as_json"], common["yes"], common["preview"], common["reason"], common["by"], lasting)


def _carry_out(asked: Asked, place: Where, manner: Manner) -> None:
    from cli.desk import run
    from cli.render.terminal import can_ask
    from controlplane.model.errors import WrongUse

    if not (manner.yes or manner.preview or can_ask()):
        raise WrongUse(
            "Nobody is there to be asked, since this is not a terminal.\n"
            "Pass --yes to do it without being asked, or --preview to see what would happen."
        )
    if code := run(_ask_and_do(asked, place, manner)):
        raise typer.Exit(code)


async def _ask_and_do(asked: Asked, place: Where, manner: Manner) -> int:
    """Show, ask, do. What is refused is printed as a value for a program, and told as an error to a person."""
    from cli.desk import open_desk
    from cli.documents import ReceiptDoc, StatusDoc
    from cli.render.change import many_view, preview_view, receipt_view
    from cli.render.terminal import ask, show, show_json, tell
    from controlplane.model.errors import RefusedByRule

    said = _said(manner)
    async with open_desk(place) as desk:
        change = asked(StatusDoc.model_validate(await desk.status())) if callable(asked) else asked
        foreseen = await desk.preview(change.verb, said)
        preview = ReceiptDoc.model_validate(foreseen)
        view = many_view(change.what) if change.more else preview_view(change.what, preview)
        if manner.preview:
            show_json(foreseen) if manner.json else show(view)
        elif not manner.json:
            tell(view)
        if not preview.accepted and not preview.second_person:
            if manner.json and not manner.preview:
                show_json(foreseen)
            raise RefusedByRule(preview.why, preview.rules)
        if manner.preview:
            return 0
        if not manner.yes and not await ask("Do it?"):
            tell("Nothing was changed.")
            return _FAILED
        done = await _do(desk, change, said)
    receipts = [ReceiptDoc.model_validate(one) for one in done]
    if manner.json:
        show_json([*done] if change.more else done[0])
    else:
        show(receipt_view(receipts[-1], change.undo, direct=place.direct))
    if any(receipt.waiting for receipt in receipts):
        return _WAITS
    return _FAILED if any(one.failed for receipt in receipts for one in receipt.outcomes) else 0


async def _do(desk: "Desk", change: Change, said: "Said") -> "list[Value]":
    from controlplane.model.errors import WrongUse

    done = [await desk.do(change.verb, said)]
    for verb in change.more:
        with suppress(WrongUse):
            done.append(await desk.do(verb, said))
    return done


def _said(manner: Manner) -> "Said":
    from controlplane.model.errors import WrongUse
    from controlplane.model.resources.kind import parse_duration
    from controlplane.service.verbs import NO_REASON, Said

    try:
        lasting = parse_duration(manner.lasting)
    except ValueError as error:
        raise WrongUse(f"--for {manner.lasting}: {error}") from error
    return Said(whoever(manner.by), manner.reason or NO_REASON, lasting)
