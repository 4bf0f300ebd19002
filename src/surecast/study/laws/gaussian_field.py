r"""Gaussian random field on an interval or rectangle, by its Karhunen-Loeve expansion.

    g(x) = mean + sqrt(variance) sum_k sqrt(lambda_k) phi_k(x) z_k,    z_k independent standard normals

(`surecast.study.laws.karhunen_loeve` says how lambda and phi are found). The law's values are the z_k; the
field itself is made on any grid by `GaussianField.realise`. Truncation after `terms` terms keeps
`share_of_variance` of the variance, averaged over the domain.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from surecast.study.component import refused
from surecast.study.laws.karhunen_loeve import NODES_LINE, Circle, Expansion, Interval, Line, Plane, Product
from surecast.study.laws.law import Law, inside
from surecast.study.laws.torus import Torus

MOST_TERMS = 4096
RUNS_AT_ONCE = 8


class GaussianField(Law):
    """Gaussian field; the value is the vector of its coefficients, shape ``(n, terms)``."""

    variance: float = Field(
        gt=0, allow_inf_nan=False, description="Variance of the field at a point (before transform)."
    )
    length: float = Field(gt=0, allow_inf_nan=False, description="Correlation length, in the unit of the domain.")
    covariance: Literal["squared_exponential", "matern32", "matern12"] = Field(
        default="squared_exponential",
        description="exp(-r^2/(2 l^2)), (1 + sqrt(3) r/l) exp(-sqrt(3) r/l), or exp(-r/l).",
    )
    terms: int = Field(ge=1, le=MOST_TERMS, description="Number of terms of the Karhunen-Loeve expansion.")
    dimensions: Literal[1, 2] = Field(default=2, description="1 for a field over x, 2 for one over y and x.")
    domain: list[Annotated[list[float], Field(min_length=2, max_length=2)]] | None = Field(
        default=None, description="[low, high] of each dimension, y before x; the unit interval or square if left out."
    )
    periodic: bool = Field(default=False, description="Whether the field is periodic, in y and x alike.")
    transform: Literal["none", "exponential"] = Field(
        default="none", description="none gives g, exponential gives exp(g)."
    )
    mean: float = Field(default=0.0, allow_inf_nan=False, description="Mean of the field before transform.")

    @classmethod
    def kind(cls) -> str:
        """The name of the law in the study file."""
        return "gaussian_field"

    @model_validator(mode="after")
    def _possible(self) -> GaussianField:
        if self.domain is not None and len(self.domain) != self.dimensions:
            raise refused(
                "domain",
                f"holds {len(self.domain)} intervals for {self.dimensions} dimensions.",
                "give one [low, high] for each.",
            )
        for low, high in self.intervals():
            if not (np.isfinite([low, high]).all() and low < high):
                raise refused("domain", "an interval must be [low, high] with low < high.", "swap them.")
            if not 1e-3 <= self.length / (high - low) <= 1e3:
                raise refused("length", "is out of proportion to the domain (1/1000 to 1000 times).", "change one.")
        found = len(self.expansion().eigenvalues)
        if found < self.terms:
            raise refused("terms", f"only {found} terms of this covariance differ from zero.", f"use {found} or fewer.")
        return self

    def intervals(self) -> tuple[Interval, ...]:
        """(low, high) of each dimension, y before x."""
        if self.domain is None:
            return ((0.0, 1.0),) * self.dimensions
        return tuple((float(low), float(high)) for low, high in self.domain)

    def expansion(self) -> Expansion:
        """Eigenpairs of the correlation (variance one)."""
        return _expansion(self.covariance, self.length, self.intervals(), self.periodic, self.terms)

    @property
    def share_of_variance(self) -> float:
        """Share of the variance, averaged over the domain, that the terms keep."""
        return self.expansion().share_of_variance

    @property
    def dimension(self) -> int:
        """Number of terms."""
        return self.terms

    def attributes(self) -> dict[str, Any]:
        """Attributes of the coefficients' variable: they carry no unit."""
        return super().attributes() | {"units": "1", "share_of_variance": self.share_of_variance}

    def field_attributes(self) -> dict[str, Any]:
        """Attributes of the realised field."""
        return super().attributes() | {"share_of_variance": self.share_of_variance}

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Coefficients ``(n, terms)`` from uniforms ``(n, terms)``."""
        from scipy.special import ndtri

        return np.asarray(ndtri(inside(np.ascontiguousarray(u, dtype=np.float64))))

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """Uniforms ``(n, terms)`` from coefficients ``(n, terms)``."""
        from scipy.special import ndtr

        return np.asarray(ndtr(np.ascontiguousarray(values, dtype=np.float64)))

    def from_normal(self, z: np.ndarray) -> np.ndarray:
        """Coefficients are standard normals."""
        return np.array(z, dtype=np.float64)

    def to_normal(self, values: np.ndarray) -> np.ndarray:
        """Coefficients are standard normals."""
        return np.array(values, dtype=np.float64)

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the density of the coefficients ``(n,)``."""
        z = np.ascontiguousarray(values, dtype=np.float64)
        total = np.zeros(len(z))
        for term in range(z.shape[1]):  # a fixed order of summation, whatever the number of runs
            total += z[:, term] * z[:, term]
        return -0.5 * total - 0.5 * z.shape[1] * np.log(2 * np.pi)

    def realise(self, coefficients: np.ndarray, *axes: np.ndarray) -> np.ndarray:
        """The field on a tensor grid.

        Parameters
        ----------
        coefficients : numpy.ndarray
            Shape ``(n, terms)``.
        *axes : numpy.ndarray
            ``x``, or ``y, x``: coordinates of the grid's points.

        Returns
        -------
        numpy.ndarray
            Shape ``(n, x)`` or ``(n, y, x)``, float64. The bits of a run depend on its coefficients and
            the grid alone: terms are added in order, each product elementwise, never as a matrix product.
        """
        if len(axes) != self.dimensions:
            raise ValueError(f"a field of {self.dimensions} dimensions needs as many axes, not {len(axes)}")
        modes = _scaled_modes(self, tuple(np.asarray(axis, dtype=np.float64).tobytes() for axis in axes))
        coefficients = np.ascontiguousarray(coefficients, dtype=np.float64)
        field = np.full((len(coefficients), *modes.shape[1:]), self.mean)
        for start in range(0, len(field), RUNS_AT_ONCE):  # a few at a time stay in the cache
            block = field[start : start + RUNS_AT_ONCE]
            weights = coefficients[start : start + RUNS_AT_ONCE]
            for term, mode in enumerate(modes):
                block += weights[:, term].reshape(-1, *(1,) * self.dimensions) * mode
        return np.exp(field) if self.transform == "exponential" else field


