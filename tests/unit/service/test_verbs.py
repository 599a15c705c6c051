"""What a verb comes down to, and which names it refuses."""

from datetime import timedelta

import pytest

from controlplane.model.desk import (
    AcceptLoss,
    AddOverride,
    ClearOverride,
    ClearWish,
    Pause,
    PersonCommand,
    Release,
    Resume,
    SetWish,
)
from controlplane.model.errors import WrongUse
from controlplane.model.world import Override, OverrideState, Wish, World
from controlplane.service.verbs import (
    AllowLoss,
    Answer,
    Degrade,
    Drain,
    Failback,
    Failover,
    Free,
    PutOverride,
    Restore,
    Said,
    SetPause,
    TakeOverride,
    TakeWish,
    Verb,
    translate,
)
from controlplane.store.memory import MemoryStore
from tests.unit.service.shop import NOON, StillDesk

ANA = Said("ana", "storm", timedelta(hours=1))
UNTIL = NOON + timedelta(hours=1)


def asked(verb: Verb, world: World | None = None) -> tuple[PersonCommand, ...]:
    desk = StillDesk(MemoryStore().journal, world)
    if world:
        desk.state = desk.state.__class__(overrides=world.overrides, wishes=world.wishes)
    return translate(verb, ANA, desk.estate, desk.snapshot())


def wish(kind: str, subject: str, to: str | bool, region: str | None = None) -> Wish:
    return Wish(kind, subject, to, "ana", "storm", UNTIL, region)


def test_a_drain_is_an_override_that_expires() -> None:
    assert asked(Drain("dublin")) == (AddOverride(Override("dublin", OverrideState.DRAINED, "ana", "storm", UNTIL)),)


def test_a_failback_of_a_region_frees_it_from_the_machines_holds() -> None:
    serving = AddOverride(Override("dublin", OverrideState.SERVING, "ana", "storm", UNTIL))
    assert asked(Failback("dublin")) == (serving,)
    assert asked(PutOverride("dublin", OverrideState.SERVING)) == (serving,)


def test_a_failover_of_a_spread_service_is_a_wish_for_its_region() -> None:
    assert asked(Failover("checkout", "frankfurt")) == (SetWish(wish("service", "checkout", "frankfurt")),)


def test_an_exclusive_service_takes_the_primary_that_it_writes_to_along() -> None:
    assert asked(Failover("settlement", "frankfurt")) == (
        SetWish(wish("datastore", "orders-db", "frankfurt")),
        SetWish(wish("service", "settlement", "frankfurt")),
    )
    there_already = World(at=NOON, primaries={"orders-db": "frankfurt"})
    assert asked(Failover("settlement", "frankfurt"), there_already) == (
        SetWish(wish("service", "settlement", "frankfurt")),
    )


def test_a_loss_is_accepted_before_anything_is_moved() -> None:
    loss = timedelta(seconds=30)
    assert asked(Failover("orders-db", "frankfurt", loss)) == (
        AcceptLoss("orders-db", loss, "ana", "storm", UNTIL),
        SetWish(wish("datastore", "orders-db", "frankfurt")),
    )
    assert asked(AllowLoss("orders-db", loss)) == (AcceptLoss("orders-db", loss, "ana", "storm", UNTIL),)


def test_a_failback_of_exclusive_work_goes_to_where_it_belongs() -> None:
    away = World(at=NOON, primaries={"orders-db": "frankfurt"}, holders={"settlement": "frankfurt"})
    assert asked(Failback("settlement"), away) == (
        SetWish(wish("datastore", "orders-db", "dublin")),
        SetWish(wish("service", "settlement", "dublin")),
    )
    assert asked(Failback("orders-db"), away) == (SetWish(wish("datastore", "orders-db", "dublin")),)


def test_a_failback_of_a_spread_service_takes_the_wish_back() -> None:
    world = World(at=NOON, wishes=(wish("service", "checkout", "frankfurt"),))
    assert asked(Failback("checkout"), world) == (ClearWish("service", "checkout", "ana", "storm"),)
    with pytest.raises(WrongUse, match="nobody asked for checkout"):
        asked(Failback("checkout"))


