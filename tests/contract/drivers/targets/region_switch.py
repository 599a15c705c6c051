"""A Region switch plan behind AWS's own model of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controlplane.drivers.aws.region_switch import RegionSwitchDriver, arc_region_switch
from controlplane.model.act import Fence, Holder
from controlplane.model.resources.kind import Setting
from tests.contract.drivers.cases import Bench, case
from tests.servers.aws import planted
from tests.servers.aws_double import Double

PLAN = "arn:aws:arc-region-switch::111122223333:plan/settlement:a1b2c3"
REGIONS: dict[str, Setting] = {"dublin": "eu-west-1", "frankfurt": "eu-central-1"}
BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Plan:
    """Executions of one plan, each with one step that waits for approval; one state seen from every region."""

    def __init__(self) -> None:
        self.executions: list[dict[str, Any]] = []
        self.double = Double(
            {
                "ListPlanExecutions": lambda _: {"items": [dict(one) for one in self.executions]},
                "GetPlanInRegion": lambda _: {"plan": self._plan()},
                "StartPlanExecution": self._start,
                "GetPlanExecution": self._get,
                "ApprovePlanExecutionStep": self._approve,
                "CancelPlanExecution": self._cancel,
            }
        )

    def driver(self, **more: Setting) -> RegionSwitchDriver:
        """A driver of it."""
        settings: dict[str, Setting] = {"plan": PLAN, "regions": dict(REGIONS), "approve": ["data-is-whole"], **more}
        assert arc_region_switch.mistakes(settings) == ()
        made = arc_region_switch(settings)
        for calls in made._places.values():
            calls._made = self.double
        return made

    def picture(self) -> list[tuple[str, str]]:
        """Executions and their states."""
        return [(one["executionId"], one["executionState"]) for one in self.executions]

    def _plan(self) -> dict[str, Any]:
        return {
            "arn": PLAN,
            "name": "settlement",
            "owner": "111122223333",
            "executionRole": "arn:aws:iam::111122223333:role/switch",
            "regions": list(REGIONS.values()),
            "recoveryApproach": "activePassive",
            "primaryRegion": "eu-west-1",
            "workflows": [],
        }

    def _start(self, params: dict[str, Any]) -> dict[str, Any]:
        name = f"x{len(self.executions)}"
        fresh = {
            "planArn": PLAN,
            "executionId": name,
            "startTime": BEGAN + timedelta(minutes=len(self.executions)),
            "mode": params["mode"],
            "executionState": "pendingManualApproval",
            "executionAction": params["action"],
            "executionRegion": params["targetRegion"],
            "comment": params["comment"],
        }
        self.executions.append(fresh)
        return {"executionId": name, "plan": PLAN}

    def _one(self, params: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in self.executions if one["executionId"] == params["executionId"])

    def _get(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**self._one(params), "stepStates": [{"name": "data-is-whole", "status": "pendingApproval"}]}

    def _approve(self, params: dict[str, Any]) -> dict[str, Any]:
        assert (params["stepName"], params["approval"]) == ("data-is-whole", "approve")
        self._one(params)["executionState"] = "completed"
        return {}

    def _cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        self._one(params)["executionState"] = "canceled"
        return {}


@case("arc region switch activates")
@asynccontextmanager
async def activates(_: Path) -> AsyncIterator[Bench]:
    """A job that moves by a plan."""
    with planted():
        plan = Plan()
        before, after = Holder("dublin"), Holder("frankfurt")
        yield Bench(plan.driver(), "settlement", before, after, plan.picture, undoable=False)


@case("arc region switch deactivates")
@asynccontextmanager
async def deactivates(_: Path) -> AsyncIterator[Bench]:
    """A region that is fenced by a plan."""
    with planted():
        plan = Plan()
        yield Bench(plan.driver(), "settlement", None, Fence("dublin"), plan.picture, undoable=False)
