"""The arc-region-switch driver: plans of Region switch, started, followed and approved.

The plan says how its workloads move; this starts it for a region and follows it to its end. A plan is asked in the AWS
region that is activated, where its own copy runs. The comment of an execution carries epoch and key, and what has been
executed is the memory that an old epoch is turned away by.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from controlplane.drivers import FLAG, NUMBER, WORD, WORD_LIST, WORD_MAP, Kind, left_s, mistakes_in, word_map
from controlplane.drivers.aws.calls import Calls, Where
from controlplane.drivers.aws.stamp import Stamp
from controlplane.model.act import Act, Capability, Confirmation, Desired, Fence, Holder, Primary
from controlplane.model.errors import Broken, Conflict, Refused, Retry
from controlplane.model.resources.kind import Setting

_DONE = frozenset({"completed", "completedWithExceptions", "completedMonitoringApplicationHealth"})
_GIVEN_UP = frozenset({"canceled", "failed", "planExecutionTimedOut"})
_PAGES = 5
_FENCE = Kind("deactivate or activation", lambda value: value in {"deactivate", "activation"})


@dataclass(frozen=True, slots=True)
class Manner:
    """How the plan is meant. ``fences_itself``: it cannot deactivate, since its activation ends the old side first."""

    graceful: bool = False
    fences_itself: bool = False


class RegionSwitchDriver:
    """One plan. ``activate`` makes a region the holder or primary, ``deactivate`` fences one."""

    def __init__(self, places: Mapping[str, Calls], plan: str, approve: frozenset[str], manner: Manner) -> None:
        self._places, self._plan, self._approve, self._manner = dict(places), plan, approve, manner

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """Where the last activation that was completed has led; the plan's primary region if there was none."""
        verb, _ = _verb(like)
        calls, executions = await self._look(like)
        done = [one for one in executions if one["executionState"] in _DONE]
        if isinstance(like, Fence):
            fenced = self._aws_region(like.region)
            last = next((one for one in done if one["executionRegion"] == fenced), None)
            return like if last is not None and last["executionAction"] == verb else None
        last = next((one for one in done if one["executionAction"] == "activate"), None)
        aws = last["executionRegion"] if last is not None else await self._first(calls)
        region = next((name for name, calls in self._places.items() if calls.where.region == aws), None)
        if isinstance(like, Primary):
            return None if region is None else Primary(region, like.max_loss_s)
        return Holder(region)

    async def apply(self, act: Act) -> None:
        """Start the plan, unless this act has done so already."""
        left_s(act)
        verb, region = _verb(act.desired)
        if verb == "deactivate" and self._manner.fences_itself:
            return
        calls, executions = await self._look(act.desired)
        if self._mine(act, executions) is not None:
            return
        if await self.read(act.subject, act.desired) == act.desired:
            return
        await calls.ask(
            "start_plan_execution",
            planArn=self._plan,
            targetRegion=self._aws_region(region),
            action=verb,
            mode="graceful" if self._manner.graceful else "ungraceful",
            comment=str(Stamp.of(act)),
            clientToken=blake2b(act.once_key.encode(), digest_size=16).hexdigest(),
        )

    async def confirm(self, act: Act) -> Confirmation:
        """Follow the execution; steps that wait for approval and are named in ``approve`` get it."""
        if isinstance(act.desired, Fence) and self._manner.fences_itself:
            return Confirmation(done=True, effect=False, detail="the plan's activation ends the old side itself")
        calls, executions = await self._look(act.desired)
        mine = self._mine(act, executions)
        if mine is None:
            there = await self.read(act.subject, act.desired) == act.desired
            effect = act.previous is None or act.previous != act.desired
            return Confirmation(done=there, effect=effect, detail="" if there else "the plan has not been started")
        state = str(mine["executionState"])
        if state in _DONE:
            return Confirmation(done=True, detail=state, in_force=True)
        if state in _GIVEN_UP:
            raise Refused(f"the execution {mine['executionId']} ended: {state}")
        this = {"planArn": self._plan, "executionId": mine["executionId"]}
        steps = (await calls.ask("get_plan_execution", **this)).get("stepStates", [])
        waiting = {str(step["name"]) for step in steps if step.get("status") == "pendingApproval"}
        for step in sorted(self._approve & waiting):
            said = {"stepName": step, "approval": "approve", "comment": str(Stamp.of(act))}
            await calls.ask("approve_plan_execution_step", **this, **said)
        left = sorted(waiting - self._approve)
        return Confirmation(done=False, detail=f"{state}; waits for approval: {', '.join(left)}" if left else state)

    async def undo(self, act: Act) -> None:
        """Cancel what has not ended. What has been completed is not undone by this: going back is another act."""
        calls, executions = await self._look(act.desired)
        mine = self._mine(act, executions)
        if mine is None or mine["executionState"] in _GIVEN_UP:
            return
        if mine["executionState"] in _DONE:
            raise Refused(f"{self._plan} has been executed: going back is an execution of its own")
        asked = {"planArn": self._plan, "executionId": mine["executionId"], "comment": str(Stamp.of(act, undone=True))}
        await calls.ask("cancel_plan_execution", **asked)

    def _mine(self, act: Act, executions: list[dict[str, Any]]) -> dict[str, Any] | None:
        stamps = [(Stamp.read(str(one.get("comment", ""))), one) for one in executions]
        for stamp, _ in stamps:
            stamp.guard(act)
        mine = next((one for stamp, one in stamps if stamp.is_of(act)), None)
        running = [one for _, one in stamps if one["executionState"] not in _DONE | _GIVEN_UP]
        if mine is None and running:
            raise Conflict(f"{running[0]['executionId']} is under way, and was not started by this act")
        return mine

    async def _look(self, desired: Desired) -> tuple[Calls, list[dict[str, Any]]]:
        """Executions, the latest first, and the place that told of them: for an activation the region itself, for a
        fence any other, since the one that is fenced may be dead."""
        verb, region = _verb(desired)
        here = self._place(region)
        others = [calls for name, calls in self._places.items() if name != region]
        *first, last = [here] if verb == "activate" else [*others, here]
        for calls in first:
            with suppress(Retry, Broken):
                return calls, await self._listed(calls)
        return last, await self._listed(last)

    async def _listed(self, calls: Calls) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {"planArn": self._plan}
        for _ in range(_PAGES):
            answer = await calls.ask("list_plan_executions", **asked)
            found += answer.get("items", [])
            if not answer.get("nextToken"):
                break
            asked["nextToken"] = answer["nextToken"]
        if not found:
            await self._first(calls)  # nothing was ever executed, or what answers is no AWS: the plan itself tells
        return sorted(found, key=lambda one: (one["startTime"], one["executionId"]), reverse=True)

    async def _first(self, calls: Calls) -> str | None:
        plan = (await calls.ask("get_plan_in_region", arn=self._plan))["plan"]
        return str(plan["primaryRegion"]) if "primaryRegion" in plan else None

    def _place(self, region: str) -> Calls:
        if region not in self._places:
            raise Refused(f"no AWS region is given for {region}")
        return self._places[region]

    def _aws_region(self, region: str) -> str:
        return str(self._place(region).where.region)


