"""A process that writes to a store until told otherwise: for tests of crashes, limits and rights.

    python -m tests.contract.store.writer ADDRESS COUNT [RLIMIT_FSIZE] [USER]

Writes the ``seq`` of each entry once it is acknowledged, or the error that ended it.
"""

import asyncio
import os
import pwd
import resource
import sys

from controlplane.model.errors import LeewardError
from controlplane.store.sql import open_store
from tests.contract.store.harness import entry


async def write(address: str, count: int) -> None:
    """Append entries one by one, each with some weight; a count of 0 goes on for ever."""
    store = await open_store(address)
    written = 0
    try:
        while not count or written < count:
            (line,) = await store.journal.append([entry(f"process {os.getpid()}", facts={"weight": "x" * 500})])
            sys.stdout.write(f"{line.seq}\n")
            sys.stdout.flush()
            written += 1
    finally:
        await store.close()


def main() -> int:
    """Take on the limits, then write."""
    address, count = sys.argv[1], int(sys.argv[2])
    if len(sys.argv) > 3 and int(sys.argv[3]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    if len(sys.argv) > 4:
        account = pwd.getpwnam(sys.argv[4])
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    try:
        asyncio.run(write(address, count))
    except LeewardError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
