"""Korteweg and de Vries's equation: solitons pass through each other, and what is conserved."""

import numpy as np
import xarray as xr

from surecast.simulate.korteweg_de_vries import KortewegDeVries

DISPERSION = 4e-4


def soliton(x, speed, centre):
    """3 c sech^2(sqrt(c / d) (x - centre) / 2) on an interval of length 2, periodic to 1e-15."""
    away = (x - centre + 1.0) % 2.0 - 1.0
    return 3 * speed / np.cosh(0.5 * np.sqrt(speed / DISPERSION) * away) ** 2


def simulate(simulator, initial):
    runs = len(initial)
    given = xr.Dataset(
        {"initial": (("run", "x"), initial), "dispersion": ("run", np.full(runs, DISPERSION))},
    )
    return simulator.run(given)["solution"].values


def test_a_soliton_travels_at_its_speed():
    simulator = KortewegDeVries(points=256, extent=2.0, time=1.0, steps=1600)
    x, speeds = simulator.grids()["initial"]["x"], np.array([0.5, 1.0])
    found = simulate(simulator, np.array([soliton(x, c, 0.5) for c in speeds]))
    truth = np.array([soliton(x, c, 0.5 + c) for c in speeds])
    errors = np.linalg.norm(found - truth, axis=1) / np.linalg.norm(truth, axis=1)
    assert errors[0] < 1e-6
    assert errors[1] < 3e-5


def test_a_fast_soliton_passes_a_slow_one_and_both_are_shifted():
    # Phase shifts of the Korteweg-de Vries equation: log((k1 + k2)/(k1 - k2)) / k_i with k_i = sqrt(c_i / d) / 2
    # forward for the fast one, backward for the slow one (Gardner, Greene, Kruskal and Miura 1967).
    fast, slow = 1.0, 0.25
    simulator = KortewegDeVries(points=256, extent=2.0, time=1.0, steps=1600)
    x = simulator.grids()["initial"]["x"]
    k1, k2 = (0.5 * np.sqrt(c / DISPERSION) for c in (fast, slow))
    shift = np.log((k1 + k2) / (k1 - k2))
    (found,) = simulate(simulator, np.array([soliton(x, fast, 0.3) + soliton(x, slow, 0.7)]))
    truth = soliton(x, fast, 1.3 + shift / k1) + soliton(x, slow, 0.95 - shift / k2)
    # They still overlap a little; a shift left out would make an error of order one.
    assert np.linalg.norm(found - truth) / np.linalg.norm(truth) < 5e-3


def test_energy_and_hamiltonian_are_conserved_ever_better():
    x = KortewegDeVries(points=128, extent=2.0).grids()["initial"]["x"]
    initial = np.array([np.cos(np.pi * x), 0.5 * np.cos(np.pi * x) + 0.3 * np.sin(2 * np.pi * x)])

    def invariants(u):
        k = np.pi * np.arange(65)
        slope = np.fft.irfft(1j * k * np.fft.rfft(u), n=128)
        return np.array([(u**2).mean(axis=1), (0.5 * DISPERSION * slope**2 - u**3 / 6).mean(axis=1)])

    drifts = []
    for steps in (400, 800):
        simulator = KortewegDeVries(points=128, extent=2.0, time=1.0, steps=steps)
        drifts.append(np.abs(invariants(simulate(simulator, initial)) - invariants(initial)).max())
    assert drifts[1] < 1e-6
    assert drifts[0] > 12 * drifts[1]  # order 4 at least
