"""Mean E[y] and variance Var[y] = E[y^2] - E[y]^2 of outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.quantify.estimates import Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.laws.joint import JointLaw


class Moments(Question):
    """Mean and variance of one or several outputs."""

    of: list[str] = Field(min_length=1, description="Names of the outputs; one name or a list.")

    answered_by: ClassVar[tuple[str, ...]] = ("control_variates", "monte_carlo", "scrambled_sobol")

    @field_validator("of", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("of")
    @classmethod
    def _unique(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("", "an output is named twice.", "name each once.")
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(self.of)

    def integrand(self, law: JointLaw) -> Integrand:
        """Rows of one run; summands y - c and (y - c)^2."""
        return MomentsIntegrand(law, self.outputs)


class MomentsIntegrand(Integrand):
    """Summands (y - c, (y - c)^2) of every output, c the sample's own mean (it cancels, rounding aside)."""

    runs_per_row = 1

    def __init__(self, law: JointLaw, outputs: Sequence[str]) -> None:
        self.law, self.outputs, self.row_dimension = law, tuple(outputs), law.dimension
        self.statistics = tuple(
            statistic
            for name in outputs
            for statistic in (
                Statistic(name, "mean", "mean"),
                Statistic(name, "variance", "variance", interval="positive"),
            )
        )

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`; statistics are (mean, variance) of each output in turn."""
        values = rows[:, 0, :]
        centre = values.mean(axis=0)
        first = values - centre

        def function(means: np.ndarray) -> np.ndarray:
            m, m2 = np.split(means, 2, axis=-1)
            both = np.stack([centre + m, m2 - m * m], axis=-1)
            return both.reshape(*means.shape[:-1], -1)

        return np.concatenate([first, first * first], axis=1), function

    def controls(self, statistic: int) -> Sequence[int]:
        """The surrogate's mean and variance are controls for both: skewed outputs correlate the two."""
        first = statistic - statistic % 2
        return [first, first + 1]
