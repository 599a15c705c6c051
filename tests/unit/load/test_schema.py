"""The schemas that editors use: valid, complete, and of one mind with the models."""

import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from controlplane.load.descriptions import DESCRIPTIONS, description
from controlplane.load.fields import models_below
from controlplane.load.kinds import KINDS, model_of
from controlplane.load.schema import kinds, schema
from controlplane.load.world_file import WorldFile
from controlplane.model.errors import WrongUse
from tests.unit.load.written import SOUND


def all_models() -> dict[str, Any]:
    """Every model that people can write a part of."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [model_of(kind) for kind in KINDS] + [WorldFile]
    while waiting:
        model = waiting.pop()
        if model.__name__ not in found:
            found[model.__name__] = model
            waiting.extend(models_below(model))
    return found


@pytest.mark.parametrize("kind", kinds())
def test_each_schema_is_valid_in_its_dialect(kind: str) -> None:
    found = schema(kind)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(found)
    json.dumps(found, allow_nan=False)


def test_sound_documents_are_valid_by_the_schemas() -> None:
    for document in yaml.safe_load_all(SOUND):
        if document is not None:
            jsonschema.validate(document, schema(document["kind"]))


@pytest.mark.parametrize(
    "change",
    [{"spec": {"teir": 1}}, {"spec": {"tier": 4}}, {"spec": {"tier": "1"}}, {"apiVersion": "v1"}, {"metadata": {}}],
)
def test_an_unsound_document_is_not(change: dict[str, Any]) -> None:
    document = {"apiVersion": "leeward/v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"tier": 1}}
    jsonschema.validate(document, schema("Service"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | change, schema("Service"))


def test_the_envelope_is_required() -> None:
    assert set(schema("Region")["required"]) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(schema("SafetyPolicy")["required"]) == {"apiVersion", "kind", "metadata"}


def test_fields_are_named_and_described_as_people_write_them() -> None:
    spec = schema("Service")["$defs"]["ServiceSpec"]["properties"]
    assert {"dependsOn", "datastore", "traffic"} <= set(spec)
    assert spec["tier"]["description"] == "0 is shed last, 3 first."
    assert "with" in schema("Service")["$defs"]["Binding"]["properties"]


def test_every_field_is_described() -> None:
    silent = [
        f"{model.__name__}.{field.alias or name}"
        for model in all_models().values()
        for name, field in model.model_fields.items()
        if not description(model, field.alias or name)
    ]
    assert silent == []


def test_every_description_is_of_a_field() -> None:
    models = all_models()
    fields = {name: {f.alias or n for n, f in model.model_fields.items()} for name, model in models.items()}
    everywhere = set().union(*fields.values())
    lost = [
        key
        for key in DESCRIPTIONS
        if not (key in everywhere if "." not in key else key.split(".")[1] in fields.get(key.split(".")[0], ()))
    ]
    assert lost == []


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    with pytest.raises(WrongUse, match="did you mean `FailoverPolicy`"):
        schema("failoverpolicy")
    with pytest.raises(WrongUse, match="the kinds are"):
        schema("Xyzzy")


def test_defaults_are_written_as_people_write_them() -> None:
    parts = schema("FailoverPolicy")["$defs"]
    assert parts["FailoverSpec"]["properties"]["unhealthyFor"]["default"] == "5s"
    assert parts["FailoverSpec"]["properties"]["ramp"]["default"] == {"step": 0.25, "every": "30s"}
    assert schema("Region")["$defs"]["RegionSpec"]["properties"]["role"]["default"] == "serving"


@pytest.mark.parametrize("kind", kinds())
def test_every_default_is_valid_where_it_stands(kind: str) -> None:
    whole = schema(kind)
    for part in (whole, *whole["$defs"].values()):
        for field in part.get("properties", {}).values():
            if "default" in field:
                part_alone = field | {"$defs": whole["$defs"]}
                jsonschema.Draft202012Validator(part_alone).validate(field["default"])