@functools.lru_cache(maxsize=32)
def _expansion(
    covariance: str, length: float, intervals: tuple[Interval, ...], periodic: bool, terms: int
) -> Expansion:
    if len(intervals) == 1:
        if periodic:
            return Circle.solve(covariance, length, intervals[0], terms)
        return Line.solve(covariance, length, intervals[0], terms, max(NODES_LINE, 2 * terms))
    rectangle = (intervals[0], intervals[1])
    if periodic:
        return Torus.solve(covariance, length, rectangle, terms)
    if covariance == "squared_exponential":
        return Product.solve(covariance, length, rectangle, terms)
    return Plane.solve(covariance, length, rectangle, terms)


@functools.lru_cache(maxsize=16)
def _modes(
    covariance: str,
    length: float,
    intervals: tuple[Interval, ...],
    periodic: bool,
    terms: int,
    variance: float,
    axes: tuple[bytes, ...],
) -> np.ndarray:
    expansion = _expansion(covariance, length, intervals, periodic, terms)
    modes = expansion.modes(*(np.frombuffer(axis, dtype=np.float64) for axis in axes))
    scale = np.sqrt(variance * expansion.eigenvalues)
    scaled = scale.reshape(-1, *(1,) * len(axes)) * modes
    scaled.setflags(write=False)
    return np.asarray(scaled)


def _scaled_modes(field: GaussianField, axes: tuple[bytes, ...]) -> np.ndarray:
    return _modes(field.covariance, field.length, field.intervals(), field.periodic, field.terms, field.variance, axes)
