"""Drivers and probes that policies name, against what is installed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from controlplane.model.act import Capability
from controlplane.model.resources.kind import Setting
from controlplane.model.resources.service import ProbeSpec
from tests.unit.load.written import SOUND, envelope, found_in, the_only_mistake, the_only_warning

CAN = {
    "envoy": frozenset({Capability.WEIGHTS, Capability.SHED}),
    "http": frozenset({Capability.HOLDER, Capability.FENCE}),
    "postgres": frozenset({Capability.PRIMARY, Capability.FENCE}),
    "flags": frozenset({Capability.KNOBS}),
}


class Installed:
    """A small installation: four drivers, of which one asks for a setting, and two kinds of probe."""

    drivers = frozenset(CAN)
    probe_kinds: frozenset[str] | None = frozenset({"http", "tcp"})

    def capabilities(self, driver: str) -> frozenset[Capability] | None:
        return CAN.get(driver)

    def mistakes(self, driver: str, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        return ("setting 'routes' is missing",) if driver == "envoy" and "routes" not in settings else ()

    def probe_mistakes(self, spec: ProbeSpec) -> tuple[str, ...]:
        return () if spec.target.startswith("http://") else (f"target {spec.target!r} is not a URL",)


ENVOY = "driver: envoy, with: {routes: x}"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Service", f"  traffic: {{{ENVOY}}}"),
        ("Service", "  placement: exclusive\n  traffic: {driver: http}"),
        ("Datastore", "  engine: x\n  primary: dublin\n  driver: postgres"),
        ("Datastore", "  engine: x\n  primary: dublin"),
        ("DegradationPolicy", "  knobs: [{name: k, default: a, levels: [{value: b}], driver: {driver: flags}}]"),
        ("Service", "  probes: [{kind: http, target: 'http://a/b'}]"),
    ],
)
def test_drivers_that_can_do_what_is_asked_are_fine(tmp_path: Path, kind: str, spec: str) -> None:
    assert found_in(tmp_path, SOUND + envelope(kind, "order", spec), Installed()) == ((), ())


@pytest.mark.parametrize(
    ("kind", "spec", "what", "mend"),
    [
        ("Service", "  traffic: {driver: §envoi}", "the driver `envoi` is not installed", "did you mean `envoy`?"),
        (
            "Service",
            "  traffic: {driver: §flags}",
            "the driver `flags` cannot move shares of traffic",
            "name one that can: envoy",
        ),
        (
            "Service",
            "  placement: exclusive\n  traffic: {driver: §envoy, with: {routes: x}}",
            "the driver `envoy` cannot activate an exclusive service",
            "name one that can: http",
        ),
        (
            "Datastore",
            "  engine: x\n  primary: dublin\n  driver: §http",
            "the driver `http` cannot promote a datastore",
            "name one that can: postgres",
        ),
        (
            "Region",
            "  jurisdiction: EU\n  capacity: 1\n  scale: {max: 2, ready: 1m, driver: §flags}",
            "the driver `flags` cannot add capacity",
            "install a driver that can",
        ),
        (
            "DegradationPolicy",
            "  knobs: [{name: k, default: a, levels: [{value: b}], driver: {driver: §http}}]",
            "the driver `http` cannot turn knobs",
            "name one that can: flags",
        ),
        (
            "Service",
            "  probes: [{kind: §htp, target: 'http://a'}]",
            "there is no probe of kind `htp`",
            "did you mean `http`?",
        ),
        ("Service", "  probes: [§{kind: http, target: a}]", "http probe: target 'a' is not a URL", "change the probe"),
        (
            "Service",
            "  traffic: {driver: envoy, §with: {file: x}}",
            "settings of `envoy`: setting 'routes' is missing",
            "change `with`",
        ),
    ],
)
def test_a_driver_or_probe_that_cannot_is_refused(tmp_path: Path, kind: str, spec: str, what: str, mend: str) -> None:
    mistake = the_only_mistake(tmp_path, SOUND + envelope(kind, "order", spec), Installed())
    assert mistake.what == f"{kind} order: {what}"
    assert mistake.mend == mend


@pytest.mark.parametrize("row", ["{driver: envoy, §with: {}}", "{driver: §envoy}"])
def test_a_driver_without_settings_may_still_be_given_them(tmp_path: Path, row: str) -> None:
    text = SOUND + envelope("Service", "order", f"  traffic: {row}")
    warning = the_only_warning(tmp_path, text, Installed())
    assert warning.what == "Service order: settings of `envoy`: setting 'routes' is missing"
