"""What Region switch plans owe beyond the contract: approvals, ends that are none, others' executions."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controlplane.model.act import Act, Fence, Holder
from controlplane.model.errors import Conflict, Refused
from tests.contract.drivers.targets.region_switch import Plan
from tests.servers.aws import planted


@pytest.fixture(name="plan")
def _plan() -> Iterator[Plan]:
    with planted():
        yield Plan()


def act(desired: Holder | Fence, key: str = "once") -> Act:
    return Act(key, "settlement", desired, 5, datetime.now(UTC) + timedelta(seconds=10), previous=None)


async def test_a_step_that_nobody_lets_us_approve_waits_for_a_person(plan: Plan) -> None:
    driver = plan.driver(approve=["another"])
    await driver.apply(act(Holder("frankfurt")))
    found = await driver.confirm(act(Holder("frankfurt")))
    assert (found.done, found.detail) == (False, "pendingManualApproval; waits for approval: data-is-whole")
    assert "ApprovePlanExecutionStep" not in plan.double.names()


async def test_an_execution_that_fails_is_refused_and_never_called_done(plan: Plan) -> None:
    driver = plan.driver()
    await driver.apply(act(Holder("frankfurt")))
    plan.executions[0]["executionState"] = "failed"
    with pytest.raises(Refused, match="failed"):
        await driver.confirm(act(Holder("frankfurt")))


async def test_undo_cancels_what_is_still_under_way(plan: Plan) -> None:
    driver = plan.driver()
    await driver.apply(act(Holder("frankfurt")))
    await driver.undo(act(Holder("frankfurt")))
    assert plan.picture() == [("x0", "canceled")]


async def test_a_plan_that_somebody_else_has_started_is_not_started_beside_it(plan: Plan) -> None:
    await plan.driver().apply(act(Holder("frankfurt")))
    with pytest.raises(Conflict, match="not started by this act"):
        await plan.driver().apply(act(Holder("dublin"), "another"))
    assert len(plan.executions) == 1


async def test_a_plan_is_started_where_it_leads_and_a_fence_is_asked_for_elsewhere(plan: Plan) -> None:
    driver = plan.driver()
    used = driver._places
    calls, _ = await driver._look(Holder("frankfurt"))
    assert calls is used["frankfurt"]
    calls, _ = await driver._look(Fence("frankfurt"))
    assert calls is used["dublin"]


async def test_a_plan_that_cannot_deactivate_is_not_asked_to_if_its_activation_ends_the_old_side(plan: Plan) -> None:
    driver = plan.driver(fence="activation")
    fence = act(Fence("dublin"))
    await driver.apply(fence)
    found = await driver.confirm(fence)
    await driver.undo(fence)
    assert (found.done, found.effect, plan.executions) == (True, False, [])
