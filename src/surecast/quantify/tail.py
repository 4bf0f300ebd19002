"""Mean beyond a quantile: conditional value at risk, CVaR_a = min_q E[psi_q(Y)], psi_q(y) = q + max(y - q, 0)/(1 - a).

The least q is the quantile of level a, the value at risk (Rockafellar and Uryasev, Journal of Risk 2, 2000, theorem 1);
for continuous outputs CVaR_a = E[Y | Y >= q]. The lower side, E[Y | Y <= q], is that of -Y at level 1 - a.

Because q makes E[psi_q] least, an error of q changes it to second order only: at the sample's quantile psi has the
variance of the estimate, and its mean the interval. That interval is worked out at both ends of the quantile's own
interval too and holds all three, so that what q is not known by is inside, at ties as well.

- Independent runs: mean of psi, t interval, widened for heavy tails.
- Replicates: t interval over the replicates' means of psi at the quantile of all runs.
- Control variates: regression on the surrogates' psi and indicators 1{s > c} at their own quantiles c, which are known
  from many runs, as the controls' means are; coefficients by cross-fitting.

The sample estimate is low by about a/(2 n f(q)): a twentieth of the standard error at `LEAST_BEYOND` runs beyond q,
below which nothing is certified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.quantify.distribution import DistributionIntegrand, quantile_influence
from surecast.quantify.estimates import Statistic
from surecast.quantify.estimators.control_variates import corrected
from surecast.quantify.estimators.estimator import Figure, Found
from surecast.quantify.intervals import t_interval
from surecast.quantify.inversion import Distribution, Replicated, Stratified, strata_of
from surecast.quantify.quantiles import LevelsQuestion, quantile_found, random_sample
from surecast.quantify.verdict import sampling_error, tail_reasons
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    from surecast.study.model import Study

LEAST_BEYOND = 40
"""Expected runs beyond the quantile below which their mean is not certified."""

Analysis = Callable[[float], Found]
"""From a threshold q to the mean of psi_q."""


class Tail(LevelsQuestion):
    """Mean of the outputs beyond their quantiles, and these quantiles."""

    side: Literal["upper", "lower"] = Field(
        "upper",
        description="`upper`: the mean above the quantile of each level; `lower`: the mean below it.",
    )

    answered_by: ClassVar[tuple[str, ...]] = ("control_variates", "monte_carlo", "scrambled_sobol", "latin_hypercube")

    def default_estimator(self) -> str:
        """Independent runs where there is no surrogate."""
        return "monte_carlo" if self.surrogate == "none" else "control_variates"

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """Beside every question's: too few runs beyond the quantile."""
        yield from super().problems(study)
        for level in self.levels:
            share = 1 - level if self.side == "upper" else level
            least = math.ceil(LEAST_BEYOND / share - 1e-6)
            if self.runs < least:
                where = "above" if self.side == "upper" else "below"
                message = f"is too few: {LEAST_BEYOND} runs {where} the quantile {level:g} take {least} runs."
                yield "runs", message, f"write `runs: {least}` or more, or a level nearer to 0.5."

    def integrand(self, law: JointLaw) -> TailIntegrand:
        """Rows of one run."""
        return TailIntegrand(law, self.outputs, self.levels, self.side)


