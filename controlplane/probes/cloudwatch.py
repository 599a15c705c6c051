"""CloudWatch: alarms and metrics as evidence.

What CloudWatch does not say is unknown (R1): no such alarm, too little data, no datapoint, an old one, no answer from
CloudWatch itself. A datapoint is dated by its own end, not by when it was asked for.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import Any

from controlplane.model.evidence import Observation, Reading, Signal
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from controlplane.ports.eyes import Place
from controlplane.probes.settings import POSITIVE, WORD, WORDS, Kind, mistakes_in, number
from controlplane.probes.watch import Frame, Spot, valid_s

_ALARMS = frozenset({Signal.LIVENESS, Signal.MANAGEMENT, Signal.FACILITY})
_METRICS = frozenset({Signal.SUCCESS, Signal.LATENCY, Signal.LAG, Signal.CAPACITY, Signal.LOAD})
_KNOWN = {
    "signal": Kind("a signal", lambda value: value in {signal.value for signal in _ALARMS | _METRICS}),
    "awsRegion": WORD,
    "awsRegions": WORDS,
    "profile": WORD,
    "endpoint": WORD,
    "dimensions": WORDS,
    "statistic": WORD,
    "period": POSITIVE,
    "factor": POSITIVE,
    "errors": WORD,
    "absentErrors": Kind("zero or unknown", lambda value: value in {"zero", "unknown"}),
    "datastore": WORD,
}
_PERIOD_S = 60.0
_OLD = 3
_WORKERS = 4

_building = Lock()


@dataclass(frozen=True, slots=True)
class Point:
    """The newest datapoint of a series, and when its period ended."""

    value: float
    ended: datetime


class Metrics:
    """One CloudWatch, asked in worker threads, four questions at a time. Credentials come from boto3's own chain."""

    def __init__(self, region: str | None, profile: str | None, endpoint: str | None) -> None:
        self._region, self._profile, self._endpoint = region, profile, endpoint
        self._client: Any = None

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_WORKERS, thread_name_prefix="cloudwatch")

    async def ask(self, operation: str, timeout_s: float, **asked: Any) -> dict[str, Any]:
        """One call. ValueError with a sentence if there is no answer; the sentence holds nothing that AWS quoted."""
        try:
            from botocore.exceptions import BotoCoreError, ClientError
            from botocore.parsers import ResponseParserError
        except ImportError as error:
            raise ValueError("boto3 is not installed: is the extra leeward[aws]?") from error
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._call, operation, timeout_s, asked
                )
        except TimeoutError as error:
            raise ValueError(f"CloudWatch did not answer within {timeout_s:g} s") from error
        except ClientError as error:
            raise ValueError(f"CloudWatch: {error.response.get('Error', {}).get('Code', 'no')}") from None
        except (BotoCoreError, ResponseParserError) as error:
            raise ValueError(f"CloudWatch: {type(error).__name__}") from error

    def _call(self, operation: str, timeout_s: float, asked: dict[str, Any]) -> dict[str, Any]:
        with _building:
            if self._client is None:
                self._client = self._connect(timeout_s)
        answer: dict[str, Any] = getattr(self._client, operation)(**asked)
        return answer

    def _connect(self, timeout_s: float) -> Any:
        import boto3
        from botocore.config import Config

        for talkative in ("boto3", "botocore"):  # at debug level they write down the headers that they sign
            logger = logging.getLogger(talkative)
            logger.setLevel(max(logging.INFO, logger.level))
        session = boto3.Session(profile_name=self._profile, region_name=self._region)
        config = Config(connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 1})
        return session.client("cloudwatch", endpoint_url=self._endpoint, config=config)


