"""What is written beside a thing to tell who changed it last: the epoch, the act's key and when. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from controlplane.model.act import Act
from controlplane.model.errors import Conflict

_FORM = re.compile(r"leeward epoch=(\d+) at=(\d+) key=([^\s\"]*)")
_UNSAFE = re.compile(r"[^\w.:@/+=-]")


@dataclass(frozen=True, slots=True)
class Stamp:
    """``at``: seconds since 1970. An empty one stands for nobody."""

    epoch: int = 0
    at: int = 0
    key: str = ""

    @classmethod
    def of(cls, act: Act, *, undone: bool = False) -> "Stamp":
        """This act's, now."""
        return cls(act.epoch, int(datetime.now(UTC).timestamp()), safe(act.once_key) + ("/undo" if undone else ""))

    @classmethod
    def read(cls, text: str) -> "Stamp":
        """As ``str`` wrote it, somewhere in a text; an empty one if there is none."""
        found = _FORM.search(text)
        return cls(int(found[1]), int(found[2]), found[3]) if found else cls()

    def __str__(self) -> str:
        return f"leeward epoch={self.epoch} at={self.at} key={self.key}"

    def is_of(self, act: Act) -> bool:
        """Whether this act wrote it."""
        return self.key == safe(act.once_key)

    def guard(self, act: Act) -> None:
        """Conflict if a higher epoch has been here."""
        if self.epoch > act.epoch:
            raise Conflict(f"epoch {self.epoch} has changed {act.subject}, {act.epoch} is older")

    @property
    def age_s(self) -> float:
        """Seconds since it was written."""
        return max(0.0, datetime.now(UTC).timestamp() - self.at)


def safe(key: str) -> str:
    """A key in letters that every service takes, 150 at most."""
    return _UNSAFE.sub("_", key)[-150:]
