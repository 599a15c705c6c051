"""Reading: what an application that asks over OFREP is told."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.drivers import read_file
from controlplane.drivers.flags.definition import branches, checked, empty, variant_name
from controlplane.model.errors import Broken
from controlplane.model.resources.kind import KnobValue


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An answer. All of it is always there: the official providers break on an answer without value or variant.

    ``reason``: ``STATIC`` the same everywhere, ``TARGETING_MATCH`` the region's own, ``DEFAULT`` regions differ and
    this one is not among them or was not told.
    """

    key: str
    value: KnobValue
    variant: str
    reason: str
    version: str


class FlagSet:
    """The flags of one file. Looks at the file only when it has changed; ``etag`` changes when any flag has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._signature: tuple[int, int, int] | None = None
        self._flags: Mapping[str, Mapping[str, Any]] = {}
        self.etag = ""
        self._load()

    def evaluate(self, key: str, context: Mapping[str, object]) -> Evaluation | None:
        """One flag in the evaluation context, where ``region`` counts; None: no such flag. Broken: no readable file."""
        self._load()
        flag = self._flags.get(key)
        return None if flag is None else self._evaluate(key, flag, context)

    def all(self, context: Mapping[str, object]) -> Iterator[Evaluation]:
        """Every flag, by key."""
        self._load()
        for key, flag in sorted(self._flags.items()):
            yield self._evaluate(key, flag, context)

    def _evaluate(self, key: str, flag: Mapping[str, Any], context: Mapping[str, object]) -> Evaluation:
        by_region = branches(flag)
        region = context.get("region")
        if isinstance(region, str) and region in by_region:
            variant, reason = by_region[region], "TARGETING_MATCH"
        else:
            variant, reason = flag["defaultVariant"], "DEFAULT" if by_region else "STATIC"
        value: KnobValue = flag["variants"][variant]
        return Evaluation(key, value, variant_name(value), reason, self.etag)

    def _load(self) -> None:
        try:
            stat = self._path.stat()
        except OSError:
            signature = (0, 0, 0)
        else:
            signature = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if signature == self._signature:
            return
        data = read_file(self._path) or json.dumps(empty()).encode()
        try:
            document = checked(json.loads(data))
        except ValueError as error:
            raise Broken(f"{self._path}: not JSON: {error}") from error
        self._signature, self._flags = signature, document["flags"]
        self.etag = hashlib.blake2b(json.dumps(self._flags, sort_keys=True).encode(), digest_size=12).hexdigest()
