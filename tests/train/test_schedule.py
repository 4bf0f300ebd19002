import pytest

from surecast.train.schedule import WARM_UP, learning_rate


@pytest.mark.parametrize("steps", [1, 2, 20, 2000])
def test_rises_then_falls_and_never_leaves_its_bounds(steps: int) -> None:
    rates = [learning_rate(step, steps, 3e-3) for step in range(steps)]
    rise = max(1, round(WARM_UP * steps))
    assert rates[rise - 1] == pytest.approx(3e-3)
    assert rates[:rise] == sorted(rates[:rise])
    assert rates[rise:] == sorted(rates[rise:], reverse=True)
    assert all(0 < rate <= 3e-3 for rate in rates)


def test_half_way_down_it_is_half_the_largest() -> None:
    assert learning_rate(1050, 2000, 1.0) == pytest.approx(0.5)
