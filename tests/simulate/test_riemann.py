"""The exact solution of shock tubes: published values, conservation, and what has none."""

import numpy as np
import pytest

from surecast.simulate.riemann import ShockTube, State
from surecast.study.errors import SimulationError

# Toro (2009), tables 4.1 to 4.3: left and right (rho, u, p), p*, u*, densities beside the contact.
TORO = [
    ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 0.30313, 0.92745, (0.42632, 0.26557)),
    ((1.0, -2.0, 0.4), (1.0, 2.0, 0.4), 0.00189, 0.0, (0.02185, 0.02185)),
    ((1.0, 0.0, 1000.0), (1.0, 0.0, 0.01), 460.894, 19.5975, (0.57506, 5.99924)),
    ((1.0, 0.0, 0.01), (1.0, 0.0, 100.0), 46.0950, -6.19633, (5.99242, 0.57511)),
    ((5.99924, 19.5975, 460.894), (5.99242, -6.19633, 46.0950), 1691.64, 8.68975, (14.2823, 31.0426)),
]


def tube(left, right):
    return ShockTube(State(*left), State(*right))


@pytest.mark.parametrize(("left", "right", "pressure", "velocity", "densities"), TORO)
def test_published_values(left, right, pressure, velocity, densities):
    found = tube(left, right)
    np.testing.assert_allclose(found.star(), (pressure, velocity), rtol=5e-6, atol=5e-6)
    np.testing.assert_allclose(found.star_densities(), densities, rtol=5e-6, atol=5e-6)


@pytest.mark.parametrize(("left", "right"), [row[:2] for row in TORO])
def test_mass_momentum_and_energy_are_conserved(left, right):
    found, index = tube(left, right), 1.4
    reach = 100.0
    speeds = reach * (np.arange(400_000) + 0.5) / 200_000 - reach

    def state(density, velocity, pressure):
        energy = pressure / (index - 1) + 0.5 * density * velocity**2
        return np.array([density, density * velocity, energy])

    def flux(density, velocity, pressure):
        _, momentum, energy = state(density, velocity, pressure)
        return np.array([momentum, momentum * velocity + pressure, velocity * (energy + pressure)])

    held = state(*found.at(speeds)).mean(axis=1) * 2 * reach
    expected = reach * (state(*left) + state(*right)) + flux(*left) - flux(*right)
    np.testing.assert_allclose(held, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_a_rarefaction_keeps_entropy_and_its_invariant():
    speeds = np.linspace(-1.18, -0.08, 30)
    density, velocity, pressure = tube(*TORO[0][:2]).at(speeds)
    np.testing.assert_allclose(pressure / density**1.4, 1.0, rtol=1e-13)
    sound = np.sqrt(1.4 * pressure / density)
    np.testing.assert_allclose(velocity + 5 * sound, 5 * np.sqrt(1.4), rtol=1e-13)
    np.testing.assert_allclose(velocity - sound, speeds, rtol=1e-13)


@pytest.mark.parametrize(("left", "right"), [row[:2] for row in TORO])
def test_mirror_images(left, right):
    speeds = np.linspace(-40, 40, 501)
    density, velocity, pressure = tube(left, right).at(speeds)
    other = tube((right[0], -right[1], right[2]), (left[0], -left[1], left[2])).at(-speeds)
    np.testing.assert_allclose(other, (density, -velocity, pressure), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ((0.0, 0.0, 1.0), (1.0, 0.0, 1.0), "is not positive"),
        ((1.0, 0.0, 1.0), (1.0, 0.0, -1.0), "is not positive"),
        ((1.0, -6.0, 1.0), (1.0, 6.0, 1.0), "leave a vacuum. Remedy: let them move apart at less than 11.8322 m/s"),
    ],
)
def test_what_has_no_such_solution(left, right, message):
    with pytest.raises(SimulationError, match=message):
        tube(left, right)
