"""Knob values by the OpenFeature SDK and its OFREP provider, never in a request's path.

A thread asks the daemon every half second, by one conditional bulk request whose ETag mostly answers 304; only when
something changed is every flag evaluated through the SDK. With the daemon gone the last values stay.
"""

import logging
import threading
from collections.abc import Mapping

from controlplane.sandbox.plan import KnobPlan, KnobValue, SandboxPlan

_EVERY_S = 0.5
_TIMEOUT_S = 1.0
_BULK = "/ofrep/v1/evaluate/flags"


class Knobs:
    """The values in force, and what they save of each service's cost."""

    def __init__(self, plan: SandboxPlan, region: str) -> None:
        self._plan = plan
        self._region = region
        self.values: dict[str, KnobValue] = {name: knob.default for name, knob in plan.knobs.items()}
        self._saved: Mapping[str, float] = {}
        self._etag = ""
        self.reached = False
        """Whether the daemon answered the last time it was asked."""
        self._settle()

    def start(self) -> None:
        """Ask from now on."""
        if self._plan.knobs:
            threading.Thread(target=self._poll, name="knobs", daemon=True).start()

    def saved(self, service: str) -> float:
        """The share of a service's cost that is not spent, 0..1."""
        return self._saved.get(service, 0.0)

    def _settle(self) -> None:
        saved: dict[str, float] = {}
        for name, knob in self._plan.knobs.items():
            for service, share in knob.saves(self.values[name]).items():
                saved[service] = min(1.0, saved.get(service, 0.0) + share)
        self._saved = saved

    def _poll(self) -> None:
        import requests
        from openfeature import api
        from openfeature.contrib.provider.ofrep import OFREPProvider
        from openfeature.evaluation_context import EvaluationContext

        logging.getLogger("openfeature").setLevel(logging.ERROR)
        api.set_provider(OFREPProvider(self._plan.ofrep, timeout=_TIMEOUT_S))
        client = api.get_client()
        context = EvaluationContext(targeting_key=self._region, attributes={"region": self._region})
        readers = {
            bool: client.get_boolean_details,
            int: client.get_integer_details,
            float: client.get_float_details,
            str: client.get_string_details,
        }
        body = {"context": {"targetingKey": self._region, "region": self._region}}
        rest = threading.Event()
        with requests.Session() as session:
            while not rest.wait(_EVERY_S):
                headers = {"If-None-Match": self._etag} if self._etag else {}
                try:
                    answer = session.post(self._plan.ofrep + _BULK, json=body, headers=headers, timeout=_TIMEOUT_S)
                except requests.RequestException:
                    self.reached = False
                    continue
                self.reached = answer.status_code in {200, 304}
                if answer.status_code != 200:
                    continue
                read = True
                for knob in self._plan.knobs.values():
                    read = self._evaluate(readers, knob, context) and read
                self._settle()
                self._etag = answer.headers.get("ETag", "") if read else ""

    def _evaluate(self, readers: Mapping[type, object], knob: KnobPlan, context: object) -> bool:
        """Read one flag; an error (TYPE_MISMATCH among them: a level may be of another type) keeps the last value."""
        for kind in dict.fromkeys(type(value) for value in (knob.default, *(level for level, _ in knob.levels))):
            details = readers[kind](knob.name, knob.default, context)  # type: ignore[operator]
            if details.error_code is None:
                self.values[knob.name] = details.value
                return True
        return False
