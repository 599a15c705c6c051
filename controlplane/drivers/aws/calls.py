"""Speaking to AWS: a blocking client in worker threads, bounded in number and in time, with errors of our four kinds.

Credentials come from boto3's own chain and nowhere else. What AWS answers may quote them (a signature that does not
match is explained with the signed headers): they are struck out before an error is made of it, in its cause as well.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from controlplane.drivers import NUMBER, URL, WORD, Kind, number, within
from controlplane.model.errors import Broken, Conflict, DriverError, Refused, Retry
from controlplane.model.resources.kind import Setting

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

PLACE: dict[str, Kind] = {"awsRegion": WORD, "profile": WORD, "endpoint": URL, "timeout": NUMBER}
"""Settings that every AWS driver takes."""

_TIMEOUT_S = 3.0
_START_S = 10.0
_WORKERS = 4
_TRANSIENT = frozenset(
    {
        "EndpointTemporarilyUnavailableException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "TooManyUpdates",
        "429",
        "502",
        "503",
        "504",
    }
)
_NOT_NOW = frozenset({429, 502, 503, 504})
_CONFLICTS = frozenset(
    {
        "ConditionalRequestConflict",
        "ConflictException",
        "PreconditionFailed",
        "ResourceContention",
        "ScalingActivityInProgress",
    }
)
_ABSENT = frozenset(
    {"404", "NoSuchHostedZone", "NoSuchKey", "ParameterNotFound", "ResourceNotFoundException", "NotFound"}
)
_RACED = ("do not match the current values", "already exists", "not found")
"""How Route 53 words it, in an InvalidChangeBatch, when something is not as the batch says that it was."""
_building = threading.Lock()
"""Making a session's clients is not safe in two threads at once."""


class Answer(dict[str, Any]):
    """What AWS answered. Broken if it lacks what every answer of that call has."""

    def __missing__(self, key: str) -> Any:
        raise Broken(f"the answer has no {key}: it is not one of AWS") from KeyError(key)


class Absent(Refused):
    """What was asked for is not there."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which AWS: region and profile None mean what boto3's own chain says; ``endpoint`` another server in its stead."""

    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None
    timeout_s: float = _TIMEOUT_S

    @classmethod
    def of(cls, settings: Mapping[str, Setting], region: str | None = None) -> "Where":
        """As checked settings have it."""
        named = {name: str(settings[name]) for name in ("profile", "endpoint") if name in settings}
        given = region or (str(settings["awsRegion"]) if "awsRegion" in settings else None)
        return cls(region=given, timeout_s=number(settings, "timeout", _TIMEOUT_S), **named)


