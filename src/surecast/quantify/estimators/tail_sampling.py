"""Far quantiles by importance sampling where the surrogate's own tail lies.

For a level a near 1 (near 0: the same of the negative output)

1. many draws of the surrogate give the value c that it exceeds with probability `margin` (1 - a): somewhat before
   the quantile that is looked for, so that the sample lies on both sides of it even if the surrogate is off;
2. a mixture of Gaussians is fitted to where the surrogate exceeds c (see `search`), with defensive components;
3. the simulator runs on draws of the mixture alone, and F(y) = 1 - E_q[w 1{Y > y}] with its interval for few and
   unequal weights is inverted (see `inversion`; Hesterberg and Nelson 1998, section 2; Glynn 1996).

Every output and level has a sample of its own, an equal part of the runs; with a tolerance all of them grow on declared
looks (see `stopping`). The surrogate only chooses where to look.
The verdict doubts the answer where the effective number of runs beyond the quantile is low, where the defensive
components alone found much beyond it, or where the surrogate's error leaves room for much that it does not see.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.disagreement import weighted_probability
from surecast.quantify.estimators.estimator import Estimator, Figure, Found, estimates
from surecast.quantify.estimators.gaussians import Mixture
from surecast.quantify.estimators.search import guarded, guards, reliability_index, search
from surecast.quantify.estimators.weighted import diagnose, weight_reasons
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import Interval, weighted_count_interval
from surecast.quantify.inversion import Weighted
from surecast.quantify.quantiles import QuantilesIntegrand, quantile_found
from surecast.quantify.sampling import Heard, Task, child, generator, run_seeds, values_at
from surecast.quantify.stopping import grow, looks
from surecast.study.errors import EstimationError

LEAST_RUNS = 100
LEAST_TAIL = 2e-5
"""Smallest share beyond a quantile whose place the surrogate's draws can find."""
_DRAWS = 20
BLURRED_FACTOR = 2.0
"""Share beyond the quantile by the surrogate blurred by its own error, over the true one: above, it may hide some."""
UNFORESEEN_SHARE = 0.2
"""Possible share of the tail where the surrogate sees none of it, above which nothing is certified."""


class Drawn(Weighted):
    """F of draws of the mixture, weighted back to the law: counts beyond."""

    def share(self, below: np.ndarray, weights: np.ndarray) -> tuple[float, Interval]:
        """See `Weighted.share`."""
        beyond = weighted_probability((~below).astype(float), weights, self.confidence)
        return 1 - beyond.value, (1 - beyond.high, 1 - beyond.low)


