"""Moments of outputs: mean, variance and standard deviation of each, covariance and correlation of every pair.

    m_i = E[y_i],   v_ij = E[y_i y_j] - m_i m_j,   s_i = sqrt(v_ii),   r_ij = v_ij / sqrt(v_ii v_jj)

All are smooth functions of the means of y_i and y_i y_j. Intervals are made where the statistic is most nearly
normal: variance and standard deviation on the logarithm, a correlation on Fisher's atanh r.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from surecast.quantify.estimates import Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    from surecast.study.model import Study

Moment = Literal["mean", "variance", "standard_deviation", "covariance", "correlation"]
PAIRS = ("covariance", "correlation")
FIELDS_BY = ("control_variates", "monte_carlo")
"""Estimators whose formulas are worked out for whole fields."""
LEAST_FIELDS = 128
SCALES = {"variance": "positive", "standard_deviation": "positive", "correlation": "correlation"}
"""Scale of the interval of each statistic; ``real`` where none is named."""


class Moments(Question):
    """Mean, variance, standard deviation, covariance and correlation of one or several outputs."""

    of: list[str] = Field(min_length=1, description="Names of the outputs; one name or a list.")
    statistics: list[Moment] = Field(
        default=["mean", "variance"],
        min_length=1,
        description="mean, variance and standard_deviation of every output, covariance and correlation of every pair.",
    )

    bands: Literal["pointwise", "simultaneous"] = Field(
        default="pointwise",
        description="Intervals of a field: pointwise hold at each point by itself; simultaneous adds bands that hold "
        "at all points at once.",
    )

    takes_fields: ClassVar[bool] = True
    answered_by: ClassVar[tuple[str, ...]] = (
        "active_sampling", "control_variates", "monte_carlo", "scrambled_sobol", "latin_hypercube", "multilevel",
        "multifidelity", "approximate_control_variates",
    )  # fmt: skip

    @field_validator("of", "statistics", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("of")
    @classmethod
    def _unique(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("", "an output is named twice.", "name each once.")
        return value

    @field_validator("statistics")
    @classmethod
    def _once(cls, value: list[Moment]) -> list[Moment]:
        if len(set(value)) < len(value):
            raise refused("", "a statistic is named twice.", "name each once.")
        return value

    @model_validator(mode="after")
    def _two(self) -> Moments:
        for name in self.statistics:
            if name in PAIRS and len(self.of) < 2:
                raise refused(
                    "statistics", f"a {name} is of two outputs, but the question names one.", "name both in `of`."
                )
        return self

    def default_estimator(self) -> str:
        """With a surrogate, runs where it says that the output is far from its mean."""
        return "scrambled_sobol" if self.surrogate == "none" else "active_sampling"

    def point_by_point(self, study: Study) -> tuple[str, ...]:
        """See `Question.point_by_point`: every output that is a field."""
        simulator = study.build_simulator()
        known = [name for name in self.of if name in study.outputs]
        return tuple(name for name in known if study.build_output(name).is_field(simulator))

    def for_study(self, study: Study) -> Moments:
        """Fields by random draws, unless estimators are named: other designs have no formulas for whole fields."""
        if self.estimators or not self.point_by_point(study):
            return self
        return self.model_copy(update={"estimators": [FIELDS_BY[0 if self.surrogate != "none" else 1]]})

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """See `Question.problems`."""
        yield from super().problems(study)
        fields = self.point_by_point(study)
        if not fields:
            return
        if wrong := [spec["kind"] for spec in self.estimator_specs() if spec["kind"] not in FIELDS_BY]:
            yield "estimators", f"{wrong[0]} does not answer the whole field {fields[0]!r}.", f"use {FIELDS_BY[1]}."
        if wrong := [name for name in self.statistics if name in PAIRS]:
            yield (
                "statistics",
                f"a {wrong[0]} of the whole field {fields[0]!r} is not offered.",
                "name numbers in `of`.",
            )
        if self.runs < LEAST_FIELDS:
            yield "runs", f"is too few for the batches of a field: it takes {LEAST_FIELDS}.", "raise it."

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(self.of)

    def integrand(self, law: JointLaw) -> Integrand:
        """Rows of one run; summands y_i - c_i and their products."""
        return MomentsIntegrand(law, self.outputs, self.statistics)


class MomentsIntegrand(Integrand):
    """Summands d_i and d_i d_j with d_i = y_i - c_i, c_i the sample's own mean (it cancels, rounding aside).

    Parameters
    ----------
    law : JointLaw
        Law of the inputs.
    outputs : sequence of str
        Names of the outputs.
    statistics : sequence of str
        See `Moments.statistics`; those of one output come first, output by output, then those of pairs.
    """

    runs_per_row = 1
    bounded_measures = ("mean", "variance", "standard_deviation")

    def __init__(self, law: JointLaw, outputs: Sequence[str], statistics: Sequence[str] = ("mean", "variance")) -> None:
        self.law, self.outputs, self.row_dimension = law, tuple(outputs), law.dimension
        self._of: list[tuple[str, int, int]] = [
            (name, i, i) for i in range(len(outputs)) for name in statistics if name not in PAIRS
        ]
        every = itertools.combinations(range(len(outputs)), 2)
        self._of += [(name, i, j) for i, j in every for name in statistics if name in PAIRS]
        self.statistics = tuple(
            Statistic(
                self.outputs[i],
                name if i == j else f"{name}[{self.outputs[j]}]",
                name,
                group="" if i == j else self.outputs[j],
                interval=SCALES.get(name, "real"),
            )
            for name, i, j in self._of
        )
        second = {(i, j) for name, i, j in self._of if name != "mean"}
        second |= {(k, k) for name, i, j in self._of if name == "correlation" for k in (i, j)}
        self._products = sorted(second)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`; statistics stand in the order of `statistics`."""
        values = rows[:, 0, :]
        centre = values.mean(axis=0)
        first = values - centre
        products = [first[:, i] * first[:, j] for i, j in self._products]
        place = {pair: len(self.outputs) + k for k, pair in enumerate(self._products)}

        def function(means: np.ndarray) -> np.ndarray:
            def second(i: int, j: int) -> np.ndarray:
                found: np.ndarray = means[..., place[i, j]] - means[..., i] * means[..., j]
                return found

            found = []
            for name, i, j in self._of:
                if name == "mean":
                    found.append(centre[i] + means[..., i])
                elif name == "standard_deviation":
                    found.append(np.sqrt(np.maximum(second(i, i), 0.0)))
                elif name == "correlation":
                    below = np.sqrt(np.maximum(second(i, i) * second(j, j), 0.0))
                    # An output without variance has no correlation: 0, so that a constant surrogate is merely useless.
                    found.append(np.divide(second(i, j), below, out=np.zeros_like(below), where=below > 0))
                else:
                    found.append(second(i, j))
            return np.stack(found, axis=-1)

        return np.stack([*first.T, *products], axis=1), function

    def controls(self, statistic: int) -> Sequence[int]:
        """The surrogate's own statistics of the same output for one output's: skewed outputs correlate them.

        A variance and a standard deviation tell the same: only the one asked for serves. A pair has its own alone.
        """
        name, i, j = self._of[statistic]
        if i != j:
            return [statistic]
        twin = {"variance": "standard_deviation", "standard_deviation": "variance"}
        spread = "variance" if any(n == "variance" and k == i for n, k, _ in self._of) else "standard_deviation"
        wanted = {"mean", spread if name == "mean" else name} - {twin.get(name, "")}
        return [place for place, (n, k, other) in enumerate(self._of) if k == other == i and n in wanted]
