"""The flags driver."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controlplane.drivers import WORD, left_s, locked, mistakes_in, read_file, replace_file
from controlplane.drivers.flags.definition import branches, checked, empty, set_value, value_of
from controlplane.model.act import Act, Capability, Confirmation, Desired, KnobSetting
from controlplane.model.errors import Broken, Conflict, Refused
from controlplane.model.resources.kind import Setting

DEFAULT_FILE = "leeward-flags.json"


class FlagsDriver:
    """Knob values in one flag definition file, swapped whole at each change."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The knob's value, in the region that ``like`` means; None: never set."""
        region = _setting(like).region
        flag = self._load()["flags"].get(subject)
        return None if flag is None else KnobSetting(value_of(flag, region), region)

    async def apply(self, act: Act) -> None:
        """Write the value."""
        desired = _setting(act.desired)
        async with locked(self._path, left_s(act)):
            document = self._guarded(act)
            if not (self._holds(document, act) and _stamp(document, act) == act.once_key):
                set_value(document, act.subject, desired.value, desired.region)
                self._save(document, act, act.once_key)

    async def confirm(self, act: Act) -> Confirmation:
        """Read the file back."""
        if not self._holds(self._guarded(act), act):
            return Confirmation(done=False, detail="the flag has another value")
        return Confirmation(done=True, effect=act.previous != act.desired)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless what is there now is not this act's. A knob never set before stays."""
        if act.previous is None:
            return
        previous = _setting(act.previous)
        async with locked(self._path, 2.0):
            document = self._guarded(act)
            if _stamp(document, act) == act.once_key:
                set_value(document, act.subject, previous.value, previous.region)
                self._save(document, act, f"{act.once_key}/undo")

    def _load(self) -> dict[str, Any]:
        data = read_file(self._path)
        try:
            return empty() if data is None else checked(json.loads(data))
        except ValueError as error:
            raise Broken(f"{self._path}: not JSON: {error}") from error

    def _guarded(self, act: Act) -> dict[str, Any]:
        document = self._load()
        highest = int(document.get("metadata", {}).get("epoch", 0))
        if highest > act.epoch:
            raise Conflict(f"epoch {highest} has written the flags, {act.epoch} is older")
        return document

    def _save(self, document: dict[str, Any], act: Act, key: str) -> None:
        region = _setting(act.desired).region
        known = document.get("metadata", {})
        document["metadata"] = {**known, "version": int(known.get("version", 0)) + 1, "epoch": act.epoch}
        document["flags"][act.subject].setdefault("metadata", {})[f"key {region or '*'}"] = key
        replace_file(self._path, json.dumps(document, indent=1).encode())

    @staticmethod
    def _holds(document: Mapping[str, Any], act: Act) -> bool:
        desired = _setting(act.desired)
        flag = document["flags"].get(act.subject)
        if flag is None or (desired.region is None and branches(flag)):
            return False
        value = value_of(flag, desired.region)
        return value == desired.value and type(value) is type(desired.value)


def _setting(desired: Desired) -> KnobSetting:
    if not isinstance(desired, KnobSetting):
        raise Refused(f"flags set knobs, not {type(desired).__name__}")
    return desired


def _stamp(document: Mapping[str, Any], act: Act) -> str:
    """The key of the act that last set this knob, in this act's region."""
    flag = document["flags"].get(act.subject, {})
    return str(flag.get("metadata", {}).get(f"key {_setting(act.desired).region or '*'}", ""))


class FlagsDrivers:
    """Makes flags drivers. Setting: ``file``, the flag definition file (default ``leeward-flags.json``)."""

    capabilities = frozenset({Capability.KNOBS})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        return mistakes_in(settings, {"file": WORD})

    def __call__(self, settings: Mapping[str, Setting]) -> FlagsDriver:
        """A driver for one file."""
        return FlagsDriver(Path(str(settings.get("file", DEFAULT_FILE))).absolute())


flags = FlagsDrivers()
