r"""Continuous laws: any of scipy.stats by its name and parameters, truncated if asked.

With F the distribution function, S = 1 - F and truncation to [l, r], the law is

    F_t(x) = (F(x) - F(l)) / m,    m = F(r) - F(l) = S(l) - S(r),

and its inverse is taken through F in the lower half and through S in the upper one, so that neither
tail loses digits: x = F^-1(F(l) + m u) or x = S^-1(S(r) + m (1 - u)).
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, create_model, model_validator

from surecast.study.component import refused
from surecast.study.laws import closed_forms
from surecast.study.laws.law import Law, column, inside

Real = Annotated[float, Field(allow_inf_nan=False)]
NO_LAW = ("rv_histogram", "rv_continuous")


class Continuous(Law):
    """A continuous distribution, possibly truncated; subclasses say which."""

    lower: Real | None = Field(default=None, description="Truncation from below, in the unit of the input.")
    upper: Real | None = Field(default=None, description="Truncation from above, in the unit of the input.")

    _frozen: Any = PrivateAttr(default=None)
    _ends: tuple[float, float] = PrivateAttr(default=(-np.inf, np.inf))
    _cdf: tuple[float, float] = PrivateAttr(default=(0.0, 1.0))
    _sf: tuple[float, float] = PrivateAttr(default=(1.0, 0.0))
    _mass: float = PrivateAttr(default=1.0)

    def distribution(self) -> Any:
        """The distribution before truncation, as scipy.stats freezes it."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _possible(self) -> Continuous:
        self._frozen = self.distribution()
        low, high = (float(end) for end in self._frozen.support())
        if not low < high:
            raise refused(
                "", f"these parameters are impossible for {self.kind()!r}.", "see scipy.stats for what they may be."
            )
        left = low if self.lower is None else max(low, self.lower)
        right = high if self.upper is None else min(high, self.upper)
        if not left < right:
            key = "lower" if self.lower is not None else "upper"
            raise refused(key, f"nothing is left between lower and upper ({left} to {right}).", "widen the truncation.")
        ends = np.array([left, right])
        cdf, sf = self._frozen.cdf(ends), self._frozen.sf(ends)
        mass = cdf[1] - cdf[0] if cdf[0] < 0.5 else sf[0] - sf[1]
        if not mass > 1e-300:
            key = "lower" if self.lower is not None else "upper"
            raise refused(key, "the truncation keeps no probability.", "widen the truncation.")
        self._ends, self._mass = (left, right), float(mass)
        self._cdf, self._sf = (float(cdf[0]), float(cdf[1])), (float(sf[0]), float(sf[1]))
        return self

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` from uniforms ``(n, 1)``."""
        p = inside(column(u))
        return self._inverse(p, 1 - p)

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """Uniforms ``(n, 1)`` from values ``(n,)``."""
        return self._tails(column(values))[0][:, None]

    def from_normal(self, z: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` from standard normals ``(n, 1)``."""
        from scipy.special import ndtr

        z = column(z)
        return self._inverse(ndtr(z), ndtr(-z))

    def to_normal(self, values: np.ndarray) -> np.ndarray:
        """Standard normals ``(n, 1)`` from values ``(n,)``; finite at the ends of the support."""
        from scipy.special import ndtri

        below, above = self._tails(self._off_ends(column(values)))
        z = np.where(below < 0.5, ndtri(np.maximum(below, 1e-300)), -ndtri(np.maximum(above, 1e-300)))
        return np.asarray(z[:, None])

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the density ``(n,)``, in one over the unit of the input."""
        x = column(values)
        density = self._frozen.logpdf(x) - np.log(self._mass)
        return np.where((x >= self._ends[0]) & (x <= self._ends[1]), density, -np.inf)

    def _inverse(self, below: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Values whose truncated F is `below` and S is `above`, each given to full relative precision."""
        cdf = self._cdf[0] + self._mass * below
        sf = self._sf[1] + self._mass * above
        lower_half = cdf < 0.5
        values = np.empty_like(cdf)
        # Each half by itself: the other's probabilities may have been rounded to 1.
        values[lower_half] = self._frozen.ppf(cdf[lower_half])
        values[~lower_half] = self._frozen.isf(sf[~lower_half])
        return np.clip(values, *self._ends)

    def _tails(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Truncated F and S of values, each to full relative precision in its own tail."""
        cdf, sf = self._frozen.cdf(values), self._frozen.sf(values)
        lower_half = cdf < 0.5
        below = np.where(lower_half, cdf - self._cdf[0], self._mass - (sf - self._sf[1])) / self._mass
        above = np.where(lower_half, self._mass - (cdf - self._cdf[0]), sf - self._sf[1]) / self._mass
        return np.clip(below, 0, 1), np.clip(above, 0, 1)

    def _off_ends(self, values: np.ndarray) -> np.ndarray:
        """Values rounded onto an end of the support, moved to the next number inside."""
        left, right = self._ends
        values = np.where(values <= left, np.nextafter(left, right), values)
        return np.where(values >= right, np.nextafter(right, left), values)


class Uniform(Continuous):
    """Uniform law between `low` and `high` (or scipy's `loc` and `loc + scale`)."""

    low: Real | None = Field(default=None, description="Smallest value.")
    high: Real | None = Field(default=None, description="Largest value.")
    loc: Real | None = Field(default=None, description="Smallest value, as scipy.stats names it.")
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Largest value less the smallest, as scipy.stats names it."
    )

    def distribution(self) -> Any:
        """scipy.stats.uniform between low and high."""
        if self.loc is not None or self.scale is not None:
            if self.low is not None or self.high is not None:
                raise refused("", "low and high are mixed with loc and scale.", "give low and high alone.")
            scale = 1.0 if self.scale is None else self.scale
            return closed_forms.distribution("uniform", loc=self.loc or 0.0, scale=scale)
        if self.low is None or self.high is None:
            missing = "low" if self.low is None else "high"
            raise refused(missing, "a setting is missing.", "a uniform law needs low and high.")
        if not self.low < self.high:
            raise refused("high", f"must be greater than low, {self.low}.", "swap them, or widen the range.")
        return closed_forms.distribution("uniform", loc=self.low, scale=self.high - self.low)