class CloudWatchProbe:
    """One alarm (``alarm:NAME``) or one metric (``NAMESPACE:NAME``)."""

    def __init__(self, spec: ProbeSpec, spot: Spot, metrics: Metrics) -> None:
        self._spec, self._metrics = spec, metrics
        self._spot = replace(spot, subject=str(spec.with_.get("datastore", spot.subject)))
        self._namespace, _, self._name = spec.target.rpartition(":")
        self._signal = _signal(spec)
        self._period = timedelta(seconds=number(spec.with_.get("period", _PERIOD_S)))

    async def look(self) -> tuple[Observation, ...]:
        """Ask once."""
        try:
            if self._namespace == "alarm":
                return (await self._alarm(),)
            return (await self._metric(),)
        except ValueError as error:
            return (self._unknown(str(error)),)

    async def _alarm(self) -> Observation:
        timeout_s = self._spec.timeout.total_seconds()
        answer = await self._metrics.ask("describe_alarms", timeout_s, AlarmNames=[self._name], AlarmTypes=_TYPES)
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        if not found:
            return self._unknown(f"there is no alarm {self._name}")
        match found[0]["StateValue"]:
            case "OK":
                return self._said(Reading.OK, 0.0 if self._signal is Signal.FACILITY else None)
            case "ALARM":
                standing = self._signal is Signal.FACILITY
                return self._said(Reading.OK if standing else Reading.FAILED, 1.0 if standing else None)
            case state:
                return self._unknown(f"the alarm {self._name} says {state}")

    async def _metric(self) -> Observation:
        now = self._spot.clock.now()
        names = {"m": self._name}
        if "errors" in self._spec.with_:
            names["e"] = str(self._spec.with_["errors"])
        points = await self._points(names, now)
        point = points.get("m")
        if point is None:
            return self._unknown(f"{self._name} has no datapoint in {_OLD} periods")
        value, weight = point.value * number(self._spec.with_.get("factor", 1.0)), 1.0
        if "e" in names:
            failed = points.get("e")
            if failed is not None and failed.ended != point.ended:
                failed = None
            if failed is None and self._spec.with_.get("absentErrors") != "zero":
                return self._unknown(f"{names['e']} has no datapoint beside {self._name}'s")
            if point.value <= 0:
                return self._unknown("nobody asked")
            value, weight = max(0.0, 1.0 - (failed.value if failed else 0.0) / point.value), point.value
        seen = self._said(Reading.OK, value)
        return replace(seen, weight=weight, observed_at=min(now, point.ended), valid_s=self._believed_s())

    async def _points(self, names: Mapping[str, str], now: datetime) -> dict[str, Point]:
        dimensions = self._spec.with_.get("dimensions")
        given = dimensions if isinstance(dimensions, dict) else {}
        listed = [{"Name": name, "Value": str(value)} for name, value in sorted(given.items())]
        statistic = str(self._spec.with_.get("statistic", "Sum" if "e" in names else "Average"))
        stat = {"Period": int(self._period.total_seconds()), "Stat": statistic}
        queries = [
            {
                "Id": key,
                "MetricStat": {
                    **stat,
                    "Metric": {"Namespace": self._namespace, "MetricName": name, "Dimensions": listed},
                },
            }
            for key, name in names.items()
        ]
        answer = await self._metrics.ask(
            "get_metric_data",
            self._spec.timeout.total_seconds(),
            MetricDataQueries=queries,
            StartTime=now - _OLD * self._period,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        found: dict[str, Point] = {}
        for series in answer["MetricDataResults"]:
            pairs = sorted(zip(series["Timestamps"], series["Values"], strict=True), reverse=True)
            fresh = [(at.astimezone(UTC) + self._period, value) for at, value in pairs]
            fresh = [(ended, value) for ended, value in fresh if now - ended <= _OLD * self._period]
            if fresh:
                found[series["Id"]] = Point(float(fresh[0][1]), fresh[0][0])
        return found

    def _believed_s(self) -> float:
        return max(valid_s(self._spec), _OLD * self._period.total_seconds())

    def _said(self, reading: Reading, value: float | None, why: str = "") -> Observation:
        frame = replace(Frame.of(_plain(self._spec), self._spot), signal=self._signal)
        seen = replace(frame.observation(reading, why), value=value)
        return seen if self._signal in {Signal.LIVENESS, Signal.MANAGEMENT} else replace(seen, fall=1, rise=1)

    def _unknown(self, why: str) -> Observation:
        return self._said(Reading.UNKNOWN, None, why)


_TYPES = ["MetricAlarm", "CompositeAlarm"]


def _plain(spec: ProbeSpec) -> ProbeSpec:
    return spec.model_copy(update={"with_": {}})


def _signal(spec: ProbeSpec) -> Signal:
    return Signal(str(spec.with_.get("signal", Signal.LIVENESS)))


class CloudWatchProbes:
    """Makes CloudWatch probes. ``target``: ``alarm:NAME``, or ``NAMESPACE:METRIC`` (``AWS/RDS:ReplicaLag``).

    Settings: ``signal`` (alarms: liveness, management, facility; metrics: success, latency, lag, capacity, load),
    ``awsRegion`` or ``awsRegions`` (by region), ``dimensions``, ``statistic``, ``period`` (60), ``factor`` (0.001 makes
    milliseconds seconds), ``errors`` (for success: the metric of failed requests beside the target's requests) and
    ``absentErrors`` (``zero`` where a metric is only written when there are some), ``datastore``, ``profile``.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str | None, str | None], Metrics] = {}

    def mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What is wrong with the spec, a sentence each."""
        found = mistakes_in(spec.with_, _KNOWN)
        if found:
            return found
        namespace, _, name = spec.target.rpartition(":")
        if not namespace or not name:
            return (f"target {spec.target!r} is neither alarm:NAME nor NAMESPACE:METRIC",)
        able = _ALARMS if namespace == "alarm" else _METRICS
        if _signal(spec) not in able:
            words = ", ".join(sorted(signal.value for signal in able))
            return (f"setting 'signal' must be one of {words} for {spec.target!r}",)
        if _signal(spec) is Signal.SUCCESS and "errors" not in spec.with_:
            return ("setting 'errors' is missing: success is what is left of requests when failed ones are taken away",)
        return ()

    def __call__(self, spec: ProbeSpec, place: Place) -> CloudWatchProbe:
        """A probe of one alarm or metric; those of one AWS region share a client."""
        spot = Spot.at(place)
        by_region = spec.with_.get("awsRegions")
        aws = by_region.get(spot.region) if isinstance(by_region, dict) else spec.with_.get("awsRegion")
        key = (_word(aws), _word(spec.with_.get("profile")), _word(spec.with_.get("endpoint")))
        if key not in self._known:
            self._known[key] = Metrics(*key)
        return CloudWatchProbe(spec, spot, self._known[key])


def _word(value: Setting) -> str | None:
    return str(value) if value is not None else None


cloudwatch = CloudWatchProbes()
