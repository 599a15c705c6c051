"""Holders and primaries: fenced before they move, promoted only when what would be lost is known (R9)."""

from dataclasses import replace
from datetime import timedelta

from controlplane.decide.guard import guard
from controlplane.decide.plan import plan
from controlplane.model.permit import Permit, Refusal, Standing
from controlplane.model.plan import Plan
from controlplane.model.verdict import Health
from controlplane.model.world import Lag, Wish
from tests.unit.decide.estates import LONG_AGO, NOW, drained, estate, lag, service, verdict, world

SHOP = estate(
    service("checkout", tier=0, demand={"IE": 100.0}, datastore="orders"),
    service("search", tier=0, demand={"IE": 100.0}),
    service("settlement", placement="exclusive", regions=["dublin", "frankfurt"], datastore="orders"),
    service("mailer", placement="exclusive", regions=["dublin", "stockholm"]),
    datastores={"orders": ("dublin", ["frankfurt", "stockholm"], "1s")},
)
DEAD = verdict("dublin")


def ids(decided: Plan) -> list[str]:
    """Ids of all actions in order."""
    return [a.id for a in decided.actions]


def held(decided: Plan, subject: str) -> set[str]:
    """Codes for which a subject is held."""
    return {why.code for hold in decided.holds if hold.subject == subject for why in hold.reasons}


def test_the_replica_with_the_least_lag_is_promoted_and_what_needs_it_follows() -> None:
    decided = plan(SHOP, world(verdicts=DEAD, lag=lag("orders", frankfurt=0.8, stockholm=0.2)))
    assert decided.promote == {"orders": "stockholm"}
    assert decided.holders == {"mailer": "stockholm", "settlement": "frankfurt"}
    after = {a.id: a.after for a in decided.actions}
    assert after["promote-orders"] == ("fence-orders-dublin",)
    assert set(after["activate-settlement"]) == {"fence-settlement-dublin", "promote-orders"}
    assert "promote-orders" in after["shift-checkout"]
    assert "promote-orders" not in after["shift-search"]


def test_what_fails_everywhere_for_want_of_a_primary_follows_its_promotion() -> None:
    """The users of checkout fail in every region once the primary is gone: no reason to turn them away."""
    failing = {k: v for r in ("frankfurt", "stockholm") for k, v in verdict(r, "checkout", success=0.0).items()}
    decided = plan(SHOP, world(verdicts=DEAD | failing, lag=lag("orders", frankfurt=0.2)))
    assert decided.refused == {}
    assert decided.promote == {"orders": "frankfurt"}
    assert "promote-orders" in next(a for a in decided.actions if a.id == "shift-checkout").after


def test_nothing_is_promoted_while_the_lag_is_unknown_and_what_needs_it_stays_held() -> None:
    decided = plan(SHOP, world(verdicts=DEAD))
    assert decided.promote == {}
    assert "lag-unknown" in held(decided, "orders")
    assert decided.holders["settlement"] == "dublin"
    assert "needs-unpromoted-datastore" in held(decided, "settlement")
    assert decided.holders["mailer"] == "stockholm"


def test_nothing_is_promoted_beyond_its_rpo_unless_a_person_accepts_the_loss() -> None:
    behind = lag("orders", frankfurt=5.0)
    assert plan(SHOP, world(verdicts=DEAD, lag=behind)).promote == {}
    accepted = {"orders": timedelta(seconds=30)}
    assert plan(SHOP, world(verdicts=DEAD, lag=behind, accepted_loss=accepted)).promote == {"orders": "frankfurt"}


def test_a_person_may_accept_the_loss_of_a_replica_whose_lag_nobody_knows() -> None:
    accepted = {"orders": timedelta(seconds=30)}
    decided = plan(SHOP, world(verdicts=DEAD, accepted_loss=accepted))
    assert decided.promote == {"orders": "frankfurt"}
    assert plan(SHOP, world(verdicts=DEAD, accepted_loss=accepted, lag=lag("orders", stockholm=0.1))).promote == {
        "orders": "stockholm"
    }


def test_a_promotion_that_a_person_orders_is_named_in_what_holds_it() -> None:
    ordered = Wish("datastore", "orders", "frankfurt", "ana", "now", NOW + timedelta(hours=1))
    assert {"promotion-ordered", "lag-unknown"} <= held(plan(SHOP, world(verdicts=DEAD, wishes=(ordered,))), "orders")


def test_a_primary_that_came_back_fenced_is_made_to_write_again_where_it_is() -> None:
    decided = plan(SHOP, world(idle=frozenset({("orders", "dublin")})))
    assert ids(decided) == ["promote-orders"]
    assert (decided.actions[0].from_, decided.actions[0].to) == (None, "dublin")


