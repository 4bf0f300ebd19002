"""Probability of an event: p = E[1{event}], for example ``peak > 3.47 and outflow < 0.2``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.quantify.estimates import Statistic
from surecast.quantify.event import parse_event
from surecast.quantify.integrand import Integrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.laws.joint import JointLaw

_NORMAL_SPACE = ("importance_sampling", "cross_entropy", "adaptive_importance_sampling", "subset_simulation")


class Exceedance(Question):
    """Probability that outputs exceed levels, alone or jointly."""

    event: str = Field(
        description="Comparisons of outputs with numbers, joined by `and`, `or` and brackets, "
        "for example `peak > 3.47 and outflow < 0.2`."
    )

    answered_by: ClassVar[tuple[str, ...]] = (
        "importance_sampling",
        "control_variates",
        "monte_carlo",
        "scrambled_sobol",
        "latin_hypercube",
        "cross_entropy",
        "adaptive_importance_sampling",
        "subset_simulation",
    )
    outputs_key: ClassVar[str] = "event"

    @field_validator("event")
    @classmethod
    def _parsed(cls, value: str) -> str:
        try:
            parse_event(value)
        except ValueError as error:
            what, _, remedy = str(error).partition("; ")
            raise refused("", f"{what}.", f"{remedy}.") from error
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(parse_event(self.event).names())

    def default_estimator(self) -> str:
        """Importance sampling where there is a surrogate to aim it."""
        return "monte_carlo" if self.surrogate == "none" else "importance_sampling"

    def check_law(self, law: JointLaw) -> None:
        """Estimators that work in standard-normal space need every law to be continuous."""
        for spec in self.estimator_specs():
            if spec["kind"] in _NORMAL_SPACE:
                law.require_continuous(spec["kind"])

    def integrand(self, law: JointLaw) -> ExceedanceIntegrand:
        """Rows of one run; one summand, the indicator of the event."""
        return ExceedanceIntegrand(law, self.event)


class ExceedanceIntegrand(Integrand):
    """Summand 1{event}; NaN where the run failed, so that estimators can count it both ways."""

    runs_per_row = 1

    def __init__(self, law: JointLaw, event: str) -> None:
        self.law, self.row_dimension = law, law.dimension
        self.event = parse_event(event)
        self.outputs = tuple(self.event.names())
        self.statistics = (Statistic(event, "probability", "probability", interval="probability"),)

    def columns(self, values: np.ndarray) -> np.ndarray:
        """The indicator, (runs, 1)."""
        happens = self.event.holds(self._named(values))
        return np.where(np.isnan(values).any(axis=1), np.nan, happens)[:, None]

    def margin(self, values: np.ndarray, scales: Mapping[str, float]) -> np.ndarray:
        """Signed margin (runs,) of outputs' values (runs, outputs), positive inside the event."""
        return self.event.margin(self._named(values), scales)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: the mean of the indicator."""
        return rows[:, 0, :], lambda means: means

    def _named(self, values: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[:, column] for column, name in enumerate(self.outputs)}
