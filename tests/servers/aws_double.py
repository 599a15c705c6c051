"""A double of an AWS service, for what moto lacks: a state of its own behind botocore's own models.

Like botocore's Stubber it answers in place of the network, and the service's model checks both sides: botocore refuses
a call whose parameters the model does not know, and an answer of ours that the model forbids fails the test. Unlike the
Stubber it keeps a state, so that what was changed is read back.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.validate import validate_parameters

from tests.servers.aws import refusal

Operation = Callable[[dict[str, Any]], dict[str, Any]]


class Double:
    """``operations`` by AWS's name. ``asked``: every call that came, in order. ``down``: it answers nobody."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = dict(operations)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.down = False

    def __call__(self, client: Any) -> None:
        """Take a client's calls."""
        asked: dict[str, Any] = {}

        def parameters(params: dict[str, Any], model: Any, **_: object) -> None:
            asked[model.name] = dict(params)

        def answer(model: Any, **_: object) -> tuple[Any, dict[str, Any]]:
            return self._answer(model, asked.pop(model.name))

        client.meta.events.register("before-parameter-build.*.*", parameters)
        client.meta.events.register("before-call.*.*", answer)

    def _answer(self, model: Any, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self.asked.append((model.name, params))
        if self.down:
            raise refusal(model.name, "EndpointTemporarilyUnavailableException", "not now", 503)
        found = self._operations[model.name](params)
        if model.output_shape is not None:
            validate_parameters(found, model.output_shape)
        return SimpleNamespace(status_code=200), {**found, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def names(self) -> list[str]:
        """Operations asked for, in order."""
        return [name for name, _ in self.asked]