def test_a_lag_sample_too_old_when_the_primary_failed_is_no_knowledge() -> None:
    for age, promoted in ((9, {"orders": "frankfurt"}), (11, {})):
        sampled = Lag(timedelta(milliseconds=200), LONG_AGO - timedelta(seconds=age))
        assert plan(SHOP, world(verdicts=DEAD, lag={"orders": {"frankfurt": sampled}})).promote == promoted


def test_without_a_primary_traffic_is_not_sent_where_it_could_not_be_served() -> None:
    decided = plan(SHOP, world(verdicts=DEAD))
    assert decided.target["checkout"]["IE"] == {}
    assert decided.target["search"]["IE"] != {}


def test_a_primary_that_failed_a_moment_ago_is_not_replaced_yet() -> None:
    blink = verdict("dublin", "orders", since=NOW - timedelta(seconds=1))
    decided = plan(SHOP, world(verdicts=blink, lag=lag("orders", frankfurt=0.1)))
    assert decided.promote == {}
    assert "primary-not-long-enough" in held(decided, "orders")


def test_a_planned_drain_takes_holders_and_data_along() -> None:
    decided = plan(SHOP, world(overrides=(drained("dublin"),), lag=lag("orders", frankfurt=5.0)))
    assert decided.promote == {"orders": "frankfurt"}
    assert decided.holders == {"mailer": "stockholm", "settlement": "frankfurt"}


def test_holders_and_primaries_never_fail_back_by_themselves() -> None:
    moved = world(holders={"settlement": "frankfurt", "mailer": "stockholm"}, primaries={"orders": "frankfurt"})
    decided = plan(SHOP, moved)
    assert decided.actions == ()
    assert decided.holders == {"mailer": "stockholm", "settlement": "frankfurt"}


def test_a_holder_that_is_down_alone_moves_alone() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin", "mailer")))
    assert ids(decided) == ["fence-mailer-dublin", "activate-mailer"]


def test_a_holder_about_which_nothing_is_known_stays() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin", "mailer", Health.UNKNOWN)))
    assert ids(decided) == []
    assert held(decided, "mailer") == {"unknown"}


def test_what_is_fenced_already_is_not_fenced_again() -> None:
    decided = plan(SHOP, world(verdicts=verdict("dublin", "mailer"), fenced=frozenset({("mailer", "dublin")})))
    assert ids(decided) == ["activate-mailer"]
    assert decided.actions[0].after == ()


LEADING = Standing(epoch=3, lease_expires_at=NOW + timedelta(seconds=8))


def test_the_guard_lets_nothing_start_before_the_old_one_is_fenced() -> None:
    facts = world(verdicts=verdict("dublin", "mailer"))
    answers = {a.action.id: a for a in guard(plan(SHOP, facts), SHOP, facts, LEADING)}
    assert isinstance(answers["fence-mailer-dublin"], Permit)
    refused = answers["activate-mailer"]
    assert isinstance(refused, Refusal)
    assert [why.code for why in refused.reasons] == ["not-fenced"]


def test_the_guard_gives_no_permit_without_lease_or_store_or_when_paused() -> None:
    facts = world(verdicts=verdict("dublin", "mailer"))
    decided = plan(SHOP, facts)
    for standing, rule in (
        (Standing(3, None), "R16"),
        (Standing(3, NOW), "R16"),
        (Standing(3, LEADING.lease_expires_at, store_ok=False), "R16"),
        (Standing(3, LEADING.lease_expires_at, paused=True), "R11"),
    ):
        for answer in guard(decided, SHOP, facts, standing):
            assert isinstance(answer, Refusal)
            assert rule in {why.rule.value for why in answer.reasons}


def test_a_permit_carries_the_epoch_and_ends_with_the_lease() -> None:
    facts = world(verdicts=verdict("dublin", "mailer"))
    permit = guard(plan(SHOP, facts), SHOP, facts, LEADING)[0]
    assert isinstance(permit, Permit)
    assert (permit.epoch, permit.expires_at) == (3, LEADING.lease_expires_at)


def test_what_users_suffer_because_a_primary_does_not_write_is_no_reason_to_leave_its_region() -> None:
    """All of checkout is served in dublin, so that nobody fails elsewhere; the region is well but for that."""
    failing = verdict("dublin", "checkout", success=0.0)
    decided = plan(SHOP, world(verdicts=failing, idle=frozenset({("orders", "dublin")})))
    assert ids(decided) == ["promote-orders"]


def test_writes_that_fail_elsewhere_while_a_primary_is_dead_send_nobody_round_the_regions() -> None:
    failing = verdict("frankfurt", "checkout", success=0.6) | verdict("stockholm", "checkout", success=0.6)
    shared = {"checkout": {"IE": {"dublin": 0.4, "frankfurt": 0.4, "stockholm": 0.2}}}
    for state in (Health.DOWN, Health.DEGRADED):
        ill = {key: replace(one, state=state) for key, one in failing.items()}
        dead = verdict("dublin", "orders", since=NOW - timedelta(seconds=1))
        assert plan(SHOP, world(verdicts=ill | dead, shares=shared)).actions == ()
