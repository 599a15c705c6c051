"""The rules of decision by their ids, and the reasons that cite them."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """R1 to R16 of the contract."""

    BLIND = "R1"
    GLOBAL = "R2"
    CAPACITY = "R3"
    RESIDENCY = "R4"
    LEAST_MOVE = "R5"
    RAMP = "R6"
    DAMPING = "R7"
    BLAST_RADIUS = "R8"
    DATA = "R9"
    ORDER = "R10"
    OVERRIDE = "R11"
    FREEZE = "R12"
    FAILBACK = "R13"
    DEPENDENCY = "R14"
    CONTROL_ONLY = "R15"
    STATIC = "R16"

    @property
    def number(self) -> int:
        """Sort key: R2 comes before R10."""
        return int(self.value[1:])


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is done or not: the rule, a code that ``explain`` has a sentence for, and the facts in it.

    ``facts`` are (name, value) pairs, names with their units last (``lag_s``), in the order they were found.
    """

    rule: Rule
    code: str
    facts: tuple[tuple[str, Scalar], ...] = ()

    def fact(self, name: str) -> Scalar:
        """The value of one fact; KeyError if it was not recorded."""
        for known, value in self.facts:
            if known == name:
                return value
        raise KeyError(name)


def reason(rule: Rule, code: str, **facts: Scalar) -> Reason:
    """A Reason with its facts written as keyword arguments."""
    return Reason(rule, code, tuple(facts.items()))


def cited(reasons: tuple[Reason, ...]) -> tuple[Rule, ...]:
    """The distinct rules of some reasons, in their numbers' order."""
    return tuple(sorted({why.rule for why in reasons}, key=lambda rule: rule.number))
