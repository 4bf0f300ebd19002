"""Categorical law: one of a list of values, each with its probability."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from surecast.study.component import refused
from surecast.study.laws.discrete import Steps
from surecast.study.laws.law import DiscreteLaw


class Categorical(DiscreteLaw):
    """One of `values`.

    Numbers are given to the simulator as they stand. Words are given as their place in the list (int64,
    from 0), with the CF attributes ``flag_values`` and ``flag_meanings``, which every format can hold.
    """

    values: list[str] | list[Annotated[float, Field(allow_inf_nan=False)]] = Field(
        min_length=1, max_length=100_000, description="The values: all numbers, or all words without spaces."
    )
    probabilities: list[Annotated[float, Field(gt=0, le=1)]] | None = Field(
        default=None, description="Probability of each value, of sum one; equal if left out."
    )

    _steps: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _possible(self) -> Categorical:
        if len(set(self.values)) < len(self.values):
            raise refused("values", "a value stands twice.", "name each once and add up their probabilities.")
        if any(isinstance(value, str) and (not value or value.split() != [value]) for value in self.values):
            raise refused("values", "a word is empty or holds spaces.", "use '_' for spaces.")
        count = len(self.values)
        probabilities = np.full(count, 1 / count) if self.probabilities is None else np.array(self.probabilities)
        if len(probabilities) != count:
            raise refused(
                "probabilities", f"there are {len(probabilities)} for {count} values.", "give one for each value."
            )
        if not math.isclose(probabilities.sum(), 1, abs_tol=1e-9):
            raise refused("probabilities", f"they sum to {probabilities.sum():.10g}, not 1.", "make them sum to 1.")
        values = np.arange(count) if self.words else np.array(self.values, dtype=np.float64)
        self._steps = Steps(values, probabilities / probabilities.sum())
        return self

    @property
    def words(self) -> bool:
        """Whether the values are words."""
        return isinstance(self.values[0], str)

    def attributes(self) -> dict[str, Any]:
        """Attributes of the input's variable in a dataset."""
        flags: dict[str, Any] = {}
        if self.words:
            flags = {"flag_values": list(range(len(self.values))), "flag_meanings": " ".join(map(str, self.values))}
        return super().attributes() | flags

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` from uniforms ``(n, 1)``."""
        return np.asarray(self._steps.from_uniform(u))

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """The middle of the uniforms ``(n, 1)`` that give each value."""
        return np.asarray(self._steps.to_uniform(values))

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of each value ``(n,)``."""
        return np.asarray(self._steps.log_probability(values))
