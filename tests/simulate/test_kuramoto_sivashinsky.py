"""Kuramoto and Sivashinsky's equation: growth rates, the balance of energy, and chaos."""

import numpy as np
import xarray as xr

from surecast.simulate.kuramoto_sivashinsky import KuramotoSivashinsky


def given(initial, a=1.0, b=1.0):
    runs = len(initial)
    return xr.Dataset(
        {
            "initial": (("run", "x"), initial),
            "antidiffusion": ("run", np.full(runs, a)),
            "hyperdiffusion": ("run", np.full(runs, b)),
        }
    )


def test_small_waves_grow_and_decay_at_their_rates():
    simulator = KuramotoSivashinsky(points=64, extent=2 * np.pi, time=0.5, steps=50)
    x, numbers = simulator.grids()["initial"]["x"], np.array([1, 2, 3])
    raw = simulator.run(given(1e-8 * np.sin(numbers[:, None] * x), a=2.0, b=0.3))
    rates = 2.0 * numbers**2 - 0.3 * numbers**4
    np.testing.assert_allclose(
        raw["solution"], 1e-8 * np.exp(0.5 * rates)[:, None] * np.sin(numbers[:, None] * x), atol=1e-13
    )


def test_energy_changes_by_what_antidiffusion_adds_and_hyperdiffusion_takes():
    # dE/dt = a mean(u_x^2) - b mean(u_xx^2), the left side by central differences of the sixth order in time.
    simulator = KuramotoSivashinsky(points=128, extent=32.0, time=21.0, steps=4200, frames=2100)
    x = simulator.grids()["initial"]["x"]
    u = simulator.run(given([np.cos(2 * np.pi * x / 32) * (1 + np.sin(4 * np.pi * x / 32))]))["history"].values[0]
    k = 2 * np.pi / 32 * np.arange(65)
    modes = np.fft.rfft(u)
    slope, bend = (np.fft.irfft(factor * modes, n=128) for factor in (1j * k, -(k**2)))
    energy, supply = 0.5 * (u**2).mean(axis=1), (slope**2).mean(axis=1) - (bend**2).mean(axis=1)
    change = (45 * (energy[4:-2] - energy[2:-4]) - 9 * (energy[5:-1] - energy[1:-5]) + energy[6:] - energy[:-6]) / 0.6
    assert np.abs(change - supply[3:-3]).max() < 1e-6 * np.abs(supply).max()


def test_chaos_is_bounded_and_neighbours_part():
    # Extent 22, a = b = 1: the largest Lyapunov exponent is about 0.05.
    simulator = KuramotoSivashinsky(points=64, extent=22.0, time=400.0, steps=1600, frames=400)
    x = simulator.grids()["initial"]["x"]
    start = np.cos(2 * np.pi * x / 22 + np.linspace(0, 1, 8)[:, None]) + 0.1 * np.sin(4 * np.pi * x / 22)
    both = np.concatenate([start, start + 1e-7 * np.sin(6 * np.pi * x / 22)])
    history = simulator.run(given(both))["history"].values
    assert np.abs(history).max() < 5
    apart = np.abs(history[8:] - history[:8]).max(axis=2)
    assert apart[:, 50].max() < 0.05
    assert np.median(apart[:, -1]) > 1
