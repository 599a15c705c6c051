"""Sentences, made last: what a reason says, and what would change a decision."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.model.plan import Action, ActionKind, Hold, Plan
from controlplane.model.rules import Reason, Scalar

SENTENCES: Mapping[str, str] = {
    "users-succeed": "probes fail but {success} of {requests} users' requests succeed, and users outweigh probes",
    "users": "{success} of {requests} users' requests succeed",
    "no-quorum": "{ok} vantages see it well and {failed} see it fail: no quorum of {quorum}, so nobody knows",
    "probes-fail": "{failed} vantages see it fail, {ok} see it well",
    "probes-pass": "{ok} vantages see it well, {failed} see it fail",
    "unwatched": "nobody is told to watch it: it is taken to be as its region is",
    "weak-dependency-down": "its weak dependency {dependency} is down there, which only degrades it",
    "dead-region": "{region} is dead and is left at once",
    "drain-ordered": "{by} ordered the drain: {reason}",
    "planned": "a planned move goes in steps",
    "grey-region": "{region} fails part of its users and is left in steps",
    "facility-alarm": "a facility alarm stands in {region} since {since}: it is left while it still runs",
    "too-few-serving": "{left} regions would be left serving, {min_serving_regions} must be",
    "too-many-drained": "{drained} regions are drained already, the machine may drain {max_drained_regions}",
    "frozen": "the freeze {freeze} forbids it until {until}",
    "management-only": "only its management plane fails, users are served: nothing is moved",
    "released": "{region} has been well for long enough and gets its traffic back",
    "freed": "{by} freed it: {reason}",
    "not-known-healthy": "{service} is not known to be healthy there",
    "unknown": "nothing is known about {service} in {region}: unknown moves nothing",
    "not-healthy": "{service} is not healthy there",
    "not-stable-yet": "{service} has not been healthy for {stable_for_s} s yet",
    "past-max-transitions": "{transitions} drains and restorations, {max_transitions} allowed: a person must free it",
    "entry-fails": "{success} of the requests from {origin} succeed, whatever region they reach",
    "entry-fails-alone": "users from {origin} fail wherever they go: the entry is ill, not a region; mend or switch it",
    "changes-frozen": "{subject} fails everywhere, so nothing else is changed",
    "not-resynchronised": "{datastore} is not known to have caught up there",
    "lag-unknown": "replication lag is unknown",
    "not-deployed": "it, or a strong dependency of it, is not deployed there",
    "failover-ordered": "a person ordered it to {to}",
    "promotion-ordered": "a person ordered {datastore} to {to}",
    "knob-ordered": "{by} set it: {reason}",
    "manual": "failback to {region} waits for a person",
    "fails-everywhere": "{service} fails in every region at once: moving it would help no one",
    "fails-everywhere-at-once": "{services} fail in every region at once: hold, and look for the shared cause",
    "not-long-enough": "unhealthy only since {since}, not for long enough yet",
    "nowhere-better": "no region is known where {service} fares better",
    "nowhere-known-healthy": "no region is known to be well enough to take what {region} has",
    "overloaded": "its region carries {full} of what it can: what its users suffer is want of room",
    "overloaded-here": "{region} is full: {service} keeps what it has there, and gets no more",
    "degraded": "it is degraded in {region}: used only as far as there is nothing better",
    "explained-everywhere": "what {service} depends on fails everywhere: that cause is judged, {service} stays",
    "dead-service": "{service} is dead in {region} and leaves it at once",
    "grey-service": "{service} serves {success} of its users in {region} and leaves it in steps",
    "dependency-down": "{service} cannot serve in {region} without {dependency}",
    "grey-dependency": "{dependency} still works in part, so it leaves in steps",
    "primary-not-long-enough": "the primary of {datastore} is gone, but not for long enough yet",
    "promote": "the replica of {datastore} is {lag_s} s behind, within its RPO of {rpo_s} s",
    "promote-with-loss": "the replica of {datastore} is {lag_s} s behind; a person accepts to lose {accepted_s} s",
    "promote-blind": "the lag of {datastore} is unknown; a person accepts to lose {accepted_s} s",
    "primary-idle": "the primary of {datastore} in {region} is up but does not write",
    "primary-lost": "the primary of {datastore} in {region} is gone",
    "primary-region-left": "{region}, where the primary of {datastore} is, is being left",
    "replica-not-well": "the replica of {datastore} in {region} is not known to be well",
    "lag-beyond-rpo": "the replica of {datastore} in {region} is {lag_s} s behind, its RPO is {rpo_s} s",
    "no-replica": "{datastore} has no replica to promote",
    "no-holder": "{service} runs nowhere",
    "holder-region-left": "{region}, where {service} runs, is being left",
    "holder-down": "{service} is down in {region}, where it should run",
    "needs-unpromoted-datastore": "it needs {datastore}, which has no primary",
    "no-region-fit": "no region is fit to run {service}",
    "fenced-first": "{service} starts only after the old holder is fenced",
    "room-short": "there is no room for everything: {knob} is turned down, the least value lost",
    "room-again": "there is room again for {knob}",
    "degrade-first": "the receiving side is made ready before traffic arrives",
    "restore-last": "turned up only after traffic has moved",
    "knob-room": "{knob} stays turned down until there has been room for {stable_for_s} s",
    "room-can-be-added": "{region} has {now} units and can have {max}",
    "scale-first": "room is asked for before it is needed, and used once it is there",
    "room-short-here": "{service} makes room",
    "shed": "there is not room for all of {service}",
    "no-legal-region": "no region that may serve {service} is left",
    "max-shift": "no more than {fraction} of the estate's load may leave live regions in this window",
    "no-room-to-leave": "what should leave stays as far as there is no room elsewhere without turning users away",
    "over-limit": "{region} is {units} units over its limit by what may not be moved",
    "store-lost": "the store cannot be reached: no new act",
    "no-lease": "this daemon does not lead: no act",
    "lease-ran-out": "the lease ran out at {expired_at}",
    "paused": "a person paused the machine",
    "observe-only": "the policy of {subject} says observe",
    "waits-for-approval": "waits for a person: leeward approve {id}",
    "illegal-region": "{region} may not serve {service} for {origin}",
    "not-fenced": "the old one in {region} is not fenced yet",
    "not-released": "{region} is not released for failback",
    "first-placement": "{service} has never been placed: its edge is told where the plan has it",
}
"""A sentence for each reason's code, with the reason's facts as fields."""

_CHANGES: Mapping[str, str] = {
    "no-quorum": "evidence from more vantages",
    "unknown": "fresh evidence about it",
    "not-known-healthy": "fresh evidence about it",
    "not-healthy": "its recovery",
    "not-stable-yet": "more time without a fault, or: leeward override add REGION --state serving",
    "past-max-transitions": "leeward override add REGION --state serving",
    "manual": "leeward failback REGION",
    "frozen": "the end of the freeze",
    "too-few-serving": "another region back in service, or a second person's approval",
    "too-many-drained": "a drained region back in service, or: leeward drain REGION",
    "fails-everywhere": "finding and undoing the change that broke it everywhere",
    "fails-everywhere-at-once": "finding and undoing the change that broke it everywhere",
    "entry-fails-alone": "the entry's recovery, or another way in",
    "changes-frozen": "the end of the fault that is everywhere",
    "not-long-enough": "the fault lasting longer than unhealthyFor",
    "primary-not-long-enough": "the fault lasting longer than unhealthyFor",
    "lag-unknown": "a lag sample, or: leeward failover DATASTORE --to REGION --accept-loss DURATION",
    "lag-beyond-rpo": "leeward failover DATASTORE --to REGION --accept-loss DURATION",
    "needs-unpromoted-datastore": "promoting the datastore",
    "overloaded-here": "room in it",
    "nowhere-better": "a region where it is well",
    "nowhere-known-healthy": "a region known to be well",
    "no-region-fit": "a fit region",
    "no-legal-region": "a legal region back in service",
    "shed": "more room: capacity, a deeper knob, or less demand",
    "no-room-to-leave": "more room elsewhere",
    "max-shift": "the end of the window",
    "knob-room": "room for long enough, or: leeward restore KNOB",
    "paused": "leeward resume",
    "waits-for-approval": "leeward approve ID",
    "observe-only": "autonomy: propose or act",
    "store-lost": "the store back in reach",
    "no-lease": "leadership",
    "dependency-down": "the dependency's recovery",
    "explained-everywhere": "the cause's recovery",
    "replica-not-well": "the replica's recovery",
    "no-replica": "a replica",
    "not-resynchronised": "a lag sample of the replica",
    "not-fenced": "the fence confirmed, or the old lease run out",
}
"""What would lift a hold or refusal, where somebody or something can."""

_VERBS: Mapping[ActionKind, str] = {
    ActionKind.SHIFT: "move {subject} from {from_} to {to}",
    ActionKind.DEGRADE: "turn {subject} down from {from_} to {to}",
    ActionKind.RESTORE: "turn {subject} up from {from_} to {to}",
    ActionKind.SCALE: "scale {subject} from {from_} to {to} units",
    ActionKind.FENCE: "fence {subject} in {from_}",
    ActionKind.ACTIVATE: "start {subject} in {to} (was in {from_})",
    ActionKind.PROMOTE: "promote {subject} in {to} (was in {from_})",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one action or hold: what, why, what stands against it, what would change it; all sentences."""

    subject: str
    what: str
    why: tuple[str, ...]
    why_not: tuple[str, ...]
    changes: tuple[str, ...]


