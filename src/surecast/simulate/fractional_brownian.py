r"""Increments of fractional Brownian motion, exact in law; paths of steps that halve one another are one path.

    E B(s) B(t) = (s^2H + t^2H - |s - t|^2H)/2,   0 < H < 1   (Mandelbrot and Van Ness 1968, SIAM Rev. 10)

The increments over n equal steps of [0, T] are the first half of a stationary sequence on a circle of 2 n steps, whose
discrete Fourier modes are independent (Davies and Harte 1987, Biometrika 74). The sequences of all n are increments of
one process on a circle of length 2 T, Y(t) + T^(H-1) sqrt(H) Z t with Z standard normal and Y periodic,

    E (Y(s) - Y(t))^2 = |s - t|^2H - H T^(2H-2) (s - t)^2   for |s - t| <= T:

there is such a Y for every H. For the slope of the right side, 2 H (t^(2H-1) - T^(2H-2) t) from 0 to T, falls to 0 if
H <= 1/2; if H >= 1/2 it is 0 at both ends and concave, the less so the further from 0. Either way all its sine
coefficients are positive, and the variances of Y's modes are in proportion to them over the wave numbers. (An embedding
for one n alone closes the circle in a way that depends on n.)

Mode k of n steps is a combination of modes k and 2 n + k of 2 n steps, which fall on the same values at every second
time. Given the first, the two are drawn by one further normal orthogonal to it: so the path by 2 n steps, summed in
pairs, is the path by n steps, and costs as much as one drawn at once but for a factor of two.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from surecast.simulate.brownian import normals, odd_part

_TOGETHER = 2**19  # numbers of the runs that are transformed at once


def fractional_increments(seeds: np.ndarray, steps: int, time: float, hurst: np.ndarray) -> np.ndarray:
    """B(t_k) - B(t_{k-1}) of independent fractional Brownian motions, t_k = k time/steps.

    Parameters
    ----------
    seeds : (run,) array of int
        Seed of each run, not negative.
    steps : int
    time : float
        s.
    hurst : (run,) array
        H, between 0 and 1; increments are not a number where it is not.

    Returns
    -------
    (steps, run) array, in s^H.
    """
    runs = len(seeds)
    # As many at once for all runs, the last batch padded: a transform's bits may depend on the number beside it.
    together = max(1, min(32, _TOGETHER // steps))
    found = np.empty((steps, runs))
    for start in range(0, runs, together):
        rows = np.minimum(start + np.arange(together), runs - 1)
        by_run = from_normals(normals(seeds[rows], 2 * steps), hurst[rows]) * ((time / steps) ** hurst[rows])[:, None]
        found[:, start : start + together] = by_run[: runs - start].T
    return found


def from_normals(drawn: np.ndarray, hurst: np.ndarray) -> np.ndarray:
    """Increments (run, steps) over steps of 1 s, a linear function of the normals drawn, (run, 2 steps)."""
    circle = drawn.shape[1]
    count = odd_part(circle)
    modes = _complex(drawn[:, : 2 * count])
    while 2 * count < circle:
        new = 1j * _complex(drawn[:, 2 * count : 4 * count])
        modes = _finer(modes, new, _amplitudes(hurst, 2 * count))
        count *= 2
    modes *= _amplitudes(hurst, count) * np.sqrt(circle)
    return np.asarray(scipy.fft.irfft(modes, n=circle, axis=-1)[:, :count])


def _complex(drawn: np.ndarray) -> np.ndarray:
    """Modes 0 to n, of mean square 1, of a real white sequence from its 2 n normals: the outer two are real."""
    half = drawn.shape[1] // 2
    found = np.empty((len(drawn), half + 1), dtype=complex)
    found[:, 0], found[:, half] = drawn[:, 0], drawn[:, 1]
    found[:, 1:half].real = np.sqrt(0.5) * drawn[:, 2 : half + 1]
    found[:, 1:half].imag = np.sqrt(0.5) * drawn[:, half + 1 :]
    return found


def _finer(modes: np.ndarray, new: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Modes (run, 2 n + 1) of twice the steps from those (run, n + 1) of n steps and as many new ones.

    Pairs of neighbours, summed, have the modes Y_k = (1 + w) X_k / 2 + (1 - w) X_{2n+k} / 2 where w = e^{i pi k/2n},
    and X_{2n+k} is the conjugate of X_{2n-k}. The outer two of the new ones are imaginary.
    """
    last = modes.shape[1] - 1
    angle = 0.25 * np.pi * np.arange(last + 1) / last
    along = np.cos(angle) * amplitudes[:, : last + 1]
    across = np.sin(angle) * amplitudes[:, last:][:, ::-1]
    length = np.hypot(along, across)
    along /= length
    across /= length
    found = np.empty((len(modes), 2 * last + 1), dtype=complex)
    found[:, last:] = (1j * np.exp(-1j * angle) * (across * modes - along * new)).conj()[:, ::-1]
    found[:, : last + 1] = np.exp(-1j * angle) * (along * modes + across * new)
    return found


def _amplitudes(hurst: np.ndarray, steps: int) -> np.ndarray:
    """Standard deviations (run, steps + 1) of the modes on the circle over those of white noise, for steps of 1 s."""
    values, which = np.unique(hurst, return_inverse=True)
    return np.stack([np.sqrt(_spectrum(float(value), steps)) for value in values])[which]


def _spectrum(hurst: float, steps: int) -> np.ndarray:
    """Variances of `_amplitudes`: the cosine transform of the covariance at lags of 0 to `steps` steps."""
    lag = np.arange(1, steps + 1)
    with np.errstate(divide="ignore"):  # log 0 at lag 1, whose exponential is 0
        below = np.expm1(2 * hurst * np.log1p(-1 / lag))
    above = np.expm1(2 * hurst * np.log1p(1 / lag))
    covariance = np.ones(steps + 1)
    covariance[1:] = 0.5 * lag ** (2 * hurst) * (above + below)
    covariance[-1] = steps ** (2 * hurst) * (below[-1] + 2 * hurst / steps)  # half way round, where the circle closes
    return np.asarray(scipy.fft.dct(covariance, type=1))