def test_a_knob_is_turned_to_one_of_its_levels_in_a_region_only_if_it_has_one_there() -> None:
    assert asked(Degrade("recommendations", "off")) == (SetWish(wish("knob", "recommendations", "off")),)
    assert asked(Degrade("comments", False, "dublin")) == (SetWish(wish("knob", "comments", False, "dublin")),)
    with pytest.raises(WrongUse, match="it has full, cached, off"):
        asked(Degrade("recommendations", "of"))
    with pytest.raises(WrongUse, match="leave the region out"):
        asked(Degrade("recommendations", "off", "dublin"))


def test_restoring_a_knob_takes_a_persons_wish_back_or_asks_for_the_default() -> None:
    world = World(at=NOON, wishes=(wish("knob", "recommendations", "off"),))
    assert asked(Restore("recommendations"), world) == (ClearWish("knob", "recommendations", "ana", "storm"),)
    assert asked(Restore("recommendations")) == (SetWish(wish("knob", "recommendations", "full")),)


def test_only_what_stands_can_be_taken_back() -> None:
    standing = Override("london", OverrideState.DRAINED, "bo", "x", UNTIL)
    world = World(at=NOON, overrides=(standing,), wishes=(wish("service", "checkout", "dublin"),))
    assert asked(TakeOverride("london"), world) == (ClearOverride("london", "ana", "storm"),)
    assert asked(TakeWish("service", "checkout"), world) == (ClearWish("service", "checkout", "ana", "storm"),)
    with pytest.raises(WrongUse, match="there is no override on a region 'dublin'"):
        asked(TakeOverride("dublin"), world)
    with pytest.raises(WrongUse, match="there is no wish for a knob"):
        asked(TakeWish("knob", "checkout"), world)
    with pytest.raises(WrongUse, match="the wish for checkout is for every region"):
        asked(TakeWish("service", "checkout", "london"), world)


def test_pausing_and_freeing_are_said_as_they_are() -> None:
    assert asked(SetPause(True)) == (Pause("ana", "storm"),)
    assert asked(SetPause(False)) == (Resume("ana", "storm"),)
    assert asked(Free("dublin")) == (Release("dublin", "ana", "storm"),)
    assert asked(Free()) == (Release("estate", "ana", "storm"),)


@pytest.mark.parametrize(
    ("verb", "near"),
    [
        (Drain("dublim"), "dublin"),
        (Failover("chekout", "dublin"), "checkout"),
        (Failover("checkout", "frankfort"), "frankfurt"),
        (Failback("setlement"), "settlement"),
        (Degrade("recomendations", "off"), "recommendations"),
        (Restore("coments"), "comments"),
        (Degrade("comments", False, "londn"), "london"),
        (AllowLoss("order-db", timedelta(1)), "orders-db"),
        (PutOverride("frankfur", OverrideState.DRAINED), "frankfurt"),
        (Free("estat"), "estate"),
    ],
    ids=str,
)
def test_an_unknown_name_is_wrong_use_and_the_nearest_is_offered(verb: Verb, near: str) -> None:
    with pytest.raises(WrongUse, match=f"did you mean '{near}'"):
        asked(verb)


def test_a_service_goes_only_where_it_is_deployed_and_a_primary_only_where_a_copy_is() -> None:
    with pytest.raises(WrongUse, match="no deployment of settlement in 'london'"):
        asked(Failover("settlement", "london"))
    with pytest.raises(WrongUse, match="no copy of orders-db in 'london'"):
        asked(Failover("orders-db", "london"))
    with pytest.raises(WrongUse, match="no loss to accept"):
        asked(Failover("checkout", "dublin", timedelta(1)))


def test_what_does_not_wait_cannot_be_approved() -> None:
    with pytest.raises(WrongUse, match="there is no approval 'a1'"):
        asked(Answer("a1"))
