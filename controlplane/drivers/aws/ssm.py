"""The ssm driver: knob values in Parameter Store.

A parameter's description carries epoch and key, and is written in one call with the value. Parameter Store has no
compare-and-set: of two who write at once the later one stays, which ``confirm`` sees.
"""

from collections.abc import Mapping

from controlplane.drivers import WORD, left_s, mistakes_in
from controlplane.drivers.aws.calls import PLACE, Absent, Calls, Where
from controlplane.drivers.aws.stamp import Stamp
from controlplane.model.act import Act, Capability, Confirmation, Desired, KnobSetting
from controlplane.model.errors import Broken, Refused
from controlplane.model.resources.kind import KnobValue, Setting

_NAME = "/leeward/{knob}"
_REGIONAL = "/leeward/{knob}/{region}"


class SsmDriver:
    """Parameters of one account and AWS region."""

    def __init__(self, calls: Calls, name: str, regional: str) -> None:
        self._calls, self._name, self._regional = calls, name, regional

    async def read(self, subject: str, like: Desired) -> Desired | None:
        """The parameter's value, of the type that ``like`` has. None: there is no such parameter."""
        setting = _setting(like)
        text = await self._value(subject, setting)
        return None if text is None else KnobSetting(_parsed(text, setting.value), setting.region)

    async def apply(self, act: Act) -> None:
        """Write value and stamp."""
        left_s(act)
        desired = _setting(act.desired)
        stamp = await self._stamp(act.subject, desired)
        stamp.guard(act)
        if not (stamp.is_of(act) and await self._value(act.subject, desired) == _written(desired.value)):
            await self._put(act.subject, desired, Stamp.of(act))

    async def confirm(self, act: Act) -> Confirmation:
        """Read it back."""
        desired = _setting(act.desired)
        (await self._stamp(act.subject, desired)).guard(act)
        if await self._value(act.subject, desired) != _written(desired.value):
            return Confirmation(done=False, detail="the parameter has another value")
        return Confirmation(done=True, effect=act.previous != act.desired, in_force=True)

    async def undo(self, act: Act) -> None:
        """Put ``previous`` back, unless what is there now is not this act's. A knob never set before stays."""
        if act.previous is None:
            return
        previous = _setting(act.previous)
        stamp = await self._stamp(act.subject, previous)
        stamp.guard(act)
        if stamp.is_of(act):
            await self._put(act.subject, previous, Stamp.of(act, undone=True))

    def _path(self, knob: str, setting: KnobSetting) -> str:
        if setting.region is None:
            return self._name.replace("{knob}", knob)
        return self._regional.replace("{knob}", knob).replace("{region}", setting.region)

    async def _value(self, knob: str, setting: KnobSetting) -> str | None:
        try:
            answer = await self._calls.ask("get_parameter", Name=self._path(knob, setting))
        except Absent:
            return None
        return str(answer["Parameter"]["Value"])

    async def _stamp(self, knob: str, setting: KnobSetting) -> Stamp:
        name = {"Key": "Name", "Option": "Equals", "Values": [self._path(knob, setting)]}
        found = (await self._calls.ask("describe_parameters", ParameterFilters=[name]))["Parameters"]
        return Stamp.read(str(found[0].get("Description", ""))) if found else Stamp()

    async def _put(self, knob: str, setting: KnobSetting, stamp: Stamp) -> None:
        await self._calls.ask(
            "put_parameter",
            Name=self._path(knob, setting),
            Value=_written(setting.value),
            Description=str(stamp),
            Type="String",
            Overwrite=True,
        )


def _setting(desired: Desired) -> KnobSetting:
    if not isinstance(desired, KnobSetting):
        raise Refused(f"ssm sets knobs, not {type(desired).__name__}")
    return desired


def _written(value: KnobValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(text: str, like: KnobValue) -> KnobValue:
    if isinstance(like, str):
        return text
    if isinstance(like, bool) and text in {"true", "false"}:
        return text == "true"
    try:
        return int(text) if isinstance(like, int) and not isinstance(like, bool) else float(text)
    except ValueError as error:
        raise Broken(f"the parameter's value is no {type(like).__name__}") from error


class SsmDrivers:
    """Makes ssm drivers.

    Settings: ``parameter`` (name of a knob's parameter, ``/leeward/{knob}``), ``regional`` (name of a value of one
    region, ``/leeward/{knob}/{region}``), and those of every AWS driver.
    """

    capabilities = frozenset({Capability.KNOBS})

    def mistakes(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        """What is wrong with the settings, a sentence each."""
        found = mistakes_in(settings, {"parameter": WORD, "regional": WORD, **PLACE})
        if "{knob}" not in str(settings.get("parameter", _NAME)):
            found = (*found, "setting 'parameter' must hold {knob}: two knobs would be one")
        regional = str(settings.get("regional", _REGIONAL))
        if "{knob}" not in regional or "{region}" not in regional:
            found = (*found, "setting 'regional' must hold {knob} and {region}")
        return found

    def __call__(self, settings: Mapping[str, Setting]) -> SsmDriver:
        """A driver for one account and AWS region."""
        name, regional = str(settings.get("parameter", _NAME)), str(settings.get("regional", _REGIONAL))
        return SsmDriver(Calls("ssm", Where.of(settings)), name, regional)


ssm = SsmDrivers()
