"""The small words of every view: shares, ages, times, names, health."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from rich.text import Text

from cli.render.terminal import clean
from controlplane.model.resources.kind import KnobValue
from controlplane.model.verdict import Health

_HEALTH = {
    Health.DOWN: ("DOWN", "bold red"),
    Health.DEGRADED: ("degraded", "yellow"),
    Health.UNKNOWN: ("unknown", "magenta"),
    Health.HEALTHY: ("healthy", "green"),
}


def percent(share: float) -> str:
    """``0.4`` as ``40 %``; what is there is never shown as 0, nor what is missing as 100."""
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    text = f"{share * 100:.1f}"
    return f"{text.removesuffix('.0')} %"


def age(since: datetime, now: datetime) -> str:
    """How long ago, in its two largest units: ``8s``, ``2m 05s``, ``3h 20m``, ``4d 2h``."""
    return span(now - since)


def span(time: timedelta) -> str:
    """A length of time for a person."""
    seconds = max(0, int(time.total_seconds()))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour}h"
    if hours:
        return f"{hour}h {minute:02}m"
    return f"{minute}m {second:02}s" if minutes else f"{second}s"


def at(moment: datetime, now: datetime | None = None) -> str:
    """A time of day in UTC; with its date if that is not today's."""
    moment = moment.astimezone(UTC)
    if now is not None and moment.date() == now.astimezone(UTC).date():
        return f"{moment:%H:%M:%S}Z"
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def number(value: float) -> str:
    """A figure without a tail of zeros."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def knob(value: KnobValue) -> str:
    """A knob's value as it is written in a policy."""
    return str(value).lower() if isinstance(value, bool) else clean(str(value))


def health(state: Health) -> Text:
    """A verdict's state in its colour, and in words that do without one."""
    word, style = _HEALTH[state]
    return Text(word, style=style)


def listed(names: Iterable[str], *, most: int = 4) -> str:
    """``a, b and c``; a long list is cut and says by how much."""
    known = [clean(name) for name in names]
    if len(known) > most:
        return f"{', '.join(known[: most - 1])} and {len(known) - most + 1} more"
    if len(known) < 2:
        return "".join(known)
    return f"{', '.join(known[:-1])} and {known[-1]}"


def count(many: int, noun: str, plural: str = "") -> str:
    """``1 action``, ``2 actions``."""
    return f"{many} {noun if many == 1 else plural or noun + 's'}"


def cites(rules: Sequence[str]) -> str:
    """Rule ids as they are cited after a sentence."""
    return f"[{' '.join(rules)}]" if rules else ""
