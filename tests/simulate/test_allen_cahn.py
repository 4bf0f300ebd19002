"""Allen and Cahn's equation: uniform states, fronts at rest, and the free energy."""

import numpy as np
import xarray as xr

from surecast.simulate.allen_cahn import AllenCahn


def given(initial, diffusivity, rate=1.0):
    runs = len(initial)
    return xr.Dataset(
        {
            "initial": (("run", "x"), initial),
            "diffusivity": ("run", np.full(runs, diffusivity)),
            "rate": ("run", np.full(runs, rate)),
        }
    )


def test_uniform_states_follow_bernoulli():
    simulator = AllenCahn(points=16, time=2.0, steps=200)
    start = np.array([-0.9, -0.1, 0.3, 1.5])
    raw = simulator.run(given(np.tile(start[:, None], (1, 16)), 0.01, rate=1.3))
    growth = np.exp(1.3 * 2.0)
    truth = start * growth / np.sqrt(1 + start**2 * (growth**2 - 1))
    np.testing.assert_allclose(raw["solution"], np.tile(truth[:, None], (1, 16)), rtol=1e-8)


def test_fronts_stay():
    # Two fronts far apart attract each other by exp(-distance / width) alone: 35 widths here.
    width = np.sqrt(2 * 4e-4)
    simulator = AllenCahn(points=512, extent=2.0, time=5.0, steps=250)
    x = simulator.grids()["initial"]["x"]
    start = np.tanh((x - 0.5) / width) * np.tanh((1.5 - x) / width)
    raw = simulator.run(given([start], 4e-4))
    assert np.abs(raw["solution"].values[0] - start).max() < 1e-6


def test_the_free_energy_never_grows():
    simulator = AllenCahn(points=128, time=4.0, steps=400, frames=100)
    x = simulator.grids()["initial"]["x"]
    start = 0.6 * np.cos(2 * np.pi * x) + 0.5 * np.sin(6 * np.pi * x)
    u = simulator.run(given([start], 1e-3))["history"].values[0]
    slope = np.fft.irfft(2j * np.pi * np.arange(65) * np.fft.rfft(u), n=128)
    energy = (0.5e-3 * slope**2 + 0.25 * (1 - u**2) ** 2).mean(axis=1)
    assert (np.diff(energy) < 1e-12).all()
