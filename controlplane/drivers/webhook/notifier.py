"""The notifier, and how its receiver checks that a message is genuine."""

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from controlplane.drivers import NUMBER, URL, WORD, Web, mistakes_in, number
from controlplane.model.errors import Refused, Retry
from controlplane.model.notice import Notice
from controlplane.model.resources.kind import Setting

_TRIES = 3
_TIMEOUT_S = 3.0
_KNOWN = {"url": URL, "secretEnv": WORD, "timeout": NUMBER}
MAX_AGE_S = 300.0


def mistakes(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """What is wrong with the settings, a sentence each."""
    return mistakes_in(settings, _KNOWN, needed=("url",))


class WebhookNotifier:
    """POSTs each notice as JSON: ``severity``, ``at``, ``subject``, ``text``, ``rules``.

    ``idempotency-key`` is the same whenever the same notice is sent, so that a receiver can drop the second.
    ``leeward-signature`` is ``t=<unix seconds>,v1=<hex>``: HMAC-SHA256 under the shared secret of the time, a dot and
    the body. Settings: ``url``, ``secretEnv`` (the environment variable that holds the secret; without one nothing is
    signed), ``timeout`` (3 seconds a try, three tries).
    """

    def __init__(self, settings: Mapping[str, Setting], *, now: Callable[[], datetime] | None = None) -> None:
        self._url = str(settings["url"])
        self._secret_env = settings.get("secretEnv")
        self._web = Web(timeout_s=number(settings, "timeout", _TIMEOUT_S))
        self._now = now or (lambda: datetime.now(UTC))

    async def send(self, notice: Notice) -> None:
        """Tell it once. Raises what the last of three tries raised; only what is transient is tried again."""
        body = message(notice)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Retry),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_attempt(_TRIES),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                await self._web.send("POST", self._url, content=body, headers=self._headers(body))

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "idempotency-key": key_of(body)}
        if self._secret_env is not None:
            secret = os.environ.get(str(self._secret_env))
            if not secret:
                raise Refused(f"the environment variable {self._secret_env} holds no secret to sign with")
            headers["leeward-signature"] = sign(secret.encode(), body, self._now())
        return headers


def message(notice: Notice) -> bytes:
    """A notice as its receiver gets it: the same notice, the same bytes."""
    fields = {
        "severity": notice.severity.value,
        "at": notice.at.isoformat(),
        "subject": notice.subject,
        "text": notice.text,
        "rules": list(notice.rules),
    }
    return json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()


def key_of(body: bytes) -> str:
    """The idempotency key of a message."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def sign(secret: bytes, body: bytes, at: datetime) -> str:
    """The signature of a message, valid for five minutes around ``at``."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={hmac.new(secret, seconds.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def verify(secret: bytes, body: bytes, signature: str, now: datetime) -> bool:
    """Whether a message is genuine and fresh; for receivers, and for the tests."""
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    try:
        at = datetime.fromtimestamp(int(parts["t"]), UTC)
    except (KeyError, ValueError, OverflowError):
        return False
    fresh = abs((now - at).total_seconds()) <= MAX_AGE_S
    return fresh and hmac.compare_digest(sign(secret, body, at), signature)
