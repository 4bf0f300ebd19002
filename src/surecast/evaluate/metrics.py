"""Metrics, each with one definition.

Every metric is computed run by run in double precision, and means over runs are taken once, at the end,
over all of them: so no metric depends on how the runs were batched. Cells are taken to be of equal size.

Notation: truth u, prediction v, error e = v - u, n cells, r = 1..R runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surecast.study.errors import DataError

Array = NDArray[np.float64]

BANDS: dict[str, tuple[float, float]] = {"low": (0.0, 4.0), "middle": (4.0, 12.0), "high": (12.0, np.inf)}
"""Wave-number bands in cycles per domain edge: 0 <= k <= 4, 4 < k <= 12, k > 12.

At whole wave numbers these are the bands of PDEBench (Takamoto et al. 2022).
"""


def relative_l2(truth: ArrayLike, prediction: ArrayLike) -> Array:
    """Relative L2 error of each run, ||e||_2 / ||u||_2 over space (and every other dimension but the first).

    Parameters
    ----------
    truth, prediction : array (run, ...)
        Fields in the same unit on the same grid.

    Returns
    -------
    array (run,)
        Dimensionless; NaN where the truth is zero everywhere. The figure quoted for a surrogate is the plain
        mean of these over runs, (1/R) sum_r ||e_r||_2 / ||u_r||_2.
    """
    u, v = _pair(truth, prediction)
    size = _norms(u)
    return np.divide(_norms(v - u), size, out=np.full(len(u), np.nan), where=size > 0)


def mean_square_error(truth: ArrayLike, prediction: ArrayLike) -> Array:
    """Mean square error of each run, (1/n) ||e||_2^2 over space, shape (run,), in the output's unit squared."""
    u, v = _pair(truth, prediction)
    return _norms(v - u) ** 2 / u[0].size


def largest_error(truth: ArrayLike, prediction: ArrayLike) -> Array:
    """Largest absolute error of each run, max_i |e_i| over space, shape (run,), in the output's unit."""
    u, v = _pair(truth, prediction)
    return np.max(np.abs(v - u).reshape(len(u), -1), axis=1)


