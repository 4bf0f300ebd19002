"""Implicit finite volumes for nonlinear diffusion: order in space and time, linear systems, runs that fail."""

import numpy as np
import pytest

from surecast.simulate.nonlinear_diffusion import End, Medium, Stepper, solve_tridiagonal


class Power(Medium):
    """u_t = (u^m u_x)_x."""

    def __init__(self, exponents):
        self.exponent = np.asarray(exponents, dtype=float)[:, None]

    def storage(self, z):
        return z, np.ones_like(z)

    def potential(self, z):
        slope = np.abs(z) ** self.exponent
        return slope * z / (self.exponent + 1), slope


EXPONENTS = [0.5, 1.0, 2.0, 6.0]


def wave(x, t):
    """Travelling waves of speed 1 that are positive and smooth on the whole interval."""
    exponent = np.array(EXPONENTS)[:, None]
    return (exponent * (t + 1.2 - np.asarray(x))) ** (1 / exponent)


def errors(cells, steps):
    medium, h, x = Power(EXPONENTS), 1 / cells, (np.arange(cells) + 0.5) / cells

    def ends(time):
        return tuple(End.held(medium, wave([place], time), h) for place in (0.0, 1.0))

    stepper = Stepper(medium, ends, wave(x, 0.0), h, 0.5 / steps)
    for _ in range(steps):
        stepper.advance()
    assert not stepper.failed.any()
    assert stepper.imbalance.max() < 1e-14
    return np.abs(stepper.z - wave(x, 0.5)).max(axis=1)


def test_second_order_in_space_and_time_with_moving_ends():
    found = np.array([errors(cells, cells) for cells in (16, 32, 64, 128)])
    np.testing.assert_allclose(np.log2(found[:-1] / found[1:]), 2.0, atol=0.2)


def test_second_order_in_time():
    # The waves are nearly straight, and errors in time small: states of rest that decay show them better.
    medium, h = Power(EXPONENTS), 1 / 32
    start = np.tile(1 + 0.5 * np.cos(np.pi * (np.arange(32) + 0.5) / 32), (4, 1))
    closed = End.closed(4)

    def final(steps):
        stepper = Stepper(medium, lambda time: (closed, closed), start, h, 0.1 / steps)
        for _ in range(steps):
            stepper.advance()
        return stepper.z

    truth = final(640)
    found = np.array([np.abs(final(steps) - truth).max(axis=1) for steps in (5, 10, 20, 40)])
    np.testing.assert_allclose(np.log2(found[:-1] / found[1:]), 2.0, atol=0.2)


def test_a_steady_state_with_an_end_that_carries_off():
    # -u_x = v u at x = 1 and u = 1 at x = 0: u = 1 - v x / (1 + v), which two-point fluxes give to rounding.
    speed, h = np.array([0.0, 0.5, 20.0]), 1 / 8
    held, carried = End.held(Power([0.0, 0.0, 0.0]), np.ones((3, 1)), h), End.carried_off(speed, np.ones(3), h)
    stepper = Stepper(Power([0.0, 0.0, 0.0]), lambda time: (held, carried), np.zeros((3, 8)), h, 10.0)
    for _ in range(40):
        stepper.advance()
    x = (np.arange(8) + 0.5) / 8
    np.testing.assert_allclose(stepper.z, 1 - (speed / (1 + speed))[:, None] * x, rtol=1e-12)


def test_tridiagonal_systems_against_dense_ones_and_beside_others():
    rng = np.random.default_rng(3)
    beside = -rng.random((5, 7))
    diagonal = 0.1 + 2 * np.abs(beside)
    right = rng.standard_normal((5, 7))
    wanted = np.array([True, True, False, True, True])
    found = solve_tridiagonal(diagonal, beside, right, wanted)
    for row in np.flatnonzero(wanted):
        matrix = np.diag(diagonal[row]) + np.diag(beside[row, :-1], -1) + np.diag(beside[row, 1:], 1)
        np.testing.assert_allclose(matrix @ found[row], right[row], rtol=1e-12, atol=1e-13)
        one = solve_tridiagonal(diagonal[[row]], beside[[row]], right[[row]], np.array([True]))
        assert one.tobytes() == found[row].tobytes()
    assert not found[2].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_a_run_that_is_not_finite_fails_and_harms_no_other(bad):
    h, start = 1 / 16, np.tile(np.linspace(1.0, 2.0, 16), (4, 1))
    closed = End.closed(4)

    def final(state):
        stepper = Stepper(Power(EXPONENTS), lambda time: (closed, closed), state, h, 0.01)
        with np.errstate(all="ignore"):
            for _ in range(5):
                stepper.advance()
        return stepper

    sound, spoilt = final(start), start.copy()
    spoilt[1, 7] = bad
    found = final(spoilt)
    assert found.failed.tolist() == [False, True, False, False]
    assert found.z[[0, 2, 3]].tobytes() == sound.z[[0, 2, 3]].tobytes()
