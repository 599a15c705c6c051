"""A held connection that ends in the middle of an ordinary look."""

import asyncio

from controlplane.model.evidence import Reading
from tests.servers.test_probes_on_sockets import OK, watch, watching
from tests.servers.wall import until


async def test_an_answer_from_before_the_end_does_not_confirm_that_all_is_well() -> None:
    connected: list[asyncio.StreamWriter] = []
    asked = 0

    async def answer_and_die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        connected.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(OK)
        if asked == 2:
            server.close()
            for each in connected:
                each.close()

    server = await asyncio.start_server(answer_and_die, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with watching(watch(f"http://127.0.0.1:{port}/", interval_s=60.0, hold=True)) as (seen, scheduler):
        (target,) = scheduler._targets.values()
        target.look()
        await until(lambda: len(connected) == 2, "a look and a held connection")
        target.look()
        await until(lambda: seen.readings()[Reading.FAILED] >= 3, "the end and two confirming looks")
    assert seen.of(Reading.FAILED)[0].detail == "the connection held open ended"
