"""The kinds of document there are. A kind to come adds a row to the table; its module is imported when it is met."""

import importlib
from collections.abc import Mapping

from controlplane.load.findings import Findings, did_you_mean, listed
from controlplane.load.tree import Document, Scalar
from controlplane.load.validation import validate
from controlplane.model.resources.kind import Resource

API_VERSION = "leeward/v1"
_RESOURCES = "controlplane.model.resources"
KINDS: Mapping[str, str] = {
    "Region": f"{_RESOURCES}.region:Region",
    "Service": f"{_RESOURCES}.service:Service",
    "Datastore": f"{_RESOURCES}.datastore:Datastore",
    "FailoverPolicy": f"{_RESOURCES}.failover_policy:FailoverPolicy",
    "DegradationPolicy": f"{_RESOURCES}.degradation_policy:DegradationPolicy",
    "SafetyPolicy": f"{_RESOURCES}.safety_policy:SafetyPolicy",
    "Scenario": f"{_RESOURCES}.scenario:Scenario",
}
"""kind → module:class, in the order in which people meet them."""
ESTATE_KINDS = frozenset({"Region", "Service", "Datastore", "FailoverPolicy", "DegradationPolicy", "SafetyPolicy"})
"""The kinds that an estate is made of."""


def model_of(kind: str) -> type[Resource]:
    """The model of a kind. KeyError if there is none."""
    module, _, name = KINDS[kind].partition(":")
    model: type[Resource] = getattr(importlib.import_module(module), name)
    return model


def kind_of(document: Document, findings: Findings) -> str | None:
    """Which kind a document is; None, and a mistake, if it does not say so or there is no such kind."""
    version, kind = document.text(("apiVersion",)), document.text(("kind",))
    if kind is None or kind not in KINDS:
        _tell_kind(document, kind, version, findings)
        return None
    if version != API_VERSION:
        _tell_version(document, kind, version, findings)
        return None
    return kind


def subject_of(kind: str, document: Document) -> str:
    """What mistakes call a document: its kind and, where it has one, its name."""
    name = document.text(("metadata", "name"))
    return f"{kind} {name[:80]}" if name else kind


def read(kind: str, document: Document, findings: Findings) -> Resource | None:
    """The resource that a document of a kind is; None if there were mistakes in it."""
    return validate(model_of(kind), document, subject_of(kind, document), findings)


def _tell_kind(document: Document, kind: str | None, version: str | None, findings: Findings) -> None:
    kinds = listed(KINDS, 20)
    if kind is None:
        given = document.root.items.get("kind")
        what = "`kind` is missing" if given is None else "`kind` is not a word"
        findings.mistake(document.mark(("kind",)), what, "it says what the document is", f"write one of {kinds}")
        return
    why = f"the kinds are {kinds}"
    if version is not None and version != API_VERSION and not version.startswith("leeward"):
        why = f"this looks like a document of another program, {version}"
    mend = did_you_mean(kind, KINDS, "keep the documents of other programs in another folder")
    findings.mistake(document.mark(("kind",)), f"there is no kind `{kind[:80]}`", why, mend)


def _tell_version(document: Document, kind: str, version: str | None, findings: Findings) -> None:
    subject, mend = subject_of(kind, document), f"write apiVersion: {API_VERSION}"
    given = document.root.items.get("apiVersion")
    if given is None:
        why = "it says which words and fields the document uses"
        findings.mistake(document.mark(), f"{subject}: `apiVersion` is missing", why, mend)
        return
    shown = f"`{version[:80]}`" if version is not None and isinstance(given, Scalar) else "no word"
    why = f"this Leeward reads {API_VERSION}"
    findings.mistake(document.mark(("apiVersion",)), f"{subject}: `apiVersion` is {shown}", why, mend)
