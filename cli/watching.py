"""Following a daemon for as long as somebody looks: when it stops answering it is asked again, until Ctrl-C."""

import asyncio
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from cli.desk import run
from cli.options import Where
from cli.render.live import Lines, Screen, Values, Watch
from cli.render.terminal import is_terminal
from controlplane.model.errors import Unreachable
from controlplane.model.journal import Json

if TYPE_CHECKING:
    from controlplane.api.client import Client

_RETRY_S = 1.0
_BEFORE = 10


def follow(place: Where, *, as_json: bool) -> None:
    """Show until Ctrl-C, which is how it is meant to end. Raises Unreachable if nobody has answered even once."""
    with (
        Screen() if is_terminal(sys.stdout) and not as_json else nullcontext(Values() if as_json else Lines()) as watch
    ):
        try:
            run(_follow(place, watch))
        except KeyboardInterrupt:
            return


async def _follow(place: Where, watch: Watch) -> None:
    from controlplane.api.client import Client

    heard: int | None = None
    answered = False
    while True:
        try:
            async with Client(place.daemon) as client:
                if not answered:
                    heard = await _begin(client, watch)
                    answered = True
                async for kind, document in client.events(heard):
                    if kind == "entry":
                        watch.entry(document)
                        heard = _seq(document) or heard
                    else:
                        watch.status(document)
        except Unreachable as error:
            if not answered:
                raise
            watch.silence(str(error))
            await asyncio.sleep(_RETRY_S)


async def _begin(client: "Client", watch: Watch) -> int:
    """What came just before, so that the picture is not empty; where the journal then stands."""
    recent = await client.history(limit=_BEFORE)
    last = 0
    for document in recent if isinstance(recent, list) else []:
        watch.entry(document)
        last = _seq(document) or last
    return last


def _seq(document: Json) -> int | None:
    seq = document.get("seq") if isinstance(document, dict) else None
    return seq if isinstance(seq, int) else None
