"""Gray and Scott's reaction: uniform states, growth of small waves, orders, and the balance of matter."""

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm

from surecast.simulate.checks import check_simulator
from surecast.simulate.gray_scott import GrayScott


def given(initial, feed, kill):
    runs = len(initial)
    scalars = {"feed": ("run", np.broadcast_to(feed, runs)), "kill": ("run", np.broadcast_to(kill, runs))}
    return xr.Dataset({"initial": (("run", "y", "x"), initial), **scalars})


def small(**settings):
    return GrayScott(**{"points": 16, "extent": 0.5, "time": 20.0, "steps": 20} | settings)


def patches(points, runs=3):
    along = np.arange(points) / points
    size = np.linspace(0.3, 0.5, runs)[:, None, None]
    return size * np.exp(2 * np.cos(2 * np.pi * along) + 2 * np.cos(2 * np.pi * along[:, None] + 1) - 4)


def inputs(points, runs=3):
    return given(patches(points, runs), np.linspace(0.03, 0.05, runs), 0.06)


def test_uniform_steady_states_stay():
    # F = k = 0.04: v = (1 - u) / 2 as at the start, and u = (1 +- sqrt(1 - 16 F)) / 2.
    u = np.array([0.8, 0.2, 1.0])
    raw = small(time=50.0, steps=50).run(given(np.tile((1 - u)[:, None, None], (1, 16, 16)), 0.04, 0.04))
    np.testing.assert_allclose(raw["u"], np.tile(u[:, None, None], (1, 16, 16)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(raw["v"], 0.5 * (1 - raw["u"]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("u", [0.2, 0.8, 1.0])
def test_small_waves_grow_and_decay_by_the_linearised_reaction(u):
    v, feed, kill, tiny = 0.5 * (1 - u), 0.04, 0.04, 1e-7
    simulator = small(extent=1.0, time=15.0, steps=60)
    along = np.arange(16) / 16
    waves = [np.cos(2 * np.pi * along) + 0 * along[:, None], np.cos(2 * np.pi * (2 * along - along[:, None]))]
    raw = simulator.run(given(1 - u + tiny * np.array(waves), feed, kill))
    jacobian = np.array([[-(v**2) - feed, -2 * u * v], [v**2, 2 * u * v - feed - kill]])
    for run, number in enumerate((1, 5)):
        diffusion = 4 * np.pi**2 * number * np.diag([2e-5, 1e-5])
        factor = expm(15.0 * (jacobian - diffusion)) @ [-1.0, 0.5]
        for name, state, size in (("u", u, factor[0]), ("v", v, factor[1])):
            np.testing.assert_allclose((raw[name][run] - state) / tiny, size * waves[run], rtol=0, atol=1e-5)


def test_matter_is_balanced():
    # d/dt mean(u + v) = F (1 - mean(u + v)) - k mean(v): without kill the sum relaxes exactly.
    raw = small(points=32).run(given(patches(32), 0.04, 0.0))
    before = 1 - 0.5 * patches(32).mean(axis=(1, 2))
    np.testing.assert_allclose(raw["mean_u"] + raw["mean_v"], 1 - (1 - before) * np.exp(-0.04 * 20), rtol=1e-12)


def test_fourth_order_in_time():
    truth = small(points=32, steps=320).run(inputs(32))["v"].values
    errors = [np.abs(small(points=32, steps=n).run(inputs(32))["v"].values - truth).mean() for n in (10, 20, 40)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4.0, abs=0.2)


def test_grids_converge_faster_than_any_power():
    truth = small(points=128).run(inputs(128, 1))["v"].values
    errors = [
        np.abs(small(points=points).run(inputs(points, 1))["v"].values - truth[:, :: 128 // points, :: 128 // points])
        for points in (16, 32, 64)
    ]
    first, second, third = (found.max() for found in errors)
    assert first / second > 8
    assert second / third > 2 * first / second


def test_what_every_simulator_promises():
    check_simulator(small(frames=2), inputs(16))
    check_simulator(small(precision="single"), inputs(16))
    kept = small(frames=2).run(inputs(16))
    np.testing.assert_array_equal(kept["history_v"].isel(time=-1), kept["v"])
    assert GrayScott().points == 128
    assert "initial / 2" in small().card()["initial_condition"]


def test_no_aliasing_of_the_cubic_term():
    for points in (8, 16, 64, 90):
        highest = small(points=points)._highest()
        assert 3 * highest - points < -highest


def test_instability_is_a_failed_run_and_harms_no_other():
    wild = inputs(16).copy(deep=True)
    wild["initial"][1] *= 1e3
    raw = small().run(wild)
    assert np.flatnonzero(raw["failure"] != "").tolist() == [1]
    assert "unstable" in str(raw["failure"].values[1])
    np.testing.assert_array_equal(raw["v"][[0, 2]], small().run(inputs(16))["v"][[0, 2]])
