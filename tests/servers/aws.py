"""AWS to test against: moto's server where it has the service, and where it is laxer than AWS, AWS's own refusals."""

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED00",
    "AWS_SECRET_ACCESS_KEY": "planted/secret/planted/secret/planted/sec",
    "AWS_SESSION_TOKEN": "planted-session-token-planted-session-token",
}
"""What boto3's own chain finds in the environment, and what may stand nowhere else."""

_CHAIN = {**SECRETS, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def planted() -> Iterator[None]:
    """Credentials in the environment, and no configuration of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BOTO_"))}
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    with patch.dict(os.environ, {**kept, **_CHAIN, **files}, clear=True):
        yield


@dataclass(frozen=True)
class Cloud:
    """A moto server, empty."""

    url: str

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """For tests to lay things with and to look at them."""
        import boto3

        return boto3.client(service, region_name=region, endpoint_url=self.url)


@contextmanager
def cloud() -> Iterator[Cloud]:
    """A moto server on a port of its own. What an earlier one held is gone."""
    from moto.server import ThreadedMotoServer

    with planted():
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            _forget(host, port)
            yield Cloud(f"http://{host}:{port}")
        finally:
            server.stop()


def _forget(host: str, port: int) -> None:
    """Every server of one process has the same memory."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().read()
    connection.close()


def refusal(operation: str, code: str, message: str, status: int = 400) -> Exception:
    """An error as AWS sends it."""
    from botocore.exceptions import ClientError

    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error: Exception = ClientError(response, operation)
    return error


Key = tuple[str, str, str]


def _key(item: Mapping[str, Any]) -> Key:
    return str(item["Name"]).rstrip(".") + ".", str(item["Type"]), str(item.get("SetIdentifier", ""))


class StrictRoute53:
    """Refuses the batches that AWS refuses and moto takes; keeps those that it let through."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.batches: list[list[dict[str, Any]]] = []
        self.before: Callable[[], object] | None = None

    def __call__(self, client: Any) -> None:
        client.meta.events.register("before-parameter-build.route53.ChangeResourceRecordSets", self._batch)

    def _batch(self, params: dict[str, Any], **_: object) -> None:
        if self.before is not None:  # somebody else comes between the look and the write
            before, self.before = self.before, None
            before()
        zone, changes = params["HostedZoneId"], params["ChangeBatch"]["Changes"]
        listed = self._cloud.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        there = {_key(item): item for item in listed}
        for change in changes:
            self._one(there, change["Action"], change["ResourceRecordSet"])
        self.batches.append(changes)

    def _one(self, there: dict[Key, Any], action: str, item: dict[str, Any]) -> None:
        key = _key(item)
        if not 0 <= item.get("Weight", 0) <= 255:
            raise refusal("ChangeResourceRecordSets", "InvalidInput", "weight must be between 0 and 255")
        if action == "DELETE":
            if there.pop(key, None) != item:
                words = f"Tried to delete {key} but the values provided do not match the current values"
                raise refusal("ChangeResourceRecordSets", "InvalidChangeBatch", words)
            return
        if action == "CREATE" and key in there:
            raise refusal(
                "ChangeResourceRecordSets", "InvalidChangeBatch", f"Tried to create {key} but it already exists"
            )
        there[key] = item
        kin = [other for known, other in there.items() if known[:2] == key[:2]]
        if len({frozenset({"Weight", "Failover", "Region", "GeoLocation"} & set(other)) for other in kin}) > 1:
            raise refusal("ChangeResourceRecordSets", "InvalidChangeBatch", f"{key[0]} mixes routing policies")
        roles = [other["Failover"] for other in kin if "Failover" in other]
        if len(roles) != len(set(roles)):
            raise refusal("ChangeResourceRecordSets", "InvalidChangeBatch", f"{key[0]} has two of one role")
