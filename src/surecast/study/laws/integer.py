"""Integer law: every whole number from `low` to `high` is as likely as the others."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from surecast.study.component import refused
from surecast.study.laws.law import DiscreteLaw, column, inside

LARGEST_INTEGER = 2**53


class Integer(DiscreteLaw):
    """Uniform law on the whole numbers from `low` to `high`, both included; stored as int64."""

    low: int = Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER, description="Smallest value.")
    high: int = Field(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER, description="Largest value, included.")

    @model_validator(mode="after")
    def _ordered(self) -> Integer:
        if self.high < self.low:
            raise refused("high", f"must not be less than low, {self.low}.", "swap them.")
        return self

    @property
    def count(self) -> int:
        """Number of values."""
        return self.high - self.low + 1

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` int64 from uniforms ``(n, 1)``."""
        steps = np.floor(inside(column(u)) * self.count).astype(np.int64)
        return self.low + np.minimum(steps, self.count - 1)

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """The middle of the uniforms ``(n, 1)`` that give each value."""
        return ((column(values) - self.low + 0.5) / self.count)[:, None]

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of each value ``(n,)``."""
        x = column(values)
        possible = (x >= self.low) & (x <= self.high) & (x == np.round(x))
        return np.where(possible, -np.log(self.count), -np.inf)
