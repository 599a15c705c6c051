"""What people ask about policies before anything runs on them: are they right, and what may be written."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from controlplane.load import schema as schemas
from controlplane.load.catalogue import Catalogue
from controlplane.load.estate import Report, check
from controlplane.model.errors import Mistake
from controlplane.model.journal import Json


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at policies came to. ``documents``: how many there were of each kind."""

    errors: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    documents: tuple[tuple[str, int], ...]

    @property
    def valid(self) -> bool:
        """Whether an estate could be run on them; warnings do not matter."""
        return not self.errors


def validate_policies(paths: Iterable[Path], catalogue: Catalogue) -> Checked:
    """Check files and folders against each other and against what is installed."""
    return checked(check(paths, catalogue))


def checked(report: Report) -> Checked:
    """The part of a report that faces show."""
    return Checked(report.mistakes, report.warnings, report.documents)


def checked_json(found: Checked) -> Json:
    """CONTRACTS: what ``leeward validate --json`` prints."""
    return {
        "valid": found.valid,
        "errors": [_mistake(mistake) for mistake in found.errors],
        "warnings": [_mistake(mistake) for mistake in found.warnings],
        "documents": dict(found.documents),
    }


def kinds() -> tuple[str, ...]:
    """Every kind of document there is."""
    return schemas.kinds()


def schema(kind: str) -> Json:
    """The JSON Schema of a kind. Raises WrongUse, with the nearest right name, if there is no such kind."""
    found: Json = schemas.schema(kind)
    return found


def _mistake(mistake: Mistake) -> Json:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "what": mistake.what,
        "why": mistake.why,
        "mend": mistake.mend,
    }
