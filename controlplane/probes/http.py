"""HTTP and HTTPS: whether a URL answers, with the right status and, if asked, the right content."""

from urllib.parse import SplitResult, urlsplit

from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Place, Probe
from controlplane.probes.endpoint import Endpoint
from controlplane.probes.reply import Question, Reply
from controlplane.probes.settings import FLAG, METHOD, SIGNAL, STATUS, WORD, WORDS, mistakes_in, status_codes
from controlplane.probes.socket_probe import SocketProbe
from controlplane.probes.watch import Spot

_KNOWN = {
    "method": METHOD,
    "status": STATUS,
    "contains": WORD,
    "headers": WORDS,
    "host": WORD,
    "keep": FLAG,
    "hold": FLAG,
    "signal": SIGNAL,
    "verify": FLAG,
    "ca": WORD,
}
_PORTS = {"http": 80, "https": 443}


class HttpProbes:
    """Makes HTTP probes.

    Settings: ``status`` (default 200 to 399), ``contains``, ``method``, ``headers``, ``host`` (the Host header),
    ``keep`` (one kept connection instead of a new one a look), ``hold`` (an idle connection beside, whose end is
    evidence at once), ``signal``, and for HTTPS ``verify`` and ``ca`` (a file of trusted certificates).
    """

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        found = mistakes_in(spec.with_, _KNOWN)
        if "\r" in repr(spec.with_.get("headers")) or "\\n" in repr(spec.with_.get("headers")):
            found = (*found, "setting 'headers' must not contain line breaks")
        try:
            url = _split(spec.target)
        except ValueError as error:
            return (*found, str(error))
        if url.scheme == "http" and {"verify", "ca"} & spec.with_.keys():
            found = (*found, "settings 'verify' and 'ca' are for https targets")
        return found

    def __call__(self, spec: ProbeSpec, place: Place) -> Probe:
        """A probe of one URL."""
        url, settings = _split(spec.target), spec.with_
        headers = settings.get("headers")
        question = Question(
            host=str(settings.get("host", url.netloc.rpartition("@")[2])),
            path=(url.path or "/") + (f"?{url.query}" if url.query else ""),
            method=str(settings.get("method", "GET")),
            headers={name: str(value) for name, value in headers.items()} if isinstance(headers, dict) else {},
            status=status_codes(settings.get("status")),
            contains=str(settings.get("contains", "")).encode(),
            keep=settings.get("keep") is True,
        )
        endpoint = Endpoint(url.hostname or "", url.port or _PORTS[url.scheme])
        if url.scheme == "https":
            from controlplane.probes.tls import TlsProbe

            return TlsProbe(spec, Spot.at(place), endpoint, question)
        return SocketProbe(spec, Spot.at(place), endpoint, Reply(question), keep=question.keep)


def _split(target: str) -> SplitResult:
    url = urlsplit(target)
    if url.scheme not in _PORTS or not url.hostname:
        raise ValueError(f"target {target!r} is not an http or https URL")
    if url.port == 0 or any(character in target for character in "\r\n\t "):
        raise ValueError(f"target {target!r} is not a URL that can be asked for")
    return url


http = HttpProbes()
