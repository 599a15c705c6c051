"""The daemon is killed at every call it ever makes to the outside, and another goes on."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from controlplane.model.act import Desired, Holder, Primary, Weights
from controlplane.model.journal import EntryKind
from tests.unit.engine.estates import small_estate
from tests.unit.engine.ports import Killed, Stage

HOME = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})


@dataclass
class Fuse:
    """Burns one step at each call to the outside; at nought the process is dead, before or after that call."""

    steps: int
    after: bool
    blown: bool = False

    def burn(self) -> bool:
        """Whether the process dies at this call."""
        if self.blown:
            raise Killed
        self.steps -= 1
        return self.steps < 0


class Mortal:
    """A port of a process that dies with its fuse: whatever it would do afterwards does not happen."""

    def __init__(self, port: Any, fuse: Fuse, verbs: tuple[str, ...]) -> None:
        self._port, self._fuse, self._verbs = port, fuse, verbs

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._port, name)

        async def call(*given: Any, **named: Any) -> Any:
            fuse = self._fuse
            dies = fuse.burn() if name in self._verbs else False
            if dies and not fuse.after:
                fuse.blown = True
                raise Killed
            answer = await verb(*given, **named)
            if dies or fuse.blown:
                fuse.blown = True
                raise Killed
            return answer

        return call


class Doomed(Stage):
    """A first daemon that leads and has a fuse, and a second that follows."""

    def __init__(self, steps: int, *, after: bool) -> None:
        super().__init__(small_estate())
        for service in ("checkout", "search"):
            self.world.put(service, HOME)
        self.world.put("settlement", Holder("dublin"))
        self.world.put("orders-db", Primary("dublin", 0.0))
        self.fuse = Fuse(10**9, after)
        self.steps = steps

    def mortal(self) -> Any:
        whole, driver = self.store, self.driver
        fuse = self.fuse

        class Stores:
            journal = Mortal(whole.journal, fuse, ("append",))
            state = Mortal(whole.state, fuse, ("save",))
            leases = Mortal(whole.leases, fuse, ())

        self.store = Stores()  # type: ignore[assignment]
        daemon = self.daemon("first", driver=Mortal(driver, fuse, ("read", "apply", "confirm")))  # type: ignore[arg-type]
        self.store = whole
        return daemon

    async def play(self) -> bool:
        """Live through a lost region; answers whether the fuse was long enough for the first daemon to survive."""
        first, second = self.mortal(), self.daemon("second")
        task = self.start(first)
        await asyncio.sleep(0)
        self.start(second)
        await self.live(3)
        self.fuse.steps = self.steps
        await self.live(8, "dublin")
        survived = not self.fuse.blown
        self.fuse.blown = True
        self.daemons.remove(first)
        await asyncio.gather(task, return_exceptions=True) if task.done() else task.cancel()
        await self.live(18, "dublin")
        return survived


def outcome_of(steps: int, *, after: bool) -> tuple[bool, Doomed, list[Any]]:
    stage = Doomed(steps, after=after)
    found: list[Any] = []
    survived = False

    async def main() -> None:
        nonlocal survived
        survived = await stage.play()
        found.extend(await stage.journal())
        stage.daemons[-1].stop()
        await asyncio.sleep(20)

    stage.run(main())
    return survived, stage, found


def effects(stage: Doomed) -> dict[str, list[Desired]]:
    done: dict[str, list[Desired]] = {}
    for subject, desired, _ in stage.world.did:
        done.setdefault(subject, []).append(desired)
    return done


@pytest.mark.parametrize("after", [False, True], ids=["before-the-call", "after-the-call"])
def test_killed_at_any_instant_the_next_daemon_goes_on_and_repeats_nothing(after: bool) -> None:
    steps, survived = 0, False
    while not survived:
        survived, stage, journal = outcome_of(steps, after=after)
        where = f"killed at step {steps}"
        for service in ("checkout", "search"):
            value = stage.world.values[service, "Weights"]
            assert isinstance(value, Weights)
            assert all("dublin" not in by_region for by_region in value.shares.values()), where
        assert stage.world.values["orders-db", "Primary"] == Primary("frankfurt", 1.0), where
        assert stage.world.values["settlement", "Holder"] == Holder("frankfurt"), where
        for subject, done in effects(stage).items():
            assert len(done) == len({repr(one) for one in done}), f"{where}: {subject} was done twice: {done}"
        open_intents = {e.seq for e in journal if e.kind is EntryKind.INTENT} - {
            e.facts["intent"] for e in journal if e.kind is EntryKind.OUTCOME
        }
        assert not open_intents, where
        steps += 1
    assert steps > 20, "the fuse must have burnt through the whole of the failover"


def test_whoever_takes_the_lead_finds_what_the_world_says_and_not_what_was_last_written() -> None:
    stage = Doomed(10**9, after=False)

    async def main() -> None:
        first = stage.daemon("first")
        task = stage.start(first)
        await stage.live(3)
        first.stop()
        await task
        moved = Weights({"DE": {"stockholm": 1.0}, "IE": {"dublin": 1.0}})
        stage.world.put("checkout", moved)
        second = stage.daemon("second")
        await second.tick()
        assert second.machine.keeper.state.shares["checkout"] == moved.shares

    stage.run(main())


def test_a_verdict_keeps_its_age_when_the_lead_changes_hands() -> None:
    stage = Doomed(10**9, after=False)

    async def main() -> None:
        first = stage.daemon("first")
        task = stage.start(first)
        await stage.live(60)
        first.stop()
        await task
        second = stage.daemon("second")
        stage.see()
        await second.tick()
        since = second.machine.decider.verdicts["dublin", "checkout"].since
        assert since is not None
        assert (stage.clock.now() - since).total_seconds() >= 59

    stage.run(main())