def sentence(why: Reason) -> str:
    """One reason as a sentence without a full stop."""
    return SENTENCES[why.code].format_map({name: _say(name, value) for name, value in why.facts})


def told(reasons: Iterable[Reason]) -> str:
    """All reasons in one line, each followed by its rule."""
    return "; ".join(f"{sentence(why)} ({why.rule.value})" for why in reasons)


def what(action: Action) -> str:
    """What an action does, in words."""
    text = _VERBS[action.kind].format(
        subject=action.subject, from_=action.from_ or "nowhere", to=action.to or "nowhere"
    )
    return f"{text} in {action.region}" if action.value is not None and action.region is not None else text


def changes(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """What would change a decision made for these reasons, without repetition."""
    return tuple(dict.fromkeys(_CHANGES[why.code] for why in reasons if why.code in _CHANGES))


def explain(plan: Plan, id_or_subject: str) -> tuple[Explanation, ...]:
    """Everything a plan says of an action (by id) or of a subject: what is done, what is held, and why."""
    found = [_of_action(plan, a) for a in plan.actions if id_or_subject in (a.id, a.subject)]
    found.extend(_of_hold(h) for h in plan.holds if h.subject == id_or_subject)
    return tuple(found)


def _of_action(plan: Plan, action: Action) -> Explanation:
    against = [why for hold in plan.holds if hold.subject == action.subject for why in hold.reasons]
    waits = tuple(f"waits for {other}" for other in action.after)
    approval = ("waits for a person's approval",) if action.approval else ()
    return Explanation(
        action.subject,
        what(action),
        tuple(f"{sentence(why)} ({why.rule.value})" for why in action.reasons),
        (*waits, *approval, *(f"{sentence(why)} ({why.rule.value})" for why in against)),
        (*(("leeward approve " + action.id,) if action.approval else ()), *changes(against)),
    )


def _of_hold(hold: Hold) -> Explanation:
    why = tuple(f"{sentence(reason)} ({reason.rule.value})" for reason in hold.reasons)
    return Explanation(hold.subject, f"hold {hold.subject}", (), why, changes(hold.reasons))


def _say(name: str, value: Scalar) -> str:
    if isinstance(value, float):
        if name in ("success", "fraction", "already", "full"):
            return f"{value:.1%}"
        return f"{value:g}"
    return str(value)
