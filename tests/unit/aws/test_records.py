"""Shares as weights from 0 to 255."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.drivers.aws.records import HEAVIEST, Naming, changed, shares_in, wanted, weights_for
from controlplane.model.act import Weights
from controlplane.model.errors import Refused

NAMING = Naming({"*": "{service}-{origin}.shop.example"})
PARTS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(1e-4, 1.0), min_size=1)


def sets(**weights: int) -> list[dict[str, Any]]:
    return [{"Name": "x.", "Type": "A", "SetIdentifier": name, "Weight": n, "TTL": 30} for name, n in weights.items()]


@given(PARTS)
def test_every_weight_is_legal_nobody_is_lost_and_shares_come_out_near(shares: dict[str, float]) -> None:
    found = weights_for(shares)
    total, whole = sum(shares.values()), sum(found.values())
    assert found.keys() == shares.keys()
    assert all(1 <= weight <= HEAVIEST for weight in found.values())
    assert all(abs(found[name] / whole - share / total) <= len(shares) / HEAVIEST for name, share in shares.items())


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 60), min_size=1))
def test_what_weights_can_say_they_say_exactly(parts: dict[str, int]) -> None:
    total = sum(parts.values())
    found = weights_for({name: part / total for name, part in parts.items()})
    whole = sum(found.values())
    assert {name: round(n / whole, 9) for name, n in found.items()} == {
        name: round(part / total, 9) for name, part in parts.items()
    }


def test_a_region_without_a_share_gets_zero_and_the_rest_of_the_set_is_kept() -> None:
    found = changed(sets(dublin=70, frankfurt=30), {"frankfurt": 1.0}, "x.")
    assert [(item["SetIdentifier"], item["Weight"], item["TTL"]) for item in found] == [
        ("dublin", 0, 30),
        ("frankfurt", 1, 30),
    ]


def test_all_zero_is_never_asked_for_since_route_53_would_answer_with_everybody() -> None:
    with pytest.raises(Refused, match="nothing is left"):
        wanted(Weights({"IE": {"dublin": 0.0}}), NAMING, "checkout")
    assert shares_in(sets(dublin=0, frankfurt=0)) == {"dublin": 0.5, "frankfurt": 0.5}


def test_what_is_to_be_turned_away_needs_a_set_that_answers_it() -> None:
    with pytest.raises(Refused, match="shed"):
        wanted(Weights({"IE": {"dublin": 0.9}}, shed={"IE": 0.1}), NAMING, "checkout")


def test_one_name_for_all_origins_takes_no_two_answers() -> None:
    naming = Naming({"*": "{service}.shop.example"})
    same = Weights({"DE": {"dublin": 1.0}, "IE": {"dublin": 1.0}})
    assert wanted(same, naming, "checkout") == {"checkout.shop.example.": {"dublin": 1.0}}
    with pytest.raises(Refused, match="differ"):
        wanted(Weights({"DE": {"dublin": 1.0}, "IE": {"frankfurt": 1.0}}), naming, "checkout")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "no record sets"),
        (sets(frankfurt=1), "no set called dublin"),
        ([{"SetIdentifier": "dublin", "Region": "eu-west-1"}], "neither weighted"),
        ([{"SetIdentifier": "dublin", "Failover": "SECONDARY"}], "no health check"),
    ],
)
def test_what_the_sets_cannot_say_is_refused(found: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(Refused, match=words):
        changed(found, {"dublin": 1.0}, "x.")


def test_a_failover_pair_takes_no_halves() -> None:
    pair = [{"SetIdentifier": name, "Failover": role} for name, role in (("a", "PRIMARY"), ("b", "SECONDARY"))]
    with pytest.raises(Refused, match="not a share"):
        changed(pair, {"a": 0.5, "b": 0.5}, "x.")
