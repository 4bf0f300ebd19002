"""Quantiles of outputs: q_a = inf{y : P(Y <= y) >= a}.

- Independent runs: order statistics with the exact binomial interval, whatever the output's distribution.
- Replicates (scrambled Sobol points, Latin hypercubes): the t interval of F over replicates, inverted.
- Control variates: the runs are parted by whether the surrogate lies below *its own* quantile of the same level (a
  surrogate that is off by any increasing function parts as well as a perfect one), and F is the sum over both parts
  of their probabilities, known from many surrogate runs, times the shares of runs below. That is regression on the
  surrogate's indicator with the best coefficient (Hesterberg and Nelson, Management Science 44, 1998, section 3), and
  given the numbers of runs in the parts both shares are binomial: their intervals are exact, for few disagreements
  too, and none seen leaves a rule-of-three floor. A useless surrogate gives both parts the same share, which costs
  nothing, so that nothing needs to be chosen.
- Importance sampling: far quantiles, by weighted counts beyond; see `estimators.tail_sampling`.

Every interval of F is inverted (see `inversion`). Failed runs count both as -inf and as +inf.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.quantify.distribution import DistributionIntegrand, quantile_influence
from surecast.quantify.estimates import Statistic
from surecast.quantify.estimators.estimator import Found
from surecast.quantify.inversion import Distribution, Replicated, Stratified, strata_of
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    from surecast.study.model import Study

LEAST_SIDE = 1e-9
"""Levels nearer to 0 or 1 are refused."""


class LevelsQuestion(Question):
    """Base of the questions about levels of the outputs' distributions."""

    of: list[str] = Field(min_length=1, description="Names of the outputs; one name or a list.")
    levels: list[float] = Field(
        min_length=1, max_length=64, description="Levels a of the quantiles, each above 0 and below 1."
    )

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

    @field_validator("levels")
    @classmethod
    def _inside(cls, value: list[float]) -> list[float]:
        for level in value:
            if not LEAST_SIDE <= level <= 1 - LEAST_SIDE:
                raise refused("", f"{level:g} is no level of a quantile.", "write shares of 1, for example 0.95.")
        if len(set(value)) < len(value):
            raise refused("", "a level is named twice.", "name each once.")
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(self.of)


class Quantiles(LevelsQuestion):
    """Quantiles of one or several outputs."""

    answered_by: ClassVar[tuple[str, ...]] = (
        "control_variates",
        "monte_carlo",
        "scrambled_sobol",
        "latin_hypercube",
        "tail_sampling",
    )

    def default_estimator(self) -> str:
        """Order statistics where there is no surrogate; weighted ones where the runs hardly reach a level.

        Tail sampling is for levels that all lie so far out that fewer than 20 plain runs would lie beyond.
        """
        if self.surrogate == "none":
            return "monte_carlo"
        far = all(min(level, 1 - level) * self.runs < 20 for level in self.levels)
        return "tail_sampling" if far else "control_variates"

    def check_law(self, law: JointLaw) -> None:
        """Tail sampling needs a standard-normal space, so every law must be continuous."""
        if any(spec["kind"] == "tail_sampling" for spec in self.estimator_specs()):
            law.require_continuous("tail_sampling")

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """Beside every question's: levels so near 0 or 1 that plain runs cannot bound the quantile."""
        yield from super().problems(study)
        if all(spec["kind"] == "tail_sampling" for spec in self.estimator_specs()):
            return
        for level in self.levels:
            least = least_runs(level, self.level)
            if self.runs < least:
                message = f"is too few: bounding the quantile {level:g} takes {least} runs at least."
                yield "runs", message, f"write `runs: {least}` or more, or ask for it with tail_sampling."

    def integrand(self, law: JointLaw) -> QuantilesIntegrand:
        """Rows of one run."""
        return QuantilesIntegrand(law, self.outputs, self.levels)


