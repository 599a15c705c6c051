"""The list of metrics that people read is the list that Prometheus reads."""

import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from controlplane.model.desk import Tick
from controlplane.model.world import World
from controlplane.store.memory import MemoryStore
from controlplane.telemetry.metrics import Metrics
from tests.unit.service.shop import NOON, StillDesk, estate

DOCUMENT = Path(__file__).parents[3] / "docs" / "http.md"


def test_every_metric_is_in_the_document_and_nothing_else() -> None:
    metrics = Metrics(estate)
    status = StillDesk(MemoryStore().journal, World(at=NOON)).snapshot()
    metrics(Tick(replace(status, lease_expires_at=NOON), 0.1))
    families = text_string_to_metric_families(metrics.text()[0].decode())
    served = {family.name for family in families if not family.name.endswith("_created")}
    table = DOCUMENT.read_text(encoding="utf-8").partition("## Metrics")[2].partition("Worth an alert")[0]
    listed = {re.sub(r"_(total|info)$", "", name) for name in re.findall(r"`(leeward_\w+)", table)}
    assert {re.sub(r"_(total|info)$", "", name) for name in served} == listed
