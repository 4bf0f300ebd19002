"""The exact solution of the viscous Burgers equation, by Cole and Hopf's transformation.

    u = -2 nu phi_x / phi,   phi_t = nu phi_xx,   phi(x, 0) = exp(-1/(2 nu) integral of u(x, 0))

Hopf, Comm. Pure Appl. Math. 3 (1950) 201-230; Cole, Quart. Appl. Math. 9 (1951) 225-236. A mean velocity
is taken out first (Galilean invariance), so that phi is periodic.
"""

from __future__ import annotations

import numpy as np
import scipy.fft


def solution(modes: np.ndarray, viscosity: float, time: float, points: int, fine: int = 4096) -> np.ndarray:
    """Exact solution at ``x = j / points``.

    Parameters
    ----------
    modes : ndarray of complex, shape (m + 1,)
        Initial state ``u(x, 0) = Re sum_k modes[k] exp(2 pi i k x)``.
    viscosity, time : float
        nu (m2/s) and t (s). The variation of the integral of u divided by 2 nu should stay below about
        25: phi spans that power of e, and float64 loses its digits.
    points : int
        Points at which the solution is wanted; divides `fine`.
    fine : int
        Points on which phi is resolved.
    """
    k = np.arange(len(modes))
    x = np.arange(fine) / fine
    waves = np.exp(2j * np.pi * np.outer(x, k[1:]))
    integral = (waves @ (modes[1:] / (2j * np.pi * k[1:]))).real
    phi = scipy.fft.rfft(np.exp(-(integral - integral.mean()) / (2 * viscosity)))
    wave_numbers = 2 * np.pi * np.arange(len(phi))
    phi = phi * np.exp(-viscosity * wave_numbers**2 * time)
    # The frame moves with the mean velocity: shift phi by the distance it has gone.
    mean = float(modes[0].real)
    phi = phi * np.exp(-1j * wave_numbers * mean * time)
    value, slope = scipy.fft.irfft(phi, n=fine), scipy.fft.irfft(1j * wave_numbers * phi, n=fine)
    return np.asarray(mean - 2 * viscosity * slope / value)[:: fine // points]
