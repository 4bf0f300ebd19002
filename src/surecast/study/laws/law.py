"""What every input law is: a map to and from independent uniforms and standard normals, with a log density."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from surecast.study import digest
from surecast.study.component import Component, refused
from surecast.study.errors import EstimationError
from surecast.study.units import UnitError, check_unit

SMALLEST = 2.0**-54
LARGEST = 1 - 2.0**-53


class Law(Component):
    """Law of one input.

    The maps are increasing (component by component) and elementwise, so that the value of a run never
    depends on which other runs are in the array. ``n`` is the number of runs, ``d`` the dimension.
    """

    units: str | None = Field(default=None, description="Unit of the input as pint reads it, for example m2/day.")
    long_name: str = Field(default="", description="What the input is, in words, for tables and axes.")
    role: Literal["aleatory", "epistemic"] = Field(
        default="aleatory",
        description="aleatory: it varies from run to run by this law. epistemic: one fixed but unknown value in the "
        "range of this law; answers are bounds over its values.",
    )

    @field_validator("units")
    @classmethod
    def _unit(cls, units: str | None) -> str | None:
        if units is not None:
            try:
                check_unit(units)
            except UnitError as error:
                raise refused("", error.message, error.remedy) from error
        return units

    def settings(self) -> dict[str, Any]:
        """The settings; the role only where it is not the usual one."""
        settings = super().settings()
        if self.role == "aleatory":
            del settings["role"]
        return settings

    @classmethod
    def kind(cls) -> str:
        """The name of the law in the study file; ``module:name`` for a user's own."""
        own = not cls.__module__.startswith("surecast.")
        return f"{cls.__module__}:{cls.__qualname__}" if own else cls.__name__.lower()

    @property
    def dimension(self) -> int:
        """Number of independent uniforms behind the input (1 except for fields)."""
        return 1

    @property
    def continuous(self) -> bool:
        """Whether the law has a density, so that it maps to and from standard normals."""
        return True

    def label(self) -> str:
        """Canonical JSON of the law, for attributes and digests."""
        return digest.canonical_json({"kind": self.kind(), **self.settings()})

    def attributes(self) -> dict[str, Any]:
        """Attributes of the input's variable in a dataset."""
        return {"units": self.units or "1", "law": self.label()}

    @abstractmethod
    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values from uniforms: shape ``(n, d)`` to ``(n,)``, or ``(n, d)`` for fields."""

    @abstractmethod
    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """Uniforms ``(n, d)`` that give these values; the middle of them where several do."""

    @abstractmethod
    def from_normal(self, z: np.ndarray) -> np.ndarray:
        """Values from independent standard normals ``(n, d)``.

        Raises
        ------
        EstimationError
            If the law is discrete.
        """

    @abstractmethod
    def to_normal(self, values: np.ndarray) -> np.ndarray:
        """Standard normals ``(n, d)`` that give these values; the inverse of `from_normal`."""

    @abstractmethod
    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Natural logarithm of the density (of the probability, where discrete), shape ``(n,)``; -inf outside."""


class DiscreteLaw(Law):
    """A law on countably many values: no density, no standard normals."""

    @property
    def continuous(self) -> bool:
        """False."""
        return False

    def from_normal(self, z: np.ndarray) -> np.ndarray:
        """Refused, see `Law.from_normal`."""
        raise self._refuse()

    def to_normal(self, values: np.ndarray) -> np.ndarray:
        """Refused, see `Law.from_normal`."""
        raise self._refuse()

    def _refuse(self) -> EstimationError:
        return EstimationError(
            f"a law of kind {self.kind()!r} is discrete: it has no standard normal behind it.",
            "use an estimator that works with uniforms (monte_carlo, scrambled_sobol), or a continuous law.",
        )


def column(array: np.ndarray) -> np.ndarray:
    """The single column of ``(n, 1)`` (or ``(n,)``) as a contiguous float64 array.

    Contiguous, since NumPy's vector loops round some functions differently from its strided ones.
    """
    return np.ascontiguousarray(np.asarray(array, dtype=np.float64).reshape(len(array)))


def inside(u: np.ndarray) -> np.ndarray:
    """Uniforms moved off 0 and 1, where unbounded laws are infinite."""
    return np.where(u <= 0, SMALLEST, np.where(u >= 1, LARGEST, u))
