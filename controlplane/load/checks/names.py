"""Names that are there twice."""

from controlplane.load.checks.referring import Teller
from controlplane.load.findings import Findings
from controlplane.load.folder import Entry, Folder
from controlplane.load.kinds import subject_of
from controlplane.load.tree import Document, Mark, Path
from controlplane.model.resources.degradation_policy import DegradationPolicy

_NAME: Path = ("metadata", "name")
_MIXED_UP = "verdicts, acts and holds are told by name, and people will mix the two up"


def check_names(folder: Folder, findings: Findings) -> None:
    """Resources of one kind and name, a second SafetyPolicy, knobs of one name; services that a datastore is called
    like, which is only unwise."""
    seen: dict[tuple[str, str], Entry] = {}
    for entry in folder.entries:
        first = seen.setdefault((entry.kind, entry.name), entry)
        if first is not entry and entry.name:
            what = f"{subject_of(entry.kind, entry.document)} is written twice"
            _tell(findings, entry.document.mark(_NAME), what, first.document.mark(_NAME))
    _one_safety_policy(folder, findings)
    _knobs(folder, findings)
    for entry in folder.of("Datastore"):
        if entry.name in folder.names("Service"):
            what = f"Datastore {entry.name}: a service has the same name"
            findings.warn(entry.document.mark(_NAME), what, _MIXED_UP, f"call it {entry.name}-db")


def _one_safety_policy(folder: Folder, findings: Findings) -> None:
    policies = folder.of("SafetyPolicy")
    for entry in policies[1:]:
        if entry.name != policies[0].name:
            what = f"SafetyPolicy {entry.name}: a second SafetyPolicy"
            _tell(findings, entry.document.mark(("kind",)), what, policies[0].document.mark(("kind",)))


def _knobs(folder: Folder, findings: Findings) -> None:
    seen: dict[str, tuple[Document, Path]] = {}
    for document, policy in folder.each(DegradationPolicy):
        for index, knob in enumerate(policy.spec.knobs):
            here: tuple[Document, Path] = (document, ("spec", "knobs", index, "name"))
            first = seen.setdefault(knob.name, here)
            tell = Teller.of(findings, document, policy)
            if knob.name in folder.names("Service") | folder.names("Datastore"):
                what = f"the knob `{knob.name}` is called like a service or datastore"
                tell.warn(here[1], what, _MIXED_UP, "give the knob a name of its own")
            if first != here:
                _tell(
                    findings,
                    document.mark(here[1]),
                    f"{tell.subject}: the knob `{knob.name}` is there twice",
                    first[0].mark(first[1]),
                )


def _tell(findings: Findings, at: Mark, what: str, first: Mark) -> None:
    why = f"the first one is at {first.file}:{first.line}:{first.column}, and only one of them could count"
    findings.mistake(at, what, why, "give one of the two another name, or take it out")
