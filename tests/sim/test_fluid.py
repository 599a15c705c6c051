from dataclasses import replace

import pytest

from controlplane.sim.fluid import CLIENT_TIMEOUT_S, Flow, Inputs, Stock, Stream, empty, flow_on

PLACES = [("shop", "a"), ("shop", "b")]


def inputs(
    *streams: Stream,
    well: dict[str, float] | None = None,
    capacity: float = 100.0,
    slow: dict[str, float] | None = None,
    dead: tuple[str, ...] = (),
) -> Inputs:
    served = {"a": 1.0, "b": 1.0} | (well or {}) | dict.fromkeys(dead, 0.0)
    return Inputs(
        streams=streams,
        cost=dict.fromkeys(PLACES, 1.0),
        full_cost={"shop": 1.0},
        well={("shop", region): share for region, share in served.items()},
        slow={("shop", region): added for region, added in (slow or {}).items()},
        hangs=frozenset(("shop", region) for region in dead),
        capacity={"a": capacity, "b": capacity},
        fixed={"a": 0.0, "b": 0.0},
        dead=frozenset(dead),
        cold={},
    )


def halves(rate: float, **more: float | bool) -> Stream:
    return Stream("shop", "IE", rate, (("a", 0.5), ("b", 0.5)), **more)  # type: ignore[arg-type]


def settle(given: Inputs, seconds: int = 60) -> tuple[Flow, Stock]:
    stock = empty(len(given.streams), ["a", "b"])
    flow = Flow()
    for second in range(seconds):
        flow = flow_on(given, stock, second)
    return flow, stock


def test_requests_to_a_dead_region_fail_for_good_only_if_every_try_goes_there() -> None:
    flow, _ = settle(inputs(halves(80), dead=("b",), capacity=1000))
    assert flow.failed == pytest.approx(80 * 0.5**3)
    assert flow.rate["shop", "a"] == pytest.approx(40 * (1 + 0.5 + 0.25))


def test_a_region_within_its_capacity_answers_at_once_and_loses_nothing() -> None:
    flow, stock = settle(inputs(halves(198)))
    assert flow.failed == 0
    assert flow.overloaded == ()
    assert stock.backlog == {"a": 0.0, "b": 0.0}


def test_an_overloaded_region_first_answers_slowly_then_turns_requests_away() -> None:
    given = inputs(halves(220))
    stock = empty(1, ["a", "b"])
    early = [flow_on(given, stock, second) for second in range(5)]
    assert all(flow.failed == 0 for flow in early)
    assert 0 < early[-1].wait["a"] < CLIENT_TIMEOUT_S
    late = settle(given, 120)[0]
    assert late.failed > 0
    assert late.overloaded == ("a", "b")


def test_retries_amplify_an_overload_into_a_storm() -> None:
    flow, _ = settle(inputs(halves(300)), 300)
    assert flow.load["a"] > 1.5 * 150
    assert flow.failed / flow.requests > 1 - 200 / 300


def test_answers_that_come_after_the_clients_timeout_are_failures() -> None:
    assert settle(inputs(halves(80), slow={"b": 1.5}))[0].success["shop", "b"] == 1.0
    assert settle(inputs(halves(80), slow={"b": 2.0}))[0].success["shop", "b"] == 0.0


def test_what_the_edge_answers_itself_fails_and_is_not_tried_again() -> None:
    flow, _ = settle(inputs(Stream("shop", "IE", 80, (("a", 1.0),), answered=0.25)))
    assert flow.failed == flow.answered == pytest.approx(20)
    assert flow.rate["shop", "a"] == pytest.approx(60)


def test_a_name_that_does_not_resolve_sends_nobody_anywhere() -> None:
    flow, _ = settle(inputs(halves(80, resolves=False)))
    assert flow.failed == 80
    assert flow.rate == {}


def test_edges_that_fail_do_so_whatever_region_they_pick() -> None:
    flow, _ = settle(inputs(halves(80, edges_down=0.5)))
    assert flow.failed == pytest.approx(80 * 0.5**3)
    assert flow.success == {("shop", "a"): 1.0, ("shop", "b"): 1.0}


def test_load_that_a_cold_region_gains_costs_twice_and_warms_evenly() -> None:
    stock = empty(1, ["a", "b"])
    warm = inputs(Stream("shop", "IE", 50, (("a", 0.6), ("b", 0.4))))
    flow_on(warm, stock, 0)
    moved = replace(inputs(Stream("shop", "IE", 50, (("a", 1.0),))), cold={"a": 10.0})
    extra = [flow_on(moved, stock, second).extra["a"] for second in range(1, 13)]
    assert extra[0] == pytest.approx(20)
    assert extra[5] == pytest.approx(10)
    assert extra[-1] == 0


def test_the_same_state_and_inputs_give_the_same_second_again() -> None:
    given = inputs(halves(150, edges_down=0.2), well={"b": 0.7})
    flow, stock = settle(given, 50)
    before = stock.state()
    assert flow_on(given, stock, 50) == flow
    assert stock.state() == before