class TailSampling(Estimator):
    """Importance sampling for far quantiles; every input law must be continuous."""

    kind: ClassVar[str] = "tail_sampling"
    needs_surrogate: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = (
        "hesterberg1998", "hesterberg1995", "elmasri2021", "au2001", "papaioannou2015", "geyer2019", "fay1997",
        "vehtari2024",
    )  # fmt: skip

    margin: float = Field(
        3.0, ge=1, le=20, description="Probability of the aimed event over the share beyond the quantile."
    )
    defence: float = Field(0.2, ge=0.05, le=0.9, description="Share of the defensive components.")
    effective_failures: float = Field(
        50, ge=10, description="Effective number of runs beyond the quantile below which it is not certified."
    )
    rank: int = Field(4, ge=0, le=64, description="Directions of each fitted Gaussian whose variance is not 1.")
    components: int = Field(4, ge=1, le=16, description="Gaussians fitted to the surrogate's samples at most.")
    samples: int = Field(
        1024, ge=128, le=10**6, description="Samples of the surrogate on each level of the exploration."
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            Without a surrogate, for a discrete law, for other questions than quantiles, for levels within 2e-5 of 0 or
            1, or with fewer than 100 runs for each output and level.
        """
        if not isinstance(integrand, QuantilesIntegrand):
            raise EstimationError(f"{self.kind} answers questions about quantiles only.", "use importance_sampling.")
        if not task.surrogates:
            raise EstimationError(f"{self.kind} needs a surrogate.", "set the question's `surrogate`.")
        integrand.law.require_continuous(self.kind)
        asked = [(column, level) for column in range(len(integrand.outputs)) for level in integrand.levels]
        runs = task.runs // len(asked)
        if runs < LEAST_RUNS:
            raise EstimationError(
                f"{task.runs} runs are too few for {len(asked)} quantiles by {self.kind}.",
                f"raise the question's `runs` to {LEAST_RUNS * len(asked)} or more.",
            )
        samples = [
            _Sample(self, integrand, replace(task, runs=runs, seed=child(task.seed, place)), column, level)
            for place, (column, level) in enumerate(asked)
        ]

        def observe(start: int, stop: int) -> None:
            for sample in samples:
                sample.observe(start, stop)

        record = grow(
            looks(runs, task, least=LEAST_RUNS),
            task,
            observe,
            lambda size, level: [sample.found(size, level) for sample in samples],
            sizes=lambda _: [],
            patient=True,  # few runs beyond the quantile may bound it, and yet be too few for their weights
        )
        return estimates(
            self,
            integrand,
            task,
            {size * len(asked): found for size, found in record.items()},
            plain_variance=[sample.plain_variance() for sample in samples],
            failed=sum(int(np.isnan(sample.values).sum()) for sample in samples),
            surrogate_runs=sum(sample.evaluations for sample in samples),
        )


class _Sample:
    """Weighted runs for one quantile, of the upper side: values and level are turned for the lower one."""

    def __init__(
        self, settings: TailSampling, integrand: QuantilesIntegrand, task: Task, column: int, level: float
    ) -> None:
        self.settings, self.integrand, self.task, self.column = settings, integrand, task, column
        self.sign = 1.0 if level >= 0.5 else -1.0
        self.level = level if level >= 0.5 else 1 - level
        self.evaluations = 0
        self.heard = Heard(task.truth, integrand)
        tail, d = 1 - self.level, integrand.law.dimension
        if tail < LEAST_TAIL:
            raise EstimationError(
                f"the quantile {level:g} is too far out for {settings.kind}.",
                "ask for the probability beyond several values instead: exceedance with importance_sampling.",
            )
        draws = max(task.surrogate_runs, round(_DRAWS / tail))
        self.own = self.predict(generator(child(task.seed, 0)).standard_normal((draws, d)))
        self.aimed_at = float(np.quantile(self.own, 1 - min(settings.margin * tail, 0.5)))
        spread = float(self.own.std()) or 1.0
        searched = search(
            lambda z: (self.predict(z) - self.aimed_at) / spread,
            d,
            settings.samples,
            generator(child(task.seed, 2)),
            rank=settings.rank,
            most=settings.components,
        )
        self.reached = searched.reached
        beta = reliability_index(searched.probability)
        self.mixture: Mixture = guarded(searched.components, searched.shares, guards(d, beta), settings.defence)
        self.z = self.mixture.draw(generator(child(task.seed, 3)), task.runs)
        log_law = -0.5 * ((self.z * self.z).sum(axis=1) + d * np.log(2 * np.pi))
        self.weights = np.exp(log_law - self.mixture.log_density(self.z))
        self.values, self.seen = np.empty(0), np.empty(0)

    def predict(self, z: np.ndarray) -> np.ndarray:
        """The surrogate's output (n,), turned."""
        self.evaluations += len(z)
        size = self.task.surrogate_chunk
        blocks = [
            values_at(self.task.surrogates[0], self.integrand, self.integrand.law.from_normal(z[k : k + size]), None)
            for k in range(0, len(z), size)
        ]
        return self.sign * np.concatenate(blocks)[:, self.column]

    def observe(self, start: int, stop: int) -> None:
        """Run both models on draws start to stop: `values` of the simulator, `seen` of the surrogate, turned."""
        seeds = run_seeds(child(self.task.seed, 1), start, stop, 1)[:, 0]
        z, size = self.z[start:stop], self.task.chunk
        blocks = [
            values_at(self.heard, self.integrand, self.integrand.law.from_normal(z[k : k + size]), seeds[k : k + size])
            for k in range(0, len(z), size)
        ]
        self.values = np.concatenate([self.values, self.sign * np.concatenate(blocks)[:, self.column]])
        self.seen = np.concatenate([self.seen, self.predict(z)])

    def found(self, size: int, level: float) -> Found:
        """Quantile, interval at a level and doubts by the first `size` draws."""
        values, weights, z = self.values[:size], self.weights[:size], self.z[:size]
        distribution = Drawn(values, weights, level)
        found = quantile_found(distribution, self.level, level)
        q, f = found.figure.value, found.figure
        event = np.where(np.isnan(values), np.nan, values > q)
        diagnosed = diagnose(event, weights, self.mixture, z)
        reasons = [*found.reasons, *weight_reasons(diagnosed, self.settings.effective_failures)]
        if not self.reached:
            reasons.append("the surrogate never reaches the tail that it was aimed at")
        seen = self.seen[:size]
        unforeseen = self.unforeseen(distribution, seen, level)
        if unforeseen > UNFORESEEN_SHARE:
            reasons.append(
                f"up to {100 * min(unforeseen, 9.99):.0f} % of the tail may lie where the surrogate sees none of it"
            )
        squares = np.square(values - seen)
        done = ~np.isnan(squares)
        error = float(np.sqrt((weights * squares)[done].sum() / weights[done].sum()))
        blurred = float(ndtr((self.own - q) / max(error, 1e-12)).mean())
        if blurred > BLURRED_FACTOR * (1 - self.level):
            ratio = blurred / (1 - self.level)
            reasons.append(
                f"the surrogate's error leaves room for {ratio:.2g} times what lies beyond the quantile, "
                "so part of it may be unseen"
            )
        if self.sign < 0:
            f = Figure(-f.value, -f.high, -f.low, f.standard_error)
        diagnosed |= {"blurred_probability": blurred, "unforeseen_share": unforeseen}
        return Found(f, tuple(reasons), counted=True, diagnostics={**diagnosed, "aimed_at": self.sign * self.aimed_at})

    def unforeseen(self, distribution: Drawn, seen: np.ndarray, level: float) -> float:
        """Upper bound of the share of the tail found by the defence alone where the surrogate sees none; 0 if none is.

        The tail is that of the aim's level, with thresholds of their own for simulator and surrogate. A lost mode may
        have been hit on its light side only: counts bound what the sum of the weights does not.
        """
        share = min(self.settings.margin * (1 - self.level), 0.5)
        size = len(seen)
        beyond = np.nan_to_num(self.values[:size], nan=-np.inf) > distribution.value(1 - share)
        joint = self.mixture.log_densities(self.z[:size])
        defended = np.logaddexp(joint[:, -2], joint[:, -1]) > self.mixture.log_density(self.z[:size]) + np.log(0.5)
        weights = self.weights[:size][beyond & defended & (seen <= self.aimed_at)]
        if not len(weights):
            return 0.0
        bound = weighted_count_interval(weights, float(weights.max()), level)[1]
        total = float(self.weights[:size][beyond].sum())
        return bound / total if total > 0 else 1.0

    def plain_variance(self) -> float:
        """a (1 - a)/f(q)^2, with 1/f from the quantiles a quarter of the tail to either side."""
        a, step = self.level, 0.25 * (1 - self.level)
        distribution = Drawn(self.values, self.weights[: len(self.values)], self.task.level)
        slope = (distribution.value(a + step) - distribution.value(a - step)) / (2 * step)
        return a * (1 - a) * slope**2
