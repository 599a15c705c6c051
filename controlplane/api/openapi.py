"""The OpenAPI 3.1 document, from the models of requests and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from controlplane import __version__
from controlplane.api import documents as d
from controlplane.api.ofrep import PATH as FLAGS
from controlplane.api.problems import MEDIA_TYPE
from controlplane.api.requests import CommandRequest, ExplainQuery, JournalQuery
from controlplane.model.journal import Json

Mode = Literal["validation", "serialization"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One path and method. ``answers``: status → model (None: no JSON); ``many``: the 200 answer is a list of it."""

    path: str
    method: str
    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    many: bool = False
    needs_token: bool = False
    media: Mapping[int, str] = field(default_factory=dict)


_PROBLEMS: Mapping[int, type[BaseModel]] = dict.fromkeys((400, 403, 404, 409, 413, 422, 503, 504), d.Problem)


def _ask(path: str, summary: str, answer: type[BaseModel] | None, *errors: int, many: bool = False) -> Operation:
    return Operation(path, "get", summary, {200: answer, **dict.fromkeys((403, *errors), d.Problem)}, many=many)


OPERATIONS = (
    Operation("/healthz", "get", "Whether the loop turns", {200: d.Health, 403: d.Problem, 503: d.Health}),
    Operation("/readyz", "get", "Whether it does its part", {200: d.Readiness, 403: d.Problem, 503: d.Readiness}),
    Operation("/metrics", "get", "For Prometheus", {200: None, 403: d.Problem}, media={200: "text/plain"}),
    _ask("/v1/status", "Everything that is so now", d.Status),
    _ask("/v1/plan", "The last decision", d.Plan),
    _ask("/v1/world", "What it was made from", d.World),
    Operation(
        "/v1/explain",
        "get",
        "Why, why not, and what would change it",
        {200: d.Explained, 400: d.Problem, 403: d.Problem, 422: d.Problem},
        query=ExplainQuery,
    ),
    Operation(
        "/v1/journal",
        "get",
        "Journal entries, oldest first",
        {200: d.Entry, 400: d.Problem, 403: d.Problem, 422: d.Problem, 503: d.Problem},
        query=JournalQuery,
        many=True,
    ),
    _ask("/v1/journal/verify", "Whether history is whole", d.Verified, 503),
    _ask("/v1/overrides", "People's words on regions", d.Override, many=True),
    _ask("/v1/wishes", "People's words on knobs, services and datastores", d.Wish, many=True),
    _ask("/v1/approvals", "What waits for a person", d.Approval, many=True),
    _ask("/v1/runbooks", "Runbooks", d.Document, many=True),
    _ask("/v1/drills", "Drills", d.Document, many=True),
    Operation(
        "/v1/commands",
        "post",
        "Change something, or see what would follow",
        {200: d.Receipt, 202: d.Receipt, **_PROBLEMS, 401: d.Problem, 415: d.Problem, 421: d.Problem},
        body=CommandRequest,
        needs_token=True,
    ),
    Operation(
        FLAGS,
        "post",
        "Every knob as a flag (OFREP)",
        {200: d.Flags, 304: None, 400: d.FlagProblem, 403: d.Problem, 413: d.Problem},
        body=d.Evaluation,
        media={400: "application/json"},
    ),
    Operation(
        FLAGS + "/{key}",
        "post",
        "One knob as a flag (OFREP)",
        {200: d.Flag, 400: d.FlagProblem, 403: d.Problem, 404: d.FlagProblem, 413: d.Problem},
        body=d.Evaluation,
        media={400: "application/json", 404: "application/json"},
    ),
)
"""``/v1/events`` is not among them: OpenAPI has no words for a stream of events. Its documents are Entry and Status."""


@cache
def document() -> dict[str, Json]:
    """The whole document."""
    schemas, components = _schemas()
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        of_path = paths.setdefault(operation.path, {})
        if isinstance(of_path, dict):
            of_path[operation.method] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Leeward", "version": __version__, "summary": "What the daemon answers over HTTP."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> tuple[dict[type[BaseModel], Json], dict[str, Json]]:
    """Each model's reference, and what the references lead to. Answers are described as written, requests as read."""
    requests = {o.body for o in OPERATIONS if o.body} | {o.query for o in OPERATIONS if o.query}
    answers = {model for o in OPERATIONS for model in o.answers.values() if model}
    wanted: list[tuple[type[BaseModel], Mode]] = [(model, "validation") for model in sorted(requests, key=str)]
    wanted += [(model, "serialization") for model in sorted(answers - requests, key=str)]
    references, defined = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    components: dict[str, Json] = dict(defined["$defs"])
    return {model: references[model, mode] for model, mode in wanted}, components


def _operation(operation: Operation, schemas: Mapping[type[BaseModel], Json]) -> dict[str, Json]:
    written: dict[str, Json] = {
        "summary": operation.summary,
        "operationId": _name(operation),
        "responses": {str(s): _response(operation, s, schemas) for s in sorted(operation.answers)},
    }
    parameters: list[Json] = []
    if "{" in operation.path:
        name = operation.path.partition("{")[2].rstrip("}")
        text: Json = {"type": "string", "minLength": 1}
        parameters.append({"name": name, "in": "path", "required": True, "schema": text})
    if operation.query:
        parameters += _query(operation.query)
    if parameters:
        written["parameters"] = parameters
    if operation.body:
        content: Json = {"application/json": {"schema": schemas[operation.body]}}
        written["requestBody"] = {"required": operation.body is CommandRequest, "content": content}
    if operation.needs_token:
        written["security"] = [{}, {"token": []}]
    return written


def _query(model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    needed = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": shape}
        for name, shape in schema["properties"].items()
    ]


def _response(operation: Operation, status: int, schemas: Mapping[type[BaseModel], Json]) -> dict[str, Json]:
    model = operation.answers[status]
    written: dict[str, Json] = {"description": _WORDS.get(status, "An error")}
    if model is None:
        if status in operation.media:
            written["content"] = {operation.media[status]: {"schema": {"type": "string"}}}
        return written
    shape = schemas[model]
    if operation.many and status == 200:
        shape = {"type": "array", "items": shape}
    media = operation.media.get(status, MEDIA_TYPE if model is d.Problem else "application/json")
    written["content"] = {media: {"schema": shape}}
    return written


_WORDS = {200: "So it is", 202: "It waits for a person", 304: "As it was"}


def _name(operation: Operation) -> str:
    words = [word.strip("{}") for word in operation.path.replace(".", "/").split("/") if word and word != "v1"]
    return operation.method + "".join(word.title() for word in words)
