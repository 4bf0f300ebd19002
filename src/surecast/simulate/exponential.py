"""Exponential time differencing of fourth order (ETDRK4) for stiff problems with a diagonal linear part.

    u_t = L u + N(u),   L diagonal, one entry per mode

Cox and Matthews, J. Comput. Phys. 176 (2002) 430-455, eqs. 26-29, in the notation of Kassam and Trefethen,
SIAM J. Sci. Comput. 26 (2005) 1214-1233, section 2: with z = h L and phi_1 = (e^z - 1) / z,
phi_2 = (e^z - 1 - z) / z^2, phi_3 = (e^z - 1 - z - z^2 / 2) / z^3,

    a = e^(z/2) u + q N(u),   b = e^(z/2) u + q N(a),   c = e^(z/2) a + q (2 N(b) - N(u))
    u(t + h) = e^z u + f_1 N(u) + 2 f_2 (N(a) + N(b)) + f_3 N(c)

    q = h/2 phi_1(z/2),   f_1 = h (phi_1 - 3 phi_2 + 4 phi_3),   f_2 = h (phi_2 - 2 phi_3),   f_3 = h (4 phi_3 - phi_2)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_TERMS = 20  # of the Taylor series, which for |z| <= 1 leaves less than 1 / 23!


class ETDRK4:
    """Coefficients of the scheme for one step size, and room for the stages; `step` does a step.

    Parameters
    ----------
    linear : ndarray of float or complex, any shape
        The diagonal of L, at most 0 where the problem is dissipative, imaginary where it is dispersive; broadcasts
        against the state.
    h : float
        Step size.
    state : dtype
        Of the states; coefficients have its precision. Complex states (C-contiguous) are stepped as pairs of real
        numbers where L is real, since a product of a real and a complex array would convert the former every time.
    """

    def __init__(self, linear: np.ndarray, h: float, state: npt.DTypeLike = np.float64) -> None:
        z = h * np.asarray(linear)
        one, two, three = phi_functions(z)
        half = 0.5 * h * _phi_1(0.5 * z)
        real = np.empty(0, state).real.dtype
        self._pairs = real if np.dtype(state).kind == "c" and z.dtype.kind != "c" else None

        def ready(values: np.ndarray) -> np.ndarray:
            values = values.astype(np.result_type(real, np.complex64) if z.dtype.kind == "c" else real)
            return np.repeat(values, 2, axis=-1) if self._pairs else values

        self._whole, self._half, self._q = ready(np.exp(z)), ready(np.exp(0.5 * z)), ready(half)
        self._f1 = ready(h * (one - 3 * two + 4 * three))
        self._f2 = ready(2 * h * (two - 2 * three))
        self._f3 = ready(h * (4 * three - two))
        self._room: list[np.ndarray] = []

    def step(self, u: np.ndarray, nonlinear: Callable[[np.ndarray, np.ndarray], object]) -> None:
        """Advance a state by one step, in place; `nonlinear` writes N of its first argument into its second.

        Nothing is allocated but in the first step: new memory for every stage costs up to a tenth of the time.
        """
        numbers = u.dtype
        u = u.view(self._pairs or numbers)
        if not self._room or self._room[0].shape != u.shape:
            self._room = [np.empty_like(u) for _ in range(6)]
        a, b, n_u, n_a, n_b, change = self._room

        def rate(state: np.ndarray, found: np.ndarray) -> None:
            nonlinear(state.view(numbers), found.view(numbers))

        rate(u, n_u)
        np.multiply(self._half, u, out=b)
        np.multiply(self._q, n_u, out=a)
        a += b
        rate(a, n_a)
        np.multiply(self._q, n_a, out=change)
        b += change
        rate(b, n_b)
        np.add(n_b, n_b, out=change)
        change -= n_u
        change *= self._q
        c = np.multiply(self._half, a, out=a)
        c += change
        n_a += n_b
        n_c = n_b
        rate(c, n_c)
        u *= self._whole
        for factor, found in ((self._f1, n_u), (self._f2, n_a), (self._f3, n_c)):
            found *= factor
            u += found


def phi_functions(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """phi_1, phi_2 and phi_3 to rounding error: by definition for |z| > 1, by the Taylor series of phi_3 below.

    Each follows from the next by phi_j = z phi_(j+1) + 1/j!, and the next from each where z is not small.
    """
    small = np.abs(z) <= 1
    far = np.where(small, 2.0, z)
    one = np.expm1(far) / far
    two = (one - 1) / far
    near = np.where(small, z, 0.0)
    near_three = _taylor(near, 3)
    near_two = near * near_three + 0.5
    return (
        np.where(small, near * near_two + 1, one),
        np.where(small, near_two, two),
        np.where(small, near_three, (two - 0.5) / far),
    )


def _phi_1(z: np.ndarray) -> np.ndarray:
    """phi_1 alone."""
    return np.asarray(np.where(z == 0, 1.0, np.expm1(z) / np.where(z == 0, 1.0, z)))


def _taylor(z: np.ndarray, order: int) -> np.ndarray:
    """Sum over j of z^j / (j + order)!, by Horner's rule."""
    total = np.full_like(z, 1 / math.factorial(_TERMS + order))
    for j in range(_TERMS - 1, -1, -1):
        total = total * z + 1 / math.factorial(j + order)
    return total
