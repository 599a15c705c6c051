"""Knobs as applications see them."""

from controlplane.service.flags import Flag, FlagReason, flag_of, flags_of
from tests.unit.service.shop import estate


def test_a_knob_that_is_not_turned_has_its_default() -> None:
    assert flags_of(estate(), {}, "dublin") == (
        Flag("comments", True, FlagReason.DEFAULT, 0),
        Flag("page-size", 3.0, FlagReason.DEFAULT, 0),
        Flag("recommendations", "full", FlagReason.DEFAULT, 0),
    )


def test_a_turned_knob_says_how_deep() -> None:
    assert flag_of(estate(), {"recommendations": "off"}, "recommendations", None) == Flag(
        "recommendations", "off", FlagReason.STATIC, 2
    )


def test_a_region_sees_its_own_value() -> None:
    in_force = {"comments": {"dublin": False}}
    assert flag_of(estate(), in_force, "comments", "dublin") == Flag("comments", False, FlagReason.TARGETING_MATCH, 1)
    assert flag_of(estate(), in_force, "comments", "london") == Flag("comments", True, FlagReason.DEFAULT, 0)


def test_who_does_not_say_its_region_sees_the_deepest_value_of_any() -> None:
    in_force = {"comments": {"london": False}}
    for region in (None, "atlantis"):
        assert flag_of(estate(), in_force, "comments", region) == Flag("comments", False, FlagReason.STATIC, 1)


def test_a_value_that_the_policies_no_longer_know_is_served_as_it_is() -> None:
    assert flag_of(estate(), {"recommendations": "frozen"}, "recommendations", None) == Flag(
        "recommendations", "frozen", FlagReason.DEFAULT, 0
    )


def test_a_variant_is_the_value_as_a_name() -> None:
    variants = [flag.variant for flag in flags_of(estate(), {"recommendations": "cached"}, None)]
    assert variants == ["true", "3.0", "cached"]


def test_there_is_no_flag_without_a_knob() -> None:
    assert flag_of(estate(), {"ghost": "on"}, "ghost", None) is None
