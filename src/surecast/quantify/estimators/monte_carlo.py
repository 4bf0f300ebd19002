"""Plain Monte Carlo: theta = g(mean T) over independent rows.

Means, variances and Sobol indices by the jackknife with a t interval (for variances on the logarithm);
probabilities with the exact interval of Clopper and Pearson, which covers for every p and n where
Wilson's dips below the level for rare events.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.quantify.distribution import DistributionIntegrand
from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import (
    Estimator,
    Figure,
    Found,
    estimates,
    figure,
    finished,
    jointly,
)
from surecast.quantify.failures import with_failures
from surecast.quantify.floor import require_floor
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import clopper_pearson
from surecast.quantify.jackknife import pseudo_values, weighted
from surecast.quantify.sampling import Task, child, observe_rows, run_seeds, uniforms
from surecast.quantify.stopping import grow, looks
from surecast.quantify.verdict import constant_outputs, index_tail_reasons, sampling_error
from surecast.study.errors import EstimationError


class MonteCarlo(Estimator):
    """Independent draws from the input law; needs no surrogate."""

    kind: ClassVar[str] = "monte_carlo"
    counts: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = ("metropolis1949",)

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            If fewer than 30 rows fit into the runs, or fewer than 10 of them finished.
        """
        width = integrand.runs_per_row
        blocks: list[np.ndarray] = []

        def observe(start: int, stop: int) -> None:
            drawn = uniforms(child(task.seed, 0), start, stop, integrand.row_dimension)
            seeds = run_seeds(child(task.seed, 1), start, stop, width)
            blocks.append(observe_rows(task.truth, integrand, drawn, label=self.kind, chunk=task.chunk, seeds=seeds))

        def analyse(size: int, level: float) -> list[Found]:
            rows = np.concatenate(blocks)[:size]
            return with_failures(integrand, rows, task.bounds, lambda done: figures(integrand, done, level))

        plan = looks(row_count(integrand, task), task)
        if integrand.statistics[0].interval == "probability":
            require_floor(task, plan[-1].level, plan[-1].size, width)
        record = grow(plan, task, observe, analyse)
        rows = np.concatenate(blocks)
        return estimates(
            self,
            integrand,
            task,
            {size * width: found for size, found in record.items()},
            plain_variance=width * sample_pseudo_values(integrand, rows).var(axis=0, ddof=1),
            failed=int(np.isnan(rows).any(axis=2).sum()),
            rows=rows,
        )


def row_count(integrand: Integrand, task: Task) -> int:
    """Rows that fit into the runs.

    Raises
    ------
    EstimationError
        If they are fewer than 30.
    """
    count = task.runs // integrand.runs_per_row
    if count < 30:
        raise EstimationError(
            f"{task.runs} runs make only {count} rows of {integrand.runs_per_row}: too few for an interval.",
            f"raise the question's `runs` to {30 * integrand.runs_per_row} or more.",
        )
    return count


def sample_pseudo_values(integrand: Integrand, rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Jackknife pseudo-values (n, S) of the rows that finished; with weights of rows that were drawn from another law.

    Raises
    ------
    EstimationError
        If fewer than 10 rows finished, or a share of a variance is asked of an output that does not vary.
    """
    mask = finished(rows)
    done = rows[mask]
    if len(done) < 10:
        raise EstimationError(
            f"only {len(done)} of {len(rows)} rows finished: nothing can be said.",
            "look at the messages of the failed runs.",
        )
    constant_outputs(integrand, done)
    return pseudo_values(*weighted(*integrand.summands(done), None if weights is None else weights[mask]))


def figures(integrand: Integrand, rows: np.ndarray, level: float) -> list[Found]:
    """Value and interval of every statistic from independent rows."""
    if integrand.statistics[0].interval == "probability":
        return [Found(_probability(rows, level), counted=True, methods=("clopper1934",))]
    if isinstance(integrand, DistributionIntegrand):
        return integrand.from_random(rows, level)
    pseudo = sample_pseudo_values(integrand, rows)
    n = len(pseudo)
    found = []
    for statistic, values in zip(integrand.statistics, pseudo.T, strict=True):
        one = figure(statistic, float(values.mean()), sampling_error(values, level), n - 1, level)
        found.append(Found(one, index_tail_reasons(values, statistic, one), methods=("efron1981",)))
    return jointly(found, np.cov(pseudo, rowvar=False) / n) if integrand.joint else found


def _probability(rows: np.ndarray, level: float) -> Figure:
    n, events, failed = len(rows), int(np.nansum(rows)), int(np.isnan(rows).sum())
    low, high = clopper_pearson(events, n, level)[0], clopper_pearson(events + failed, n, level)[1]
    share = (events + 0.5 * failed) / n
    return Figure(share, low, high, float(np.sqrt(share * (1 - share) / (n - 1))))