def rmse(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Root mean square error over all runs and cells, sqrt( (1/R) sum_r (1/n) ||e_r||_2^2 ), in the output's unit."""
    return float(np.sqrt(np.mean(mean_square_error(truth, prediction))))


def maximum_error(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Largest absolute error over all runs and cells, max_{r,i} |e_{r,i}|, in the output's unit."""
    return float(np.max(largest_error(truth, prediction)))


def band_error(truth: ArrayLike, prediction: ArrayLike, periodic: Sequence[bool]) -> Array:
    """Error of each run in each wave-number band, relative to the norm of the whole truth.

    With orthonormal coefficients e^_k and u^_k,
    ``b_r(B) = sqrt( sum_{k in B} |e^_k|^2 / sum_{all k} |u^_k|^2 )``; by Parseval's identity the squares over
    the bands add up to the square of `relative_l2`.

    Parameters
    ----------
    truth, prediction : array (run, x), (run, y, x) or (run, z, y, x)
        Fields on a uniform grid.
    periodic : sequence of bool
        For each dimension after the first: Fourier transform (True; wave number j cycles per edge) or, where the
        data are not periodic, the cosine transform DCT-II (False; the mode cos(pi j (i + 1/2) / n) has wave number
        j / 2). A Fourier transform of data that are not periodic would put the jump at the border into every band.
        Wave numbers of several dimensions are joined to the radial one, |k| = sqrt(sum k_d^2).

    Returns
    -------
    array (run, band)
        Bands as in `BANDS`; NaN where the grid has no wave number in a band.
    """
    u, v = _pair(truth, prediction)
    whole = np.nansum(band_energy(u, periodic), axis=1, keepdims=True)
    return _root_ratio(band_energy(v - u, periodic), whole)


def band_relative_error(truth: ArrayLike, prediction: ArrayLike, periodic: Sequence[bool]) -> Array:
    """Error of each run in each wave-number band, relative to the truth in the same band.

    ``q_r(B) = sqrt( sum_{k in B} |e^_k|^2 / sum_{k in B} |u^_k|^2 )``: 0 is perfect, 1 is as good as predicting
    nothing at these wave numbers. NaN also where the truth has nothing there. Parameters and result as in
    `band_error`.
    """
    u, v = _pair(truth, prediction)
    return _root_ratio(band_energy(v - u, periodic), band_energy(u, periodic))


def band_energy(field: ArrayLike, periodic: Sequence[bool]) -> Array:
    """Sum of squared orthonormal coefficients in each band, (run, band); NaN where the grid has none there."""
    from scipy.fft import dct, fft

    values = np.asarray(field, dtype=np.float64)
    if values.ndim != len(periodic) + 1:
        raise DataError(
            f"a field of shape {values.shape} has {values.ndim - 1} dimensions beside the runs, not {len(periodic)}.",
            "state for every dimension of the grid whether it is periodic.",
        )
    radius = wave_numbers(values.shape[1:], periodic)
    masks = [(radius > low if low else radius >= 0) & (radius <= high) for low, high in BANDS.values()]
    energy = np.full((len(values), len(masks)), np.nan)
    for run, one in enumerate(values):
        spectrum: NDArray[np.generic] = one
        for axis, wraps in enumerate(periodic):
            spectrum = fft(spectrum, axis=axis, norm="ortho") if wraps else _cosine(dct, spectrum, axis)
        squared = np.abs(spectrum) ** 2
        for band, mask in enumerate(masks):
            if mask.any():
                energy[run, band] = np.sum(squared[mask])
    return energy


def wave_numbers(shape: Sequence[int], periodic: Sequence[bool]) -> Array:
    """Radial wave number, in cycles per domain edge, of every coefficient on a grid of this shape."""
    squared = np.zeros(tuple(shape))
    for axis, (count, wraps) in enumerate(zip(shape, periodic, strict=True)):
        index = np.arange(count)
        number = np.minimum(index, count - index) if wraps else index / 2
        squared += np.expand_dims(number**2, [other for other in range(len(shape)) if other != axis])
    return np.sqrt(squared)


def relative_rmse(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Error of a scalar over runs relative to its size, sqrt( sum_r e_r^2 / sum_r u_r^2 ); NaN if the truth is zero."""
    u, v = _pair(truth, prediction, scalar=True)
    size = float(np.sum(u**2))
    return float(np.sqrt(np.sum((v - u) ** 2) / size)) if size > 0 else float("nan")


def squared_correlation(truth: ArrayLike, prediction: ArrayLike) -> float:
    """Squared Pearson correlation over runs.

    With u' = u - mean(u) and v' = v - mean(v): ``( sum_r u'_r v'_r )^2 / ( sum_r u'_r^2  sum_r v'_r^2 )``. It is what a
    surrogate is worth as control variate: with the best coefficient, the variance of a mean shrinks by the factor
    1 - (squared correlation). NaN where truth or prediction do not vary.
    """
    u, v = _pair(truth, prediction, scalar=True)
    u, v = u - np.mean(u), v - np.mean(v)
    spread = float(np.sum(u**2) * np.sum(v**2))
    return float(np.sum(u * v) ** 2 / spread) if spread > 0 else float("nan")


def over_seeds(values: ArrayLike) -> tuple[Array, Array]:
    """Mean and spread over the first axis (the seeds of a training).

    The spread is the sample standard deviation, sqrt( sum (a_s - mean)^2 / (S - 1) ): NaN for a single seed,
    about which it is not known.
    """
    a = np.asarray(values, dtype=np.float64)
    spread = np.std(a, axis=0, ddof=1) if len(a) > 1 else np.full(a.shape[1:], np.nan)
    return np.mean(a, axis=0), spread


def _norms(values: Array) -> Array:
    # One reduction per run: the order of the sum, and so its bits, cannot depend on how many runs there are.
    return np.array([np.sqrt(np.sum(np.square(one.ravel()))) for one in values])


def _root_ratio(part: Array, whole: Array) -> Array:
    whole = np.broadcast_to(whole, part.shape)
    return np.sqrt(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _cosine(transform: object, values: NDArray[np.generic], axis: int) -> NDArray[np.generic]:
    assert callable(transform)
    if np.iscomplexobj(values):  # a periodic axis came first
        return transform(values.real, axis=axis, norm="ortho") + 1j * transform(values.imag, axis=axis, norm="ortho")
    result: NDArray[np.generic] = transform(values, axis=axis, norm="ortho")
    return result


def _pair(truth: ArrayLike, prediction: ArrayLike, *, scalar: bool = False) -> tuple[Array, Array]:
    u = np.ascontiguousarray(truth, dtype=np.float64)
    v = np.ascontiguousarray(prediction, dtype=np.float64)
    if u.shape != v.shape:
        raise DataError(
            f"truth has shape {u.shape} and prediction {v.shape}: they cannot be compared.",
            "interpolate both to the same grid and the same runs.",
        )
    if u.ndim == 0 or u.size == 0 or (scalar and u.ndim != 1):
        raise DataError(
            f"nothing to compare in an array of shape {u.shape}.", "give at least one run, on the first axis."
        )
    return u, v
