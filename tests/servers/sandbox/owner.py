"""``python -m tests.servers.sandbox.owner DIRECTORY attached|detached``: brings a sandbox up, says so, and waits."""

import asyncio
import sys
from pathlib import Path

from controlplane.sandbox.planning import Options
from controlplane.sandbox.sandbox import Sandbox
from tests.servers.sandbox.small_estate import small_estate


async def _own(directory: Path, *, attached: bool) -> None:
    sandbox = Sandbox.create(small_estate(), directory, Options(rate=50, ofrep="http://127.0.0.1:9"))
    try:
        await sandbox.up(attached=attached)
        sys.stdout.write("up\n")
        sys.stdout.flush()
        await asyncio.sleep(60)
    finally:
        sandbox.down()


if __name__ == "__main__":
    asyncio.run(_own(Path(sys.argv[1]), attached=sys.argv[2] == "attached"))
