"""The hook that makes a replaced primary follow the new one: pg_rewind needs its files, which are somebody else's."""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO

from controlplane.model.errors import Broken, DriverError, Retry

_TAIL = 300
_POLL_S = 0.05


class Follow:
    """Runs a command once at a time for each region, beside the acts: nobody waits for a server to come back."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command = command
        self._timeout_s = timeout_s
        self._running: dict[str, asyncio.Task[None]] = {}
        self.problems: dict[str, str] = {}

    def start(self, names: Mapping[str, str]) -> None:
        """Begin for ``names["region"]``, unless no command is given or it runs already. ``{region}``, ``{primary}`` and
        ``{datastore}`` in its words are filled in."""
        region = names["region"]
        known = self._running.get(region)
        if self._command and (known is None or known.done()):
            self._running[region] = asyncio.get_running_loop().create_task(self._run(names))

    def words(self) -> str:
        """Who is being made to follow, and who could not be."""
        said = [
            f"{region} is being made to follow" for region, task in sorted(self._running.items()) if not task.done()
        ]
        return "; ".join([*said, *(f"{region}: {problem}" for region, problem in sorted(self.problems.items()))])

    async def _run(self, names: Mapping[str, str]) -> None:
        region = names["region"]
        self.problems.pop(region, None)
        try:
            await self._command_of(names)
        except DriverError as error:
            self.problems[region] = str(error)

    async def _command_of(self, names: Mapping[str, str]) -> None:
        words = [_filled(word, names) for word in self._command]
        with TemporaryFile() as said:  # no pipes: what the command leaves running may not hold this one up
            child = _begin(words, said)
            try:
                async with asyncio.timeout(self._timeout_s):
                    while child.poll() is None:  # noqa: ASYNC110  asyncio's own waiting hangs if it is cancelled early
                        await asyncio.sleep(_POLL_S)
            except TimeoutError as error:
                raise Retry(f"{words[0]} did not end within {self._timeout_s:g} s") from error
            finally:
                if child.returncode is None:
                    child.kill()
                    child.wait()
            said.seek(0)
            if child.returncode:
                tail = said.read().decode(errors="replace").strip()[-_TAIL:]
                raise Broken(f"{words[0]} ended with {child.returncode}: {tail}")


def _begin(words: Sequence[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    except OSError as error:
        raise Broken(f"{words[0]}: {error.strerror}") from error


def _filled(word: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        word = word.replace(f"{{{name}}}", value)
    return word