class Calls:
    """One service of AWS at one place. Four calls at a time; a place that hangs holds up nobody else's.

    ``made`` is told of each client when it is made: tests listen in there.
    """

    def __init__(self, service: str, where: Where, made: Callable[[Any], None] | None = None) -> None:
        self._service, self.where, self._made = service, where, made
        self._client: Any = None
        self._session: Any = None
        self._secrets: tuple[str, ...] = ()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"aws-{self._service}")

    async def ask(self, operation: str, **asked: Any) -> Answer:
        """One call, by boto3's name for it. Retry: no answer in time, throttled, or unwell for a moment. Absent: not
        there. Conflict: somebody was first. Refused: AWS says no. Broken: no credentials, or an answer that is none."""
        what = f"{self._service}.{operation}"
        try:
            from botocore.exceptions import BotoCoreError, ClientError
            from botocore.parsers import ResponseParserError
        except ImportError as error:
            raise Broken(f"{what}: {error}; is the extra leeward[aws] installed?") from error
        try:
            loop = asyncio.get_running_loop()
            if self._client is None:
                async with within(_START_S, f"{what}: credentials and the service's model"):
                    await loop.run_in_executor(self._pool, self._ready)
            async with within(self.where.timeout_s, what):
                return await loop.run_in_executor(self._pool, self._call, operation, asked)
        except ClientError as error:
            raise self._answered(what, error) from self._redacted(error)
        except BotoCoreError as error:
            raise self._unanswered(what, error) from error
        except ResponseParserError as error:
            raise Broken(f"{what}: the answer is not one of AWS") from error

    async def text_of(self, body: Any) -> str:
        """What an answer carries as a stream, read in a thread as well."""
        from botocore.exceptions import BotoCoreError

        what = f"{self._service}: the body of an answer"
        try:
            async with within(self.where.timeout_s, what):
                data: bytes = await asyncio.get_running_loop().run_in_executor(self._pool, body.read)
        except BotoCoreError as error:
            raise self._unanswered(what, error) from error
        return data.decode(errors="replace")

    def _call(self, operation: str, asked: dict[str, Any]) -> Answer:
        from botocore.exceptions import ClientError

        client = self._ready()
        try:
            return Answer(getattr(client, operation)(**asked))
        except ClientError:
            self._learn_secrets()  # those of a role change from hour to hour
            raise

    def _ready(self) -> Any:
        with _building:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        import boto3
        from botocore.config import Config

        for talkative in ("boto3", "botocore"):  # at debug level they write down the headers that they sign
            logger = logging.getLogger(talkative)
            logger.setLevel(max(logging.INFO, logger.level))
        where = self.where
        self._session = session = boto3.Session(profile_name=where.profile, region_name=where.region)
        config = Config(
            connect_timeout=where.timeout_s,
            read_timeout=where.timeout_s,
            retries={"total_max_attempts": 1},  # whoever acts tries again, and knows how often
            max_pool_connections=_WORKERS,
            user_agent_extra="leeward",
        )
        client = session.client(self._service, endpoint_url=where.endpoint, config=config)
        client.meta.events.register("before-parse.*.*", _not_now)
        if self._made is not None:
            self._made(client)
        return client

    def _learn_secrets(self) -> None:
        given = self._session.get_credentials()
        if given is not None:
            frozen = given.get_frozen_credentials()
            self._secrets = tuple(filter(None, (frozen.secret_key, frozen.token, frozen.access_key)))

    def _clean(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, "•••")
        return " ".join(words.split())[:300]

    def _redacted(self, error: "ClientError") -> "ClientError":
        from botocore.exceptions import ClientError

        told = error.response.get("Error", {})
        safe = {"Code": str(told.get("Code", "")), "Message": self._clean(str(told.get("Message", "")))}
        return ClientError({"Error": safe}, error.operation_name)

    def _answered(self, what: str, error: "ClientError") -> DriverError:
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = f"{what}: {code}: {self._clean(str(told.get('Message', '')))}"
        if code in _TRANSIENT or "Throttl" in code or status in _NOT_NOW:
            return Retry(said)
        if code in _ABSENT or code.endswith("NotFoundFault"):
            return Absent(said)
        if code == "InvalidChangeBatch":
            return (Conflict if any(words in said for words in _RACED) else Refused)(said)
        if code in _CONFLICTS or status in {409, 412}:
            return Conflict(said)
        return Broken(said) if status >= 500 else Refused(said)

    def _unanswered(self, what: str, error: "BotoCoreError") -> DriverError:
        from botocore.exceptions import ConnectionError as NoConnection
        from botocore.exceptions import HTTPClientError

        said = f"{what}: {self._clean(str(error))}"
        if isinstance(error, HTTPClientError | NoConnection):
            return Retry(said)
        return Broken(said)  # no credentials, no region, a parameter that the model forbids, an answer that is none


def _not_now(response_dict: Mapping[str, Any], **_: object) -> None:
    """Who stands in front of AWS may say "not now" without a word, which botocore takes for nonsense."""
    status = int(response_dict.get("status_code", 0))
    if status in _NOT_NOW and not response_dict.get("body"):
        raise Retry(f"answered {status}") from OSError(f"HTTP {status}")
