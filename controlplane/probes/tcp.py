"""TCP: whether a port can be connected to, and, if asked, whether it greets or answers as it should."""

from controlplane.model.evidence import Reading
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Place
from controlplane.probes.endpoint import Endpoint, split_host_port
from controlplane.probes.faults import Finding
from controlplane.probes.settings import FLAG, SIGNAL, WORD, mistakes_in
from controlplane.probes.socket_probe import SocketProbe
from controlplane.probes.watch import Spot

_KNOWN = {"hold": FLAG, "send": WORD, "expect": WORD, "signal": SIGNAL}
_MAX_ANSWER = 65536


class Exchange:
    """The script of a TCP line: connect, then perhaps send, then perhaps wait for what is expected."""

    __slots__ = ("_expected", "_got", "request", "reusable")

    def __init__(self, send: str, expect: str) -> None:
        self.request = send.encode()
        self.reusable = False
        self._expected = expect.encode()
        self._got = b""

    def begin(self, *, fresh: bool) -> Finding | None:
        """Start over."""
        self._got = b""
        return None if self._expected else (Reading.OK, "")

    def feed(self, data: bytes) -> Finding | None:
        """Collect the answer until what is expected is in it."""
        self._got += data
        if self._expected in self._got:
            return Reading.OK, ""
        if not data or len(self._got) > _MAX_ANSWER:
            return Reading.FAILED, "the answer does not contain what was expected"
        return None


class TcpProbes:
    """Makes TCP probes. ``target`` is ``host:port``."""

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        found = mistakes_in(spec.with_, _KNOWN)
        try:
            split_host_port(spec.target)
        except ValueError as error:
            return (*found, str(error))
        return found

    def __call__(self, spec: ProbeSpec, place: Place) -> SocketProbe:
        """A probe of one port."""
        host, port = split_host_port(spec.target)
        script = Exchange(str(spec.with_.get("send", "")), str(spec.with_.get("expect", "")))
        return SocketProbe(spec, Spot.at(place), Endpoint(host, port), script, keep=False)


tcp = TcpProbes()
