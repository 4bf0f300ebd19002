"""Subset simulation: a rare probability as a product of larger ones, each from Markov chains.

    p = p_0^(L-1) P_L,   P_L = share of the last level's samples inside the event

Levels of the margin are the (1 - p_0) quantiles of the samples above the last level (Au and Beck 2001,
Probabilistic Engineering Mechanics 16); chains move by preconditioned Crank-Nicolson steps with an adapted length
(Papaioannou, Betz, Zwirglmaier and Straub 2015). The interval is that of a log-normal law with

    delta^2 = sum_j (1 - P_j)/(P_j n) (1 + gamma_j),   gamma_j = 2 sum_k (1 - k p_0) rho_j(k)

(equations 28 and 29 of Au and Beck), with rho_j(k) the correlation of indicators k steps apart. It leaves out
that levels are chosen by the samples, that they depend on each other, and modes that no chain reached: it covers
less than it says, so no estimate is certified. It stands here to be compared with.

A tolerance does not stop it: the chains' length is fixed before the first run, and every level takes its share, so
that all runs which the levels need are made and the tolerance only enters the verdict.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import Estimator, Figure, Found, estimates
from surecast.quantify.estimators.weighted import LEAST_RUNS, exceedance_only
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import positive_t_interval
from surecast.quantify.normal_space import NormalSpace
from surecast.quantify.sampling import Task, child, generator
from surecast.study.errors import EstimationError

APPROXIMATE = (
    "the interval of subset simulation is approximate: chains depend on each other, and modes that none reached "
    "are not in it"
)


class SubsetSimulation(Estimator):
    """Subset simulation with the simulator alone; never certified. Every input law must be continuous."""

    kind: ClassVar[str] = "subset_simulation"
    methods: ClassVar[tuple[str, ...]] = ("au2001", "papaioannou2015")

    share: float = Field(0.1, ge=0.05, le=0.5, description="p_0, the probability of each level given the last one.")
    levels: int = Field(8, ge=2, le=30, description="Levels that the runs must suffice for.")

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            For a discrete law, for other questions than a probability, or with fewer than 100 runs.
        """
        space = NormalSpace(exceedance_only(integrand, self.kind), task, self.kind)
        if task.runs < LEAST_RUNS:
            raise EstimationError(
                f"{task.runs} runs are too few for {self.kind}.",
                f"raise the question's `runs` to {LEAST_RUNS} or more.",
            )
        length = round(1 / self.share)
        chains = max(2, task.runs // (self.levels * length))
        value, delta, reached, steps = self._levels(space, chains, length, generator(child(task.seed, 2)))
        low, high = positive_t_interval(value, value * delta, np.inf, task.level)
        reasons = [APPROXIMATE]
        if not reached:
            low, high = 0.0, 1.0
            reasons.append("the runs were spent before the event was reached")
        found = Found(
            Figure(value, low, min(high, 1.0), value * delta),
            tuple(reasons),
            diagnostics={"levels": steps, "chains": chains, "coefficient_of_variation": delta},
        )
        return estimates(
            self,
            integrand,
            task,
            {space.truth_runs: [found]},
            plain_variance=[value * (1 - value)],
            failed=space.failed_runs,
        )

    def _levels(
        self, space: NormalSpace, chains: int, length: int, stream: np.random.Generator
    ) -> tuple[float, float, bool, int]:
        """Probability, its coefficient of variation, whether the event was reached, and the number of levels."""
        n = chains * length
        z = stream.standard_normal((n, space.dimension))
        margin = np.nan_to_num(space.truth(z)[1], nan=-np.inf)
        value, squared, step, owner = 1.0, 0.0, 0.6, np.arange(n)[:, None]
        for count in range(1, self.levels + 1):
            level = min(0.0, float(np.sort(margin)[-chains - 1]))
            above = margin > level
            share = float(above.mean())
            if share == 0:
                return value, np.sqrt(squared), False, count
            value *= share
            squared += (1 - share) / (share * n) * (1 + _correlation(above[owner], share))
            if level == 0.0:
                return value, float(np.sqrt(squared)), True, count
            if count == self.levels:
                break
            # Ties may leave fewer or more above than there are chains: these start from draws among them.
            seeds = stream.choice(np.flatnonzero(above), chains, replace=int(above.sum()) < chains)
            here, there = z[seeds], margin[seeds]
            points, margins = [here], [there]
            for _ in range(length - 1):
                moved = np.sqrt(1 - step * step) * here + step * stream.standard_normal(here.shape)
                found = np.nan_to_num(space.truth(moved)[1], nan=-np.inf)
                accepted = found > level
                here, there = np.where(accepted[:, None], moved, here), np.where(accepted, found, there)
                points.append(here)
                margins.append(there)
                step = float(np.clip(step * np.exp(accepted.mean() - 0.44), 0.05, 1.0))
            z, margin = np.concatenate(points), np.concatenate(margins)
            owner = np.arange(n).reshape(length, chains).T
        return value, float(np.sqrt(squared)), False, self.levels


def _correlation(inside: np.ndarray, share: float) -> float:
    """gamma of indicators (chains, steps), at least 0."""
    length = inside.shape[1]
    if length < 2 or share >= 1:
        return 0.0
    centred = inside - share
    variance = share * (1 - share)
    lags = range(1, length)
    found = [float(np.mean(centred[:, : length - k] * centred[:, k:])) / variance for k in lags]
    return max(0.0, 2 * sum((1 - k / length) * rho for k, rho in zip(lags, found, strict=True)))
