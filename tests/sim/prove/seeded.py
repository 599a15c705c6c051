"""The seeded faults."""

from tests.sim.prove.mutants import Edit, Mutant

_DECIDE = "controlplane.decide"
_ENGINE = "controlplane.engine"


def _one(name: str, rule: str, what: str, *edits: tuple[str, str, str]) -> Mutant:
    return Mutant(name, rule, what, tuple(Edit(module, old, new) for module, old, new in edits))


_JUDGE, _FACTS, _REGIONS = f"{_DECIDE}.judge", f"{_DECIDE}.facts", f"{_DECIDE}.regions"
_EXCLUSIVES, _ACTIONS, _RAMP = f"{_DECIDE}.exclusives", f"{_DECIDE}.actions", f"{_DECIDE}.ramp"
_PLACEMENT, _PLACES, _GUARD = f"{_DECIDE}.placement", f"{_DECIDE}.places", f"{_DECIDE}.guard"

MUTANTS: tuple[Mutant, ...] = (
    _one(
        "users-unheard",
        "R1",
        "what users experience is not weighed, only probes are",
        (
            _JUDGE,
            "    if success is not None:\n        state = _by_users(success, users.requests)\n        dis",
            "    if success == 2:\n        state = _by_users(success, users.requests)\n        dis",
        ),
    ),
    _one(
        "everywhere-removed",
        "R2",
        "a fault in every region at once is no reason to hold",
        (_FACTS, "    facts.everywhere = everywhere - facts.explained", "    facts.everywhere = frozenset()"),
    ),
    _one(
        "nowhere-better-removed",
        "R2",
        "traffic leaves a place that fails although none is known that does not",
        (
            _PLACES,
            "    if not any(facts.state[name, r] is Health.HEALTHY for r in possible(estate)[name]):",
            "    if not possible(estate)[name]:",
        ),
        (_FACTS, "    facts.everywhere = everywhere - facts.explained", "    facts.everywhere = frozenset()"),
    ),
    _one(
        "headroom-forgotten",
        "R3",
        "regions are planned up to their whole capacity",
        (
            _PLACEMENT,
            "    return capacity_of(estate, world, region) * (1 - estate.regions[region].spec.headroom)",
            "    return capacity_of(estate, world, region)",
        ),
    ),
    _one(
        "room-as-declared",
        "R3",
        "capacity that is lost is planned with",
        (f"{_ENGINE}.worlds", "            capacity=capacities(self.estate, self.book, state.units),\n", ""),
    ),
    _one(
        "gains-before-losses",
        "R3",
        "what arrives in a full region does not wait for what leaves it",
        (_ACTIONS, "        if losing and most > limit_of", "        if not losing and most > limit_of"),
    ),
    _one(
        "astray-forgotten",
        "R3",
        "gains do not wait for an act in the air that takes more than the plan counts on",
        (
            f"{_ENGINE}.acting",
            "        astray = set() if wanted is None else self._astray(wanted)",
            "        astray: set[str] = set()",
        ),
    ),
    _one(
        "residency-ignored",
        "R4",
        "any region where a service is deployed may serve any origin",
        (
            _PLACEMENT,
            "        (s, o): tuple(r for r in estate.legal(s, o) if r in possible(estate)[s])",
            "        (s, o): tuple(r for r in estate.deployed(s) if r in possible(estate)[s])",
        ),
        (
            _PLACEMENT,
            "    stands = {r: scene.places.of[service, r] for r in scene.estate.legal(service, origin)}",
            "    stands = {r: scene.places.of[service, r] for r in scene.estate.deployed(service)}",
        ),
        (
            _PLACEMENT,
            "    now, legal = scene.today[service][origin], scene.estate.legal(service, origin)",
            "    now, legal = scene.today[service][origin], scene.estate.deployed(service)",
        ),
        (
            _RAMP,
            "    return region in scene.estate.legal(*pair)",
            "    return region in scene.estate.deployed(pair[0])",
        ),
        (
            _GUARD,
            "        legal = estate.legal(action.subject, origin)",
            "        legal = estate.deployed(action.subject)",
        ),
    ),
    _one(
        "ramp-in-one",
        "R6",
        "a step of a ramp is everything at once",
        (_RAMP, "        return 0.0\n    return ramp.step", "        return 0.0\n    return 1.0"),
    ),
    _one(
        "ramp-without-waiting",
        "R6",
        "a step does not wait for the last one to settle",
        (_RAMP, "        return 0.0\n    return ramp.step", "        return ramp.step\n    return ramp.step"),
    ),
    _one(
        "grey-is-dead",
        "R6",
        "a region whose users are half served is left at once",
        (_FACTS, "DEAD_BELOW = 0.10", "DEAD_BELOW = 0.85"),
    ),
    _one(
        "dwell-ignored",
        "R7",
        "a verdict is acted upon the moment it is there",
        (
            _FACTS,
            "    if state is not Health.UNKNOWN and since is not None and now - since < dwell:",
            "    if state is not Health.UNKNOWN and since is not None and now < since:",
        ),
    ),
    _one(
        "transitions-uncounted",
        "R7",
        "a region that comes and goes is restored for ever",
        (
            _REGIONS,
            "    if mark.cause == DAMPED or recent >= bound.count:",
            "    if mark.cause == DAMPED or recent >= bound.count + 100:",
        ),
    ),
    _one(
        "serving-uncounted",
        "R8",
        "minServingRegions is not looked at",
        (_REGIONS, "    if len(serving) < least:", "    if len(serving) < least - 100:"),
    ),
    _one(
        "drained-uncounted",
        "R8",
        "maxDrainedRegions is not looked at",
        (
            _REGIONS,
            "        if len(campuses | {_campus(estate, region)}) > most:",
            "        if len(campuses | {_campus(estate, region)}) > most + 100:",
        ),
    ),
    _one(
        "shift-unbounded",
        "R8",
        "maxShift is ignored, by the plan and by the guard",
        (
            _RAMP,
            "    if bound.fraction >= 1.0:\n        return None",
            "    if bound.fraction >= 0.0:\n        return None",
        ),
        (
            _GUARD,
            "    if not _counts(action) or bound.fraction >= 1:",
            "    if not _counts(action) or bound.fraction >= 0:",
        ),
    ),
    _one(
        "fence-skipped",
        "R9",
        "a new holder is activated, or a replica promoted, beside the old one",
        (_ACTIONS, "    if not move.fence or move.from_ is None:", "    if move.fence or move.from_ is None:"),
        (
            _GUARD,
            "            if action.from_ is not None and (action.subject, action.from_) not in world.fenced:",
            "            if action.from_ == action.to and (action.subject, action.from_) not in world.fenced:",
        ),
    ),
    _one(
        "fence-unseen",
        "R9",
        "a fence counts as done once it was asked for",
        (
            f"{_ENGINE}.attempt",
            "                if found.done:",
            "                if found.done or type(act.desired).__name__ == 'Fence':",
        ),
    ),
    _one(
        "lag-unknown-promoted",
        "R9",
        "a replica of which nobody knows how far behind it is may be promoted",
        (_EXCLUSIVES, "        if lag is None and accepted is not None:", "        if lag is None:"),
    ),
    _one(
        "rpo-ignored",
        "R9",
        "a replica is promoted however far behind it is",
        (_EXCLUSIVES, "    if most is None or lag <= most:", "    if most is None or lag >= timedelta(0):"),
    ),
    _one(
        "traffic-before-room",
        "R10",
        "traffic does not wait for the knobs that make room for it",
        (
            _ACTIONS,
            "            after=(*(first if gains else ()), *data, *needs),",
            "            after=(*data, *needs),",
        ),
    ),
    _one(
        "freeze-ignored",
        "R12",
        "a freeze denies nothing",
        (
            _REGIONS,
            "        if freeze.from_ <= world.at < freeze.to and any(",
            "        if freeze.to <= world.at < freeze.from_ and any(",
        ),
    ),
    _one(
        "failback-at-once",
        "R13",
        "a region gets its traffic back the moment it is well",
        (
            _REGIONS,
            "        if since is not None and not freed and now.world.at - since < stable_for:",
            "        if since is not None and not freed and now.world.at < since:",
        ),
    ),
    _one(
        "failback-of-services-at-once",
        "R13",
        "a service gets its traffic back in a region the moment it is well there",
        (
            _PLACES,
            "    elif not freed and since is not None and world.at - since < policy.stable_for:",
            "    elif not freed and since is not None and world.at < since:",
        ),
    ),
    _one(
        "alarm-forgotten",
        "R13",
        "the time under a facility alarm counts as health",
        (_REGIONS, "(facts.since[place], mark.alarmed_until) if at", "(facts.since[place], None) if at"),
    ),
    _one(
        "manual-ignored",
        "R13",
        "a service comes back by itself although a person was to say when",
        (
            _PLACES,
            "    elif not freed and policy.mode is FailbackMode.MANUAL:",
            "    elif freed and policy.mode is FailbackMode.MANUAL:",
        ),
    ),
    _one(
        "intent-unwritten",
        "intent",
        "the act comes without its intent in the journal",
        (
            f"{_ENGINE}.execute",
            "            written = (await self.scribe.write([*facts, *intents]))[len(facts) :]",
            "            written = intents if facts and not await self.scribe.write(facts) else intents",
        ),
    ),
    _one(
        "lease-for-ever",
        "R16",
        "a lease is believed in however long ago it was renewed",
        (
            f"{_ENGINE}.leadership",
            "        return max(0.0, self._asked_at + safe_s - self._clock.monotonic())",
            "        return max(safe_s, self._asked_at - self._clock.monotonic())",
        ),
        (
            f"{_ENGINE}.gate",
            "        if not self.leadership.holds(epoch):",
            "        if not self.leadership.holds(epoch) and epoch <= 0:",
        ),
        (
            f"{_ENGINE}.gate",
            "        if self.clock.now() >= permit.expires_at:",
            "        if self.clock.now() < permit.expires_at and not permit.epoch:",
        ),
    ),
    _one(
        "epoch-forgotten",
        "R16",
        "acts go out under the first epoch that there was",
        (
            f"{_ENGINE}.effect",
            "action.subject, desired, flight.permit.epoch, flight.deadline, previous)",
            "action.subject, desired, 1, flight.deadline, previous)",
        ),
    ),
    _one(
        "shares-beyond-one",
        "shares",
        "an origin is sent more than all of its requests",
        (
            _ACTIONS,
            "            shares={o: dict(sorted(goal.get(o, {}).items())) for o in scene.demand[name]},",
            "            shares={o: {r: s * 1.2 for r, s in goal.get(o, {}).items()} for o in scene.demand[name]},",
        ),
    ),
)
