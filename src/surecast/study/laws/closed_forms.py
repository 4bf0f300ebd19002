r"""The commonest distributions of scipy.stats from their formulas: its import costs most of a second in every job.

    uniform   F(y) = y                 on (0, 1)
    norm      F(y) = Phi(y)            on the real line
    lognorm   F(y) = Phi(log(y) / s)   on (0, oo)

with y = (x - loc) / scale. Each formula is evaluated in the order in which SciPy does it, so that every value has
the same bits as SciPy's own (tests/study/test_closed_forms.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SHAPES: dict[str, tuple[str, ...]] = {"uniform": (), "norm": (), "lognorm": ("s",)}
"""Names of the shape parameters of each distribution that stands here."""

Formula = Callable[[np.ndarray], np.ndarray]


def distribution(name: str, *shapes: float, loc: float = 0.0, scale: float = 1.0) -> Any:
    """The frozen distribution: the formulas of this file where there are some, else that of scipy.stats.

    Parameters
    ----------
    name : str
        Name in scipy.stats.
    *shapes : float
        Its shape parameters, in order.
    loc, scale : float
        Location and scale (positive).
    """
    if name in SHAPES and all(shape > 0 for shape in shapes):
        return Frozen(loc, scale, *_FORMULAS[name](*shapes))
    from scipy import stats  # impossible parameters too: it knows how to say so

    return getattr(stats, name)(*shapes, loc=loc, scale=scale)


@dataclass(frozen=True)
class Frozen:
    """A distribution with its parameters, as far as laws need it; the methods are those of scipy.stats.

    Attributes
    ----------
    loc, scale : float
        Location and scale.
    ends : tuple of float
        Support of the standard form.
    below, above, quantile, upper_quantile, log_standard : callable
        F, 1 - F, their inverses and the log density of the standard form, inside the support.
    """

    loc: float
    scale: float
    ends: tuple[float, float]
    below: Formula
    above: Formula
    quantile: Formula
    upper_quantile: Formula
    log_standard: Formula

    def support(self) -> tuple[float, float]:
        """Ends of the support."""
        return self.ends[0] * self.scale + self.loc, self.ends[1] * self.scale + self.loc

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Distribution function F at points ``(n,)``."""
        return self._inside(x, self.below, 0.0, 1.0)

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Survival function 1 - F at points ``(n,)``."""
        return self._inside(x, self.above, 1.0, 0.0)

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        """Logarithm of the density at points ``(n,)``; at the ends of the support that of the inside."""
        y = self._standard(x)
        held = (y >= self.ends[0]) & (y <= self.ends[1])
        found = np.where(np.isnan(y), np.nan, -np.inf)
        found[held] = self.log_standard(y[held]) - np.log(self.scale)
        return found

    def ppf(self, q: np.ndarray) -> np.ndarray:
        """Inverse of F at probabilities ``(n,)``."""
        return self._quantiles(q, self.quantile, *self.support())

    def isf(self, q: np.ndarray) -> np.ndarray:
        """Inverse of 1 - F at probabilities ``(n,)``."""
        return self._quantiles(q, self.upper_quantile, *self.support()[::-1])

    def _standard(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((np.asarray(x, dtype=np.float64) - self.loc) / self.scale)

    def _inside(self, x: np.ndarray, formula: Formula, left: float, right: float) -> np.ndarray:
        y = self._standard(x)
        held = (y > self.ends[0]) & (y < self.ends[1])
        found = np.where(np.isnan(y), np.nan, np.where(y >= self.ends[1], right, left))
        if held.any():
            found[held] = formula(y[held])
        return found

    def _quantiles(self, q: np.ndarray, formula: Formula, at_zero: float, at_one: float) -> np.ndarray:
        q = np.asarray(q, dtype=np.float64)
        held = (q > 0) & (q < 1)
        found = np.where(q == 0, at_zero, np.where(q == 1, at_one, np.nan))
        if held.any():
            found[held] = formula(q[held]) * self.scale + self.loc
        return found


def _uniform() -> tuple[Any, ...]:
    return (0.0, 1.0), lambda y: y, lambda y: 1.0 - y, lambda q: q, lambda q: 1.0 - q, np.zeros_like


def _ndtr(y: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr  # not where a law is only built and asked for its support

    return ndtr(y)


def _ndtri(q: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(q)


def _norm() -> tuple[Any, ...]:
    constant = np.log(np.sqrt(2 * np.pi))
    return (
        (-np.inf, np.inf),
        _ndtr,
        lambda y: _ndtr(-y),
        _ndtri,
        lambda q: -_ndtri(q),
        lambda y: -(y**2) / 2.0 - constant,
    )


def _lognorm(s: float) -> tuple[Any, ...]:
    def log_standard(y: np.ndarray) -> np.ndarray:
        found = np.full_like(y, -np.inf)
        y, held = y[y != 0], y != 0
        found[held] = -(np.log(y) ** 2) / (2 * s**2) - np.log(s * y * np.sqrt(2 * np.pi))
        return found

    return (
        (0.0, np.inf),
        lambda y: _ndtr(np.log(y) / s),
        lambda y: _ndtr(-(np.log(y) / s)),
        lambda q: np.exp(s * _ndtri(q)),
        lambda q: np.exp(s * -_ndtri(q)),
        log_standard,
    )


_FORMULAS: dict[str, Callable[..., tuple[Any, ...]]] = {"uniform": _uniform, "norm": _norm, "lognorm": _lognorm}