class TailIntegrand(DistributionIntegrand):
    """CVaR and quantile of every output at every level."""

    methods: tuple[str, ...] = ("rockafellar2000", "woodruff1952")
    bounded_measures = ("tail",)

    def __init__(self, law: JointLaw, outputs: Sequence[str], levels: Sequence[float], side: str = "upper") -> None:
        self.law, self.outputs, self.row_dimension = law, tuple(outputs), law.dimension
        self.sign = 1.0 if side == "upper" else -1.0
        # The lower side is the upper side of the negative output.
        self.levels = tuple(level if side == "upper" else 1 - level for level in levels)
        self.statistics = tuple(
            statistic
            for name in outputs
            for level in levels
            for statistic in (
                Statistic(name, f"cvar[{level:g}]", "tail"),
                Statistic(name, f"quantile[{level:g}]", "quantile"),
            )
        )

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: psi at the sample's quantile, and the quantile's influence values."""
        columns = []
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, 0, column]
            for level in self.levels:
                q = float(np.quantile(values, level, method="inverted_cdf"))
                columns += [psi(values, q, level), quantile_influence(values, level)]
        return self.sign * np.stack(columns, axis=1), lambda means: means

    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_random`."""
        found = []
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, 0, column]
            distribution, done = random_sample(values, level), values[~np.isnan(values)]
            for a in self.levels:
                found += self._pair(distribution, a, level, _independent(done, a, level), ("clopper1934",))
        return found

    def from_replicates(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_replicates`."""
        found = []
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, :, 0, column]
            distribution = Replicated(values, level)
            for a in self.levels:
                found += self._pair(distribution, a, level, _replicated(values, a, level))
        return found

    def from_controls(
        self, rows: np.ndarray, predicted: Sequence[np.ndarray], own: Sequence[np.ndarray], folds: int, level: float
    ) -> list[Found]:
        """See `DistributionIntegrand.from_controls`."""
        found = []
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, 0, column]
            done = ~np.isnan(values)
            seen = [self.sign * p[:, 0, column] for p in predicted]
            known = [self.sign * o[:, :, 0, column] for o in own]
            for a in self.levels:
                distribution = Stratified(values, *strata_of(seen[0], known[0], [a]), level)
                cuts = [float(np.quantile(o, a, method="inverted_cdf")) for o in known]
                pairs = [[psi(s[done], c, a), s[done] > c] for s, c in zip(seen, cuts, strict=True)]
                means = [[psi(o, c, a).mean(axis=1), (o > c).mean(axis=1)] for o, c in zip(known, cuts, strict=True)]
                controls = np.stack([x for pair in pairs for x in pair], axis=1).astype(np.float64)
                integrals = np.stack([x for pair in means for x in pair], axis=1)
                analysis = _controlled(values[done], controls, integrals, a, folds, level)
                found += self._pair(distribution, a, level, analysis, ("hesterberg1998", "clopper1934", "zou2008"))
        return found

    def _pair(
        self,
        distribution: Distribution,
        a: float,
        level: float,
        analysis: Analysis,
        methods: tuple[str, ...] = (),
        beyond: float | None = None,
    ) -> list[Found]:
        """CVaR and quantile, on the side that is asked for; `beyond`: runs there, where weights make them fewer."""
        quantile = quantile_found(distribution, a, level, methods)
        at = quantile.figure
        found = analysis(at.value)
        ends = [analysis(q).figure for q in {at.low, at.high} - {at.value} if math.isfinite(q)]
        figure = Figure(
            found.figure.value,
            min([found.figure.low, *(end.low for end in ends)]),
            max([found.figure.high, *(end.high for end in ends)]),
            found.figure.standard_error,
        )
        beyond = len(distribution.values) * (1 - a) if beyond is None else beyond
        reasons = found.reasons
        if beyond < LEAST_BEYOND - 1e-6:
            reasons = (
                *reasons,
                f"only {beyond:.3g} runs are expected beyond the quantile, below {LEAST_BEYOND}: "
                "too few for the interval of their mean",
            )
        diagnostics = {**found.diagnostics, "runs_beyond": beyond}
        tail = replace(found, figure=figure, reasons=reasons, diagnostics=diagnostics)
        return [self._turned(tail), self._turned(quantile)]

    def _turned(self, found: Found) -> Found:
        if self.sign > 0:
            return found
        f = found.figure
        turned = Figure(-f.value, -f.high, -f.low, f.standard_error)
        return replace(found, figure=turned)


def psi(values: np.ndarray, q: float, level: float) -> np.ndarray:
    """q + max(y - q, 0)/(1 - a); NaN stays NaN."""
    return np.asarray(q + np.maximum(values - q, 0.0) / (1 - level))


def _independent(values: np.ndarray, a: float, level: float) -> Analysis:
    def analysis(q: float) -> Found:
        found = psi(values, q, a)
        mean, error = float(found.mean()), sampling_error(found, level)
        return Found(Figure(mean, *t_interval(mean, error, len(found) - 1, level), error), tail_reasons(found))

    return analysis


def _replicated(values: np.ndarray, a: float, level: float) -> Analysis:
    def analysis(q: float) -> Found:
        found = psi(values, q, a)
        means = np.nanmean(found, axis=1)
        mean, error = float(means.mean()), float(means.std(ddof=1)) / math.sqrt(len(means))
        reasons = tail_reasons(found[~np.isnan(found)])
        return Found(Figure(mean, *t_interval(mean, error, len(means) - 1, level), error), reasons)

    return analysis


def _controlled(
    values: np.ndarray, controls: np.ndarray, integrals: np.ndarray, a: float, folds: int, level: float
) -> Analysis:
    """Corrected by controls; where a few residuals make most of their spread, the plain interval is held too."""
    plainly = _independent(values, a, level)

    def analysis(q: float) -> Found:
        found = corrected(psi(values, q, a), controls, integrals, folds, level)[0]
        if not found.reasons:
            return found
        plain = plainly(q)
        if plain.reasons:
            return found
        f, g = found.figure, plain.figure
        both = Figure(f.value, min(f.low, g.low), max(f.high, g.high), max(f.standard_error, g.standard_error))
        return replace(found, figure=both, reasons=())

    return analysis