def _verb(desired: Desired) -> tuple[str, str]:
    match desired:
        case Holder(region=str(region)) | Primary(region=region):
            return "activate", region
        case Fence(region=region):
            return "deactivate", region
        case _:
            raise Refused(f"Region switch activates and deactivates regions; it has no plan for {desired}")


class RegionSwitchDrivers:
    """Makes arc-region-switch drivers.

    Settings: ``plan`` (its ARN), ``regions`` (AWS region by region), ``approve`` (names of manual approval steps that
    Leeward may approve; absent: a person does), ``graceful`` (the mode; false), ``fence`` (``deactivate``: by the plan;
    ``activation``: an active/passive plan, whose activation ends the old side), ``profile``, ``timeout``.
    """

    capabilities = frozenset({Capability.HOLDER, Capability.PRIMARY, Capability.FENCE})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        known = {"plan": WORD, "regions": WORD_MAP, "approve": WORD_LIST, "graceful": FLAG, "fence": _FENCE}
        return mistakes_in(settings, {**known, "profile": WORD, "timeout": NUMBER}, needed=("plan", "regions"))

    def __call__(self, settings: Mapping[str, Setting]) -> RegionSwitchDriver:
        """A driver for one plan."""
        regions = word_map(settings, "regions")
        places = {name: Calls("arc-region-switch", Where.of(settings, aws)) for name, aws in regions.items()}
        steps = settings.get("approve")
        approve = frozenset(str(step) for step in steps) if isinstance(steps, list) else frozenset()
        manner = Manner(settings.get("graceful") is True, settings.get("fence") == "activation")
        return RegionSwitchDriver(places, str(settings["plan"]), approve, manner)


arc_region_switch = RegionSwitchDrivers()
