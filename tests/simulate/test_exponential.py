"""ETDRK4 against closed forms."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest

from surecast.simulate.exponential import ETDRK4, phi_functions


def phi_exact(z, order):
    """phi by its series in rational arithmetic."""
    z, total = Fraction(z), Fraction(0)
    for j in range(220):
        total += z**j / factorial(j + order)
    return float(total)


@pytest.mark.parametrize("z", [-30.0, -2.0, -1.0001, -1.0, -0.5, -1e-3, -1e-9, 0.0, 0.7, 1.5])
def test_phi_functions(z):
    found = phi_functions(np.array([z]))
    for order, value in enumerate(found, start=1):
        assert value[0] == pytest.approx(phi_exact(z, order), rel=2e-14)


def test_exact_without_nonlinearity():
    rates = np.array([[-1e4, -3.0, 0.0]])
    state = np.ones((1, 3), dtype=complex)
    ETDRK4(rates, 0.3).step(state, lambda _, out: out.fill(0))
    np.testing.assert_allclose(state, np.exp(0.3 * rates), rtol=1e-14)


def test_exact_for_a_constant_term():
    # u' = -lambda u + 1 from 0: u = (1 - e^(-lambda t)) / lambda
    rates = np.array([[-50.0, -0.2]])
    state = np.zeros((1, 2))
    ETDRK4(rates, 0.1).step(state, lambda _, out: out.fill(1))
    np.testing.assert_allclose(state, np.expm1(0.1 * rates) / rates, rtol=1e-13)


def test_fourth_order():
    # Bernoulli's equation u' = -u + u^2 with u(0) = 1/2: u = 1 / (1 + e^t)
    def error(steps):
        scheme, u = ETDRK4(np.array([[-1.0]]), 1.0 / steps), np.array([[0.5]])
        for _ in range(steps):
            scheme.step(u, np.square)
        return abs(u[0, 0] - 1 / (1 + np.e))

    errors = [error(steps) for steps in (8, 16, 32, 64)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders[-1] == pytest.approx(4.0, abs=0.15)


@pytest.mark.parametrize("rates", [[-50.0, -0.2, 0.0], [-1.0 + 2j, 3j, 0.0]])
def test_complex_states_in_either_precision(rates):
    # u' = lambda u + 1 from u_0, of which real and imaginary part count alike.
    rates = np.array([rates])
    exact = np.array([0.3 - 0.4j, 1.0, 2j])
    exact = exact * np.exp(0.1 * rates) + np.array([np.expm1(0.1 * z) / z if z else 0.1 for z in rates[0]])
    for kind, tolerance in ((np.complex128, 1e-13), (np.complex64, 1e-6)):
        state = np.array([[0.3 - 0.4j, 1.0, 2j]], dtype=kind)
        ETDRK4(rates, 0.1, kind).step(state, lambda _, out: out.fill(1))
        assert state.dtype == kind
        np.testing.assert_allclose(state, exact, rtol=tolerance)
