"""What is watched, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from types import MappingProxyType

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.clock import Clock
from controlplane.ports.eyes import Place

_NOTHING: Mapping[str, Setting] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a probe looks from (``vantage``) and at (``region``, ``subject``): the ``Place`` of the ports.

    ``subject`` is a service or a datastore. For an edge's counters ``*`` stands for every region or every service.
    """

    vantage: str
    region: str
    subject: str
    clock: Clock
    settings: Mapping[str, Setting] = field(default_factory=lambda: _NOTHING, hash=False)

    @classmethod
    def at(cls, place: Place) -> "Spot":
        """Any place as a spot."""
        return place if isinstance(place, cls) else cls(place.vantage, place.region, place.subject, place.clock)


@dataclass(frozen=True, slots=True)
class Watch:
    """One probe of one service in one region. ``{region}`` and ``{service}`` in the target are filled in."""

    spec: ProbeSpec
    spot: Spot

    @property
    def filled(self) -> ProbeSpec:
        """The spec with its target's placeholders replaced."""
        target = self.spec.target.replace("{region}", self.spot.region).replace("{service}", self.spot.subject)
        return self.spec if target == self.spec.target else self.spec.model_copy(update={"target": target})

    @property
    def key(self) -> str:
        """Equal keys are the same watch: a reload of the policies leaves it running."""
        spot = self.spot
        return "\x1f".join((spot.vantage, spot.region, spot.subject, self.spec.model_dump_json(by_alias=True)))

    @property
    def interval_s(self) -> float:
        """Seconds from one look to the next."""
        return self.spec.interval / timedelta(seconds=1)

    @property
    def phase_s(self) -> float:
        """Where in the interval this watch looks: spread evenly, and the same on every start and every machine.

        Probes that share what they look at (an edge's counters) look in the same tick, so that one look serves all.
        """
        spot = self.spot
        shared = self.spec.kind == "envoy"
        name = self.filled.target if shared else f"{spot.vantage}|{spot.region}|{spot.subject}|{self.filled.target}"
        return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) / 2**64 * self.interval_s


def signal_of(spec: ProbeSpec) -> Signal:
    """What a plain pass-or-fail probe is evidence of: ``with: {signal: management}`` for an API, console or metrics."""
    return Signal(str(spec.with_.get("signal", Signal.LIVENESS)))


def valid_s(spec: ProbeSpec) -> float:
    """How long a sample may be believed: two looks may be missed, the third may not."""
    return 3 * spec.interval.total_seconds() + spec.timeout.total_seconds()


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of an observation that is the same at every look of one probe."""

    spot: Spot
    signal: Signal
    fall: int
    rise: int
    valid_s: float

    @classmethod
    def of(cls, spec: ProbeSpec, spot: Spot) -> "Frame":
        """For a pass-or-fail probe."""
        return cls(spot, signal_of(spec), spec.fall, spec.rise, valid_s(spec))

    def observation(self, reading: Reading, detail: str = "") -> Observation:
        """One sample, dated now."""
        spot = self.spot
        return Observation(
            signal=self.signal,
            vantage=spot.vantage,
            region=spot.region,
            subject=spot.subject,
            reading=reading,
            observed_at=spot.clock.now(),
            fall=self.fall,
            rise=self.rise,
            valid_s=self.valid_s,
            detail=detail,
        )
