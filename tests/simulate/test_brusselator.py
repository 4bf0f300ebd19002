"""The Brusselator: its state at rest, thresholds of Hopf and Turing, the limit cycle, orders."""

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from surecast.simulate.brusselator import Brusselator
from surecast.simulate.checks import check_simulator

TINY = 1e-7


def given(initial, a, b):
    runs = len(initial)
    scalars = {name: ("run", np.broadcast_to(value, runs).astype(float)) for name, value in (("a", a), ("b", b))}
    return xr.Dataset({"initial": (("run", "y", "x"), initial), **scalars})


def small(**settings):
    return Brusselator(**{"points": 16, "extent": 10.0, "time": 1.0, "steps": 40} | settings)


def bumps(points, runs=3):
    x = 2 * np.pi * np.arange(points) / points
    return np.linspace(0.3, 0.6, runs)[:, None, None] * (np.sin(x) * np.cos(x[:, None]) + 0.5 * np.cos(x[:, None] - 1))


def inputs(points, runs=3):
    return given(bumps(points, runs), np.linspace(1.8, 2.0, runs), np.linspace(2.5, 3.2, runs))


def wave(number, points=16):
    return np.cos(2 * np.pi * number * np.arange(points) / points) + np.zeros((points, 1))


def jacobian(a, b, squared=0.0):
    return np.array([[b - 1, a**2], [-b, -(a**2)]]) - squared * np.diag([1.0, 8.0])


def test_the_state_at_rest_stays():
    a, b = np.array([1.0, 2.0, 4.5]), np.array([1.7, 2.0, 7.0])
    raw = small(time=5.0, steps=60).run(given(np.zeros((3, 16, 16)), a, b))
    np.testing.assert_allclose(raw["u"], np.tile(a[:, None, None], (1, 16, 16)), rtol=1e-13)
    np.testing.assert_allclose(raw["v"], np.tile((b / a)[:, None, None], (1, 16, 16)), rtol=1e-13)
    assert float(raw["variance_u"].max()) < 1e-25


def test_small_waves_grow_and_decay_by_the_linearised_reaction():
    shapes = np.array([wave(0), wave(1), wave(2), wave(1).T * wave(2)])
    raw = small(time=2.0, steps=200).run(given(TINY * shapes, 2.0, 3.5))
    for run, squares in enumerate((0, 1, 4, 5)):
        size = expm(2.0 * jacobian(2.0, 3.5, squares * (2 * np.pi / 10) ** 2))[:, 0]
        for name, rest, factor in (("u", 2.0, size[0]), ("v", 1.75, size[1])):
            np.testing.assert_allclose((raw[name][run] - rest) / TINY, factor * shapes[run], rtol=0, atol=2e-5)


@pytest.mark.parametrize(("kind", "threshold"), [("hopf", 1 + 1.2**2), ("turing", (1 + 1.2 / np.sqrt(8.0)) ** 2)])
def test_states_are_stable_up_to_the_thresholds_and_no_further(kind, threshold):
    # The envelope of what is left of a tiny disturbance, uniform or of the critical wave, over whole periods.
    a, below_above = 1.2, threshold * np.array([0.98, 1.02])
    critical = 2 * np.pi / np.sqrt(a / np.sqrt(8))  # one wave fills the square
    extent, number = (10.0, 0) if kind == "hopf" else (critical, 1)
    period = 2 * np.pi / a if kind == "hopf" else 10.0
    simulator = small(extent=extent, points=8, time=4 * period, steps=400, frames=4)
    shape = TINY * np.tile(wave(number, 8), (2, 1, 1))
    found = simulator.run(given(shape, a, below_above))
    size = np.abs(found["history_u"] - a).max(["y", "x"]).values
    assert (np.diff(size[0]) < 0).all()
    assert (np.diff(size[1, 1:]) > 0).all()
    rates = [np.linalg.eigvals(jacobian(a, b, (2 * np.pi * number / extent) ** 2)).real.max() for b in below_above]
    assert rates[0] < 0 < rates[1]
    np.testing.assert_allclose(np.log(size[:, 3] / size[:, 2]) / period, rates, rtol=0, atol=2e-3)


def test_uniform_states_follow_the_limit_cycle():
    def rates(_, state):
        u, v = state
        return [1 - 4.0 * u + u * u * v, 3.0 * u - u * u * v]

    truth = solve_ivp(rates, (0, 20), [1.3, 3.0], method="DOP853", rtol=1e-11, atol=1e-12, t_eval=[10.0, 20.0]).y
    raw = small(points=8, time=20.0, steps=1500, frames=2).run(given(np.full((1, 8, 8), 0.3), 1.0, 3.0))
    for name, values in zip(("u", "v"), truth, strict=True):
        np.testing.assert_allclose(raw[f"history_{name}"][0, :, 0, 0], values, rtol=1e-6)
    np.testing.assert_allclose(raw["mean_u"], truth[0, -1:], rtol=1e-6)


def test_matter_is_balanced():
    # d/dt mean(u + v) = a - mean(u), whatever diffuses and reacts: by Simpson's rule over the frames.
    raw = small(points=32, frames=40).run(inputs(32))
    totals = (raw["history_u"] + raw["history_v"]).mean(["y", "x"]).values
    supplied = inputs(32)["a"].values[:, None] - raw["history_u"].mean(["y", "x"]).values
    weights = np.array([1, *[4, 2] * 18, 4, 1]) / 3  # frames 1 to 39 are 38 intervals
    np.testing.assert_allclose(totals[:, 38] - totals[:, 0], supplied[:, :39] @ weights / 40, rtol=0, atol=1e-6)


def test_fourth_order_in_time():
    truth = small(steps=320).run(inputs(16))["v"].values
    errors = [np.abs(small(steps=steps).run(inputs(16))["v"].values - truth).mean() for steps in (20, 40, 80)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4.0, abs=0.2)


def test_grids_converge_faster_than_any_power():
    truth = small(points=96, steps=20).run(inputs(96, 1))["v"].values
    errors = [
        np.abs(
            small(points=points, steps=20).run(inputs(points, 1))["v"].values
            - truth[:, :: 96 // points, :: 96 // points]
        )
        for points in (12, 24, 48)
    ]
    first, second, third = (found.max() for found in errors)
    assert first / second > 8
    assert second / third > 2 * first / second


def test_what_every_simulator_promises():
    check_simulator(small(frames=2), inputs(16))
    check_simulator(small(precision="single"), inputs(16))
    kept = small(frames=2).run(inputs(16))
    np.testing.assert_array_equal(kept["history_v"].isel(time=-1), kept["v"])
    np.testing.assert_allclose(kept["variance_u"], kept["u"].var(["y", "x"]), rtol=1e-12)
    assert "a + initial" in small().card()["initial_condition"]
    assert small().input_units() == {"a": "1", "b": "1"}


def test_failed_runs():
    wild = given(bumps(16, 5), 2.0, 3.0)
    before = small().run(wild)["u"].values
    wild["initial"].values[1] *= 1e4
    wild["a"].values[2], wild["b"].values[4] = 0.0, -1.0
    raw = small().run(wild)
    assert raw["failure"].values[[2, 4]].tolist() == ["a is not above 0", "b is negative"]
    assert "unstable" in raw["failure"].values[1]
    np.testing.assert_array_equal(raw["u"].values[[0, 3]], before[[0, 3]])
