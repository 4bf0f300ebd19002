"""Stochastic heat equation: the law of the field and of its modes, in time and at rest; grids, frames and bits."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.diffusion import Diffusion
from surecast.simulate.stochastic_heat import StochasticHeat
from surecast.study.errors import SimulationError

D, S, EXTENT = 0.02, 0.3, 2.0


def inputs(simulator, runs, diffusivity=D, intensity=S):
    x = 2 * np.pi * np.arange(simulator.points) / simulator.points
    initial = np.tile(1 + np.sin(x) - 0.5 * np.cos(2 * x), (runs, 1))
    return xr.Dataset(
        {
            "initial": (("run", "x"), initial),
            "diffusivity": ("run", np.full(runs, diffusivity)),
            "intensity": ("run", np.full(runs, intensity)),
            "seed": ("run", np.random.default_rng(6).integers(0, 2**63, runs)),
        }
    )


def coefficients(fields):
    """Of e^(i k x), from values at the points."""
    return np.fft.rfft(fields, axis=-1) / fields.shape[-1]


@pytest.fixture(scope="module")
def many():
    simulator = StochasticHeat(points=16, extent=EXTENT, time=1.5, frames=3)
    return simulator, simulator.run(inputs(simulator, 20_000))


def test_every_mode_has_its_law(many):
    simulator, raw = many
    runs, k = raw.sizes["run"], 2 * np.pi * np.arange(8) / EXTENT
    start = coefficients(inputs(simulator, 1)["initial"].values)[0, :8]
    variance = S**2 / EXTENT * np.append(1.5, (1 - np.exp(-3 * D * k[1:] ** 2)) / (2 * D * k[1:] ** 2))
    found = coefficients(raw["solution"].values)[:, :8]
    np.testing.assert_array_less(
        np.abs(found.mean(axis=0) - np.exp(-1.5 * D * k**2) * start), 5 * np.sqrt(variance / runs)
    )
    found = found - found.mean(axis=0)
    covariance = found.conj().T @ found / runs / np.sqrt(np.outer(variance, variance))
    assert np.abs(covariance - np.eye(8)).max() < 5 * np.sqrt(2 / runs)
    assert np.abs((found.T @ found / runs)[1:, 1:] / variance[1]).max() < 5 * np.sqrt(2 / runs)  # phases are free


def test_states_on_the_way_are_one_process(many):
    _, raw = many
    runs, k = raw.sizes["run"], 2 * np.pi * np.arange(8) / EXTENT

    def variance(time):
        return S**2 / EXTENT * np.append(time, (1 - np.exp(-2 * D * k[1:] ** 2 * time)) / (2 * D * k[1:] ** 2))

    found = coefficients(raw["history"].values)[:, :, :8]
    found = found - found.mean(axis=0)
    times = raw["time"].values
    for one in range(3):
        for other in range(one, 3):
            before, after = times[one], times[other]
            expected = variance(before) * np.exp(-D * k**2 * (after - before))
            apart = (found[:, one].conj() * found[:, other]).mean(axis=0) - expected
            assert np.abs(apart / np.sqrt(variance(before) * variance(after))).max() < 5 * np.sqrt(2 / runs)
    np.testing.assert_array_equal(raw["history"].isel(time=-1), raw["solution"])


def test_the_law_that_is_stated_is_the_law_of_the_runs(many):
    simulator, raw = many
    law, found = simulator.final_law(inputs(simulator, 1).drop_vars("seed")).isel(run=0), raw["solution"].values
    variance, runs = float(law["covariance"][0]), len(found)
    assert np.abs(found.mean(axis=0) - law["mean"].values).max() < 5 * np.sqrt(variance / runs)
    covariance = np.cov(found.T)
    expected = law["covariance"].values[np.subtract.outer(np.arange(16), np.arange(16)) % 16]
    assert np.abs(covariance - expected).max() < 5 * variance * np.sqrt(2 / runs)
    energy = 0.5 * (np.mean(law["mean"].values ** 2) + variance)
    assert raw["energy"].values.mean() == pytest.approx(energy, abs=5 * raw["energy"].values.std() / np.sqrt(runs))


def test_the_stationary_law_is_the_closed_form():
    # The sum over all modes of cos(2 pi n y)/n^2 is pi^2 (1/6 - y + y^2).
    time = 500.0
    for points in (64, 1024):
        simulator = StochasticHeat(points=points, extent=EXTENT, time=time)
        law = simulator.final_law(inputs(simulator, 1)).isel(run=0)
        np.testing.assert_allclose(law["mean"], 1.0, atol=1e-12)
        y = law["lag"].values / EXTENT
        expected = S**2 * EXTENT / (4 * D) * (1 / 6 - y + y**2)
        found = law["covariance"].values - S**2 * time / EXTENT
        assert np.abs(found - expected).max() < 1.3 / points * expected[0]
        assert expected[0] == pytest.approx(S**2 * EXTENT / (24 * D))


def test_without_noise_it_is_diffusion():
    simulator = StochasticHeat(points=32, extent=EXTENT, time=1.5, frames=3)
    given = inputs(simulator, 2, intensity=0.0)
    quiet = Diffusion(points=32, extent=EXTENT, time=1.5, frames=3).run(given)
    np.testing.assert_allclose(simulator.run(given)["history"], quiet["history"], rtol=0, atol=1e-13)


def test_finer_grids_hold_the_same_modes_and_converge_at_order_one_half():
    grids = [StochasticHeat(points=points, extent=EXTENT, time=1.5) for points in (16, 32, 64, 128, 256)]
    found = [grid.run(inputs(grid, 2000)) for grid in grids]
    np.testing.assert_allclose(
        coefficients(found[0]["solution"].values)[:, :8], coefficients(found[4]["solution"].values)[:, :8], atol=1e-13
    )
    apart = []
    for grid, coarse, fine in zip(grids, found, found[1:], strict=False):
        assert grid.refined().points == fine.sizes["x"]
        difference = grid.restrict(fine)["solution"].values - coarse["solution"].values
        apart.append(np.sqrt(np.mean(difference**2)))
    assert np.log2(np.divide(apart[:-1], apart[1:])) == pytest.approx(np.full(3, 0.5), abs=0.1)


def test_the_final_state_does_not_depend_on_the_frames():
    plain, kept = (StochasticHeat(points=32, time=1.5, frames=frames) for frames in (0, 4))
    np.testing.assert_array_equal(plain.run(inputs(plain, 5))["solution"], kept.run(inputs(kept, 5))["solution"])


def test_bits_depend_neither_on_the_batch_nor_on_the_order():
    simulator = StochasticHeat(points=32, frames=2)
    given = inputs(simulator, 45)
    whole, order = simulator.run(given), np.random.default_rng(5).permutation(45)
    for name in ("solution", "energy", "history", "spectral_tail"):
        np.testing.assert_array_equal(simulator.run(given.isel(run=order))[name], whole[name].isel(run=order))
        np.testing.assert_array_equal(simulator.run(given.isel(run=[7]))[name], whole[name].isel(run=[7]))
    assert len(np.unique(whole["energy"])) == 45


def test_outputs_and_card_are_what_is_stated():
    simulator = StochasticHeat(points=16, frames=2)
    raw = simulator.run(inputs(simulator, 3))
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"} == set(simulator.card()["units"])
    assert "steepest" not in raw
    assert simulator.stochastic
    assert simulator.card()["solver"] == "Fourier modes, drawn from their exact law"


def test_inputs_that_cannot_be():
    simulator = StochasticHeat(points=16)
    given = inputs(simulator, 2)
    with pytest.raises(SimulationError, match="lacks its input 'seed'"):
        simulator.run(given.drop_vars("seed"))
    given["diffusivity"][1] = -0.1
    assert list(simulator.run(given)["failure"].values) == ["", "diffusivity is negative"]
