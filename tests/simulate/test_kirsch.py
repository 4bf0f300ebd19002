"""Kirsch's solution: equilibrium, Hooke's law, a free hole, tension far away."""

import numpy as np
import pytest

from surecast.simulate import kirsch
from surecast.simulate.plane_elasticity import Material

TENSION, RADIUS, STEP = 1.7, 0.4, 1e-5


def points():
    rng = np.random.default_rng(0)
    r, angle = rng.uniform(RADIUS, 1.5, 40), rng.uniform(0, 2 * np.pi, 40)
    return r * np.cos(angle), r * np.sin(angle)


def derivatives(function, x, y):
    """d/dx and d/dy."""
    in_x = (function(x + STEP, y) - function(x - STEP, y)) / (2 * STEP)
    return in_x, (function(x, y + STEP) - function(x, y - STEP)) / (2 * STEP)


def test_forces_balance():
    in_x, in_y = derivatives(lambda x, y: kirsch.stress(x, y, TENSION, RADIUS), *points())
    np.testing.assert_allclose(in_x[0] + in_y[2], 0.0, rtol=0, atol=1e-7)
    np.testing.assert_allclose(in_x[2] + in_y[1], 0.0, rtol=0, atol=1e-7)


@pytest.mark.parametrize("plane", ["stress", "strain"])
def test_the_displacement_has_these_stresses(plane):
    material = Material(2.0, 0.3, plane)

    def displacement(x, y):
        return kirsch.displacement(x, y, TENSION, RADIUS, material.shear_modulus, material.kolosov)

    x, y = points()
    in_x, in_y = derivatives(displacement, x, y)
    found = material.stress(np.stack([in_x, in_y], axis=1))
    np.testing.assert_allclose(found, kirsch.stress(x, y, TENSION, RADIUS), rtol=0, atol=1e-7)


def test_the_hole_is_free_and_the_plate_in_tension():
    angle = np.linspace(0, 2 * np.pi, 13)
    c, s = np.cos(angle), np.sin(angle)
    xx, yy, xy = kirsch.stress(RADIUS * c, RADIUS * s, TENSION, RADIUS)
    np.testing.assert_allclose([xx * c + xy * s, xy * c + yy * s], 0.0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(xx[3], 3 * TENSION, rtol=1e-14)  # at 90 degrees
    np.testing.assert_allclose(yy[0], -TENSION, rtol=1e-14)
    far = kirsch.stress(1e6 * c, 1e6 * s, TENSION, RADIUS)
    np.testing.assert_allclose(far, np.outer([TENSION, 0, 0], np.ones(13)), rtol=0, atol=1e-11)
