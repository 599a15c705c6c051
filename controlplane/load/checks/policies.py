"""Policies against each other: two that claim the same service, knobs that save less the deeper they are turned."""

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings
from controlplane.load.folder import Folder
from controlplane.load.tree import Mark, Path
from controlplane.model.resources.degradation_policy import DegradationPolicy, Knob
from controlplane.model.resources.failover_policy import FailoverPolicy


def check_policies(folder: Folder, findings: Findings) -> None:
    """Ties among FailoverPolicies; levels of knobs that are out of order."""
    claims: dict[str, tuple[str, Mark]] = {}
    for document, policy in folder.each(FailoverPolicy):
        tell = Teller.of(findings, document, policy)
        for claim, path in _claims(policy):
            first, mark = claims.setdefault(claim, (policy.name, document.mark(path)))
            if first != policy.name:
                why = f"FailoverPolicy {first} has {claim} too, at {mark.file}:{mark.line}, and neither beats the other"
                mend = "leave it to one of the two: names beat tiers, and tiers beat *"
                tell.mistake(path, f"a tie over {claim}", why, mend)
    for document, degradation in folder.each(DegradationPolicy):
        tell = Teller.of(findings, document, degradation)
        for index, knob in enumerate(degradation.spec.knobs):
            _levels(tell, knob, ("spec", "knobs", index))
            _words(tell, knob, ("spec", "knobs", index))


def _claims(policy: FailoverPolicy) -> list[tuple[str, Path]]:
    """What a policy claims, each at its strength: two claims that read alike are a tie."""
    chosen = policy.spec.services
    if isinstance(chosen, str):
        return [("every service", ("spec", "services"))]
    tiers: list[tuple[str, Path]] = [
        (f"tier {tier}", ("spec", "services", "tiers", index)) for index, tier in enumerate(chosen.tiers or ())
    ]
    names: list[tuple[str, Path]] = [
        (f"service {name}", ("spec", "services", "names", index)) for index, name in enumerate(chosen.names or ())
    ]
    return tiers + names


def _levels(tell: Teller, knob: Knob, path: Path) -> None:
    for depth in range(1, len(knob.levels)):
        lighter, deeper = knob.levels[depth - 1], knob.levels[depth]
        here: Path = (*path, "levels", depth)
        for service, saved in sorted(lighter.saves.items()):
            if deeper.saves.get(service, 0.0) < saved:
                what = f"`{deeper.value}` saves less of `{service}` than `{lighter.value}`, which is lighter"
                why = "levels run from light to deep, each with all that it saves"
                tell.warn(here, f"knob {knob.name}: {what}", why, "put the levels in order")
        if deeper.value_lost < lighter.value_lost:
            what = f"knob {knob.name}: `{deeper.value}` costs less than `{lighter.value}`, which is lighter"
            tell.warn(here, what, "nobody would stop at the lighter one", "put the levels in order, or take one out")


def _words(tell: Teller, knob: Knob, path: Path) -> None:
    """True, False, YES and their like are words, which whoever writes them may not know."""
    places: list[Path] = [(*path, "default"), *((*path, "levels", depth, "value") for depth in range(len(knob.levels)))]
    for place in places:
        text = tell.document.text(place)
        if text is not None and text.lower() in ("true", "false") and text not in ("true", "false"):
            why = "only true and false are truth values; applications will be given a word"
            tell.warn(place, f"knob {knob.name}: `{text}` is a word", why, f"write {text.lower()} if that is meant")
