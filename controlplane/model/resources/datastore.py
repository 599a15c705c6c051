"""Datastore: one writer (primary) and its replicas."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from controlplane.model.resources.kind import Duration, Name, Part, Resource, Setting, Word


class DatastoreSpec(Part):
    """``rpo``: the loss that a promotion may cause without a person's word (R9)."""

    engine: Word
    primary: Name
    replicas: tuple[Name, ...] = ()
    rpo: Duration = timedelta(0)
    driver: Name | None = None
    with_: dict[str, Setting] = Field(default_factory=dict, alias="with")


class Datastore(Resource):
    """A database whose primary can be moved to the region of a replica."""

    kind: Literal["Datastore"] = "Datastore"
    spec: DatastoreSpec