class Normal(Continuous):
    """Normal law by its mean and standard deviation."""

    mean: Real = Field(description="Mean.")
    standard_deviation: float = Field(gt=0, allow_inf_nan=False, description="Standard deviation.")

    def distribution(self) -> Any:
        """scipy.stats.norm."""
        return closed_forms.distribution("norm", loc=self.mean, scale=self.standard_deviation)


class ScipyLaw(Continuous):
    """A distribution of scipy.stats with its own parameters; `distribution_class` makes one class for each."""

    scipy_name: ClassVar[str] = ""
    shapes: ClassVar[tuple[str, ...]] = ()

    loc: Real = Field(default=0.0, description="Location parameter of scipy.stats.")
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Scale parameter of scipy.stats.")

    @classmethod
    def kind(cls) -> str:
        """scipy's name."""
        return cls.scipy_name

    def distribution(self) -> Any:
        """The frozen distribution."""
        shapes = [getattr(self, name) for name in self.shapes]
        return closed_forms.distribution(self.scipy_name, *shapes, loc=self.loc, scale=self.scale)


@functools.cache
def distribution_names() -> tuple[str, ...]:
    """Names of scipy's continuous distributions."""
    from scipy import stats

    return tuple(
        sorted(
            name for name in dir(stats) if isinstance(getattr(stats, name), stats.rv_continuous) and name not in NO_LAW
        )
    )


def is_distribution(name: str) -> bool:
    """Whether scipy has a continuous distribution of this name."""
    return name in closed_forms.SHAPES or name in distribution_names()


@functools.cache
def distribution_class(name: str) -> type[ScipyLaw]:
    """The law of one of scipy's distributions; its shape parameters are required settings."""
    shapes = closed_forms.SHAPES.get(name)
    if shapes is None:
        from scipy import stats

        shapes = tuple(text.strip() for text in (getattr(stats, name).shapes or "").split(",") if text.strip())
    fields: dict[str, Any] = {
        shape: (Real, Field(description=f"Shape parameter {shape} of scipy.stats.{name}.")) for shape in shapes
    }
    made = create_model(
        f"Scipy_{name}", __base__=ScipyLaw, __module__=__name__, __doc__=f"scipy.stats.{name}.", **fields
    )
    made.scipy_name, made.shapes = name, shapes
    return made
