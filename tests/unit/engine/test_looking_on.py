"""Who only looks on decides, holds the lease, and begins nothing."""

from controlplane.model.journal import EntryKind
from tests.unit.engine.scene import Scene, scene


@scene()
async def test_who_looks_on_begins_no_act_until_it_is_told_to(s: Scene) -> None:
    daemon = await s.settled()
    daemon.machine.actor.looks_on = True
    await s.live(10, "dublin")
    assert s.world.did == []
    assert await s.journal(EntryKind.INTENT) == []
    assert daemon.decision is not None
    assert daemon.decision.plan.drained == ("dublin",)
    daemon.machine.actor.looks_on = False
    await s.live(10, "dublin")
    assert s.in_dublin() == 0
