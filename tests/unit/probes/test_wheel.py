from hypothesis import given
from hypothesis import strategies as st

from controlplane.probes.wheel import Wheel

TICK_S = 0.01
times = st.floats(min_value=0, max_value=100)


@given(st.lists(times, max_size=50), st.lists(times, max_size=20))
def test_every_item_comes_once_and_never_before_its_time(puts: list[float], looks: list[float]) -> None:
    wheel: Wheel[int] = Wheel(TICK_S)
    for number, when in enumerate(puts):
        wheel.put(when, number)
    taken: list[int] = []
    for now in [*sorted(looks), 101.0]:
        due = wheel.take(now)
        assert all(puts[number] <= now + TICK_S * 1e-3 for number in due)
        taken += due
    assert sorted(taken) == list(range(len(puts)))


@given(times)
def test_an_item_is_at_most_a_tick_late(when: float) -> None:
    wheel: Wheel[str] = Wheel(TICK_S)
    wheel.put(when, "it")
    assert wheel.next_at is not None
    assert when - 1e-6 <= wheel.next_at <= when + TICK_S
    assert wheel.take(wheel.next_at) == ["it"]


def test_an_empty_wheel_asks_for_no_wake_up() -> None:
    wheel: Wheel[str] = Wheel(TICK_S)
    assert wheel.next_at is None
    wheel.put(5.0, "it")
    wheel.clear()
    assert wheel.next_at is None
    assert wheel.take(10.0) == []
