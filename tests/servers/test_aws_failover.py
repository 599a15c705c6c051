"""A region dies, and the daemon's own loop leaves it through Route 53 and turns a knob in Parameter Store."""

import json
from pathlib import Path
from typing import Any

from controlplane.api.client import Client
from controlplane.service.verbs import Degrade, Said
from tests.contract.drivers.targets.route53 import Zone, zone
from tests.servers.aws import SECRETS
from tests.servers.wiring.process import Daemon, Estate, estate_in, until


def rewrite(estate: Estate, laid: Zone) -> None:
    """The shop is moved by Route 53, its knob lies in Parameter Store; there is no job."""
    file = estate.policies / "all.yaml"
    documents: list[dict[str, Any]] = [json.loads(part) for part in file.read_text(encoding="utf-8").split("\n---\n")]
    kept = [document for document in documents if document["metadata"]["name"] != "settlement"]
    for document in kept:
        if document["kind"] == "Service":
            names = {"IE": "checkout-ie.shop.example"}
            given = {"zone": laid.id, "names": names, "endpoint": laid.cloud.url, "shed": "busy"}
            document["spec"]["traffic"] = {"driver": "route53", "with": given}
        if document["kind"] == "DegradationPolicy":
            given = {"endpoint": laid.cloud.url, "awsRegion": "eu-west-1"}
            document["spec"]["knobs"][0]["driver"] = {"driver": "ssm", "with": given}
    file.write_text("\n---\n".join(map(json.dumps, kept)), encoding="utf-8")


def weights(laid: Zone) -> dict[str, int]:
    found = [item for item in laid.sets() if item["Name"] == "checkout-ie.shop.example."]
    return {item["SetIdentifier"]: item["Weight"] for item in found}


def files_of(home: Path) -> list[str]:
    return [path.read_bytes().decode(errors="replace") for path in sorted(home.rglob("*")) if path.is_file()]


async def everything_said(daemon: Daemon, home: Path) -> str:
    """Log, journal, status, store and state: all that is left of a daemon's life."""
    journal, status = await daemon.get("/v1/journal?limit=1000"), await daemon.status()
    return "\n".join([json.dumps(journal), json.dumps(status), *files_of(home)])


async def test_a_dead_region_is_left_by_route_53_and_no_secret_is_left_anywhere(tmp_path: Path) -> None:
    with zone() as laid:
        tree = laid.tree()
        async with estate_in(tmp_path) as estate:
            rewrite(estate, laid)
            daemon = await estate.daemon("one")
            await daemon.mode("leading")
            async with Client(daemon.url) as client:
                await client.do(Degrade("recommendations", "off"), Said("ana", "a test"))

            async def turned() -> bool:
                found = laid.cloud.client("ssm").describe_parameters()["Parameters"]
                return [item["Name"] for item in found] == ["/leeward/recommendations"]

            await until(turned, "the knob lies in Parameter Store")
            estate.sites["dublin"].well = False

            async def left() -> bool:
                now = weights(laid)
                return now["dublin"] == 0 and now["frankfurt"] > 0

            await until(left, "dublin has no weight")

            async def confirmed() -> bool:
                entries = await daemon.get("/v1/journal?limit=1000")
                ours = [entry for entry in entries if (entry["kind"], entry["subject"]) == ("outcome", "shop")]
                return "done" in [entry["facts"]["ending"] for entry in ours]

            await until(confirmed, "the shift is confirmed")
            said = await everything_said(daemon, tmp_path)
        assert laid.tree() == tree
    assert "dublin" in said
    assert [name for name, secret in SECRETS.items() if secret in said] == []
