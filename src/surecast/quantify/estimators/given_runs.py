"""Estimators that make no run: moments and first-order indices of an output from runs at hand.

Moments are jackknifed as by plain Monte Carlo. An index is linearised: with y centred, V its variance and T an
estimate of E[E[y|x]^2],

    S = T/V,    S - S_true ~ mean(D),    D_j = (t_j - S y_j^2)/V,

t_j the part of T that run j makes; a subclass says what t is and how the D_j depend on each other.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import replace

import numpy as np

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import Estimator, Figure, Found, estimates, figure
from surecast.quantify.estimators.monte_carlo import figures, sample_pseudo_values
from surecast.quantify.failures import with_failures
from surecast.quantify.given_data import GivenDataIntegrand, Runs
from surecast.quantify.integrand import Integrand
from surecast.quantify.sampling import Task, child, generator
from surecast.study.errors import EstimationError

UNDECLARED = "how the runs were drawn is not declared as independent draws from the laws of the inputs"


class GivenRuns(Estimator):
    """Base of the estimators that work with the runs of a dataset."""

    @abstractmethod
    def index(self, values: np.ndarray) -> tuple[float, float, int]:
        """First-order index of an input from an output's values (n,) in the order of that input.

        Returns
        -------
        Value, standard error and degrees of freedom
        """

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`; `Task.truth` is not called.

        Raises
        ------
        EstimationError
            Without runs, or with fewer than 30 that finished.
        """
        assert isinstance(integrand, GivenDataIntegrand)
        if integrand.given is None:
            raise EstimationError(
                "given_data needs runs that exist already: a study's dataset, or your own.",
                "ask it in a study, or call surecast.quantify.given_data.from_runs.",
            )
        runs = integrand.given
        rows = runs.values[:, None, :]
        done = ~np.isnan(runs.values).any(axis=1)
        if done.sum() < 30:
            raise EstimationError(
                f"only {int(done.sum())} of {len(done)} runs at hand finished: too few for an interval.",
                "add runs to the design, or name more `splits`.",
            )
        moments = integrand.moments
        found = (
            dict(
                zip(
                    moments.statistics,
                    with_failures(moments, rows, task.bounds, lambda given: figures(moments, given, task.level)),
                    strict=True,
                )
            )
            if moments.statistics
            else {}
        )
        spread = dict(zip(moments.statistics, _variances(integrand, rows), strict=True)) if moments.statistics else {}
        places = _orders(runs, done, task)
        for statistic in integrand.statistics:
            if statistic.measure == "first":
                values = runs.values[done][places[statistic.group], integrand.outputs.index(statistic.output)]
                if values.min() == values.max():
                    raise EstimationError(
                        f"{statistic.output} had the same value in every run: {statistic.name} is not defined.",
                        "ask about an output that varies.",
                    )
                value, error, dof = self.index(values)
                found[statistic] = Found(figure(statistic, value, error, dof, task.level))
                spread[statistic] = error**2 * len(values)
        record = [found[statistic] for statistic in integrand.statistics]
        if not runs.independent:
            record = [_undeclared(one) for one in record]
        return estimates(
            self,
            integrand,
            task,
            {len(rows): record},
            plain_variance=[spread[statistic] for statistic in integrand.statistics],
            failed=int((~done).sum()),
            rows=rows,
        )


def _undeclared(found: Found) -> Found:
    """The value alone: without a sampling law there is no error to speak of."""
    return replace(found, figure=Figure(found.figure.value, -math.inf, math.inf, math.inf), reasons=(UNDECLARED,))


def _variances(integrand: GivenDataIntegrand, rows: np.ndarray) -> np.ndarray:
    return np.asarray(sample_pseudo_values(integrand.moments, rows).var(axis=0, ddof=1))


def _orders(runs: Runs, done: np.ndarray, task: Task) -> dict[str, np.ndarray]:
    """Order of the finished runs by each input; equal values in random order."""
    random = generator(child(task.seed, 0)).random(int(done.sum()))
    return {str(name): np.lexsort((random, array.values[done])) for name, array in runs.inputs.items()}
