"""The HTTP face in a process of its own, over a desk that stands still: ``python -m tests.servers.api.daemon``.

Writes its address, and ends on SIGTERM.
"""

import asyncio
import signal
import sys

from tests.servers.api.conftest import start


async def main() -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with start() as daemon:
        sys.stdout.write(f"{daemon.url}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