LEAST_EXPLAINED = 0.2
"""Strata that explain less are not worth their price: combined exact intervals are some 10 % wider than one alone.

The choice looks at how well the surrogate parts the runs, which says nothing of whether F(q) came out high or low.
"""


class QuantilesIntegrand(DistributionIntegrand):
    """Quantiles of every output at every level."""

    methods: tuple[str, ...] = ("woodruff1952",)

    def __init__(self, law: JointLaw, outputs: Sequence[str], levels: Sequence[float]) -> None:
        self.law, self.outputs, self.row_dimension = law, tuple(outputs), law.dimension
        self.levels = tuple(levels)
        self.statistics = tuple(
            Statistic(name, f"quantile[{level:g}]", "quantile") for name in outputs for level in levels
        )

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: influence values."""
        columns = [quantile_influence(rows[:, 0, c], a) for c in range(len(self.outputs)) for a in self.levels]
        return np.stack(columns, axis=1), lambda means: means

    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_random`: order statistics."""
        return self._each(lambda c, _: random_sample(rows[:, 0, c], level), level, ("clopper1934",))

    def from_replicates(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_replicates`: the replicates' distribution functions."""
        return self._each(lambda c, _: Replicated(rows[:, :, 0, c], level), level)

    def from_controls(
        self, rows: np.ndarray, predicted: Sequence[np.ndarray], own: Sequence[np.ndarray], folds: int, level: float
    ) -> list[Found]:
        """See `DistributionIntegrand.from_controls`: two strata of the first surrogate; nothing needs folds."""
        seen, known = predicted[0], own[0]

        def distribution(column: int, a: float) -> Stratified:
            values = rows[:, 0, column]
            strata, shares = strata_of(seen[:, 0, column], known[:, :, 0, column], [a])
            if explained(values, strata, a) < LEAST_EXPLAINED:
                return random_sample(values, level)
            return Stratified(values, strata, shares, level)

        return self._each(distribution, level, ("hesterberg1998", "clopper1934", "zou2008"))

    def _each(
        self, distribution: Callable[[int, float], Distribution], level: float, methods: tuple[str, ...] = ()
    ) -> list[Found]:
        return [
            quantile_found(distribution(column, a), a, level, methods)
            for column in range(len(self.outputs))
            for a in self.levels
        ]


def explained(values: np.ndarray, strata: np.ndarray, level: float) -> float:
    """Share of the variance of 1{y <= q}, q the sample's own quantile, that lies between the strata."""
    done = ~np.isnan(values)
    if not done.any():
        return 0.0
    below = values[done] <= np.quantile(values[done], level)
    parts = [below[strata[done] == k] for k in np.unique(strata[done])]
    variance = float(below.var())
    between = sum(len(part) * (part.mean() - below.mean()) ** 2 for part in parts) / len(below)
    return float(between) / variance if variance > 0 else 0.0


def random_sample(values: np.ndarray, confidence: float) -> Stratified:
    """Distribution of independent runs (n,), NaN where they failed."""
    return Stratified(values, np.zeros(len(values), dtype=np.int64), np.ones((1, 1)), confidence)


def quantile_found(distribution: Distribution, level: float, confidence: float, methods: tuple[str, ...] = ()) -> Found:
    """Quantile with interval, and the reason where a side is unbounded."""
    figure = distribution.quantile(level, confidence)
    reasons = []
    for end, side in ((figure.low, "below"), (figure.high, "above")):
        if not math.isfinite(end):
            reasons.append(
                f"the runs do not bound the quantile {level:g} from {side}: too few of them lie beyond it, "
                "or too many failed"
            )
    return Found(figure, tuple(reasons), counted=True, methods=methods, diagnostics=distribution.diagnostics)


def least_runs(level: float, confidence: float) -> int:
    """Least number of independent runs whose order statistics bound a quantile on both sides."""
    return math.ceil(math.log(0.5 * (1 - confidence)) / math.log(max(level, 1 - level)) - 1e-9)
