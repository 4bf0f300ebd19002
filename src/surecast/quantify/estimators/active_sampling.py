r"""Runs where the surrogate's output lies far from its mean, weighted back: moments of outputs with heavy tails.

Rows are draws of the input laws p, kept with probability h/c (rejection), so that the simulator runs on

    q(x) = p(x) h(x)/E_p[h],    h(x) = min(sqrt(1 + mean_k t_k(x)^2), c),

t_k the surrogate's outputs (and their squares, where second moments are asked) less their means, over their
deviations. Moments are smooth functions of E_p[T] = E_q[T/h]/E_q[1/h], with surrogates as control variates on the same
rows and with the same weights (see `control_variates`; sampling in proportion to where the model's error is large, and
correcting by its inverse: Zrnic and Candes 2024; in proportion to size: Hansen and Hurwitz 1943).

Where the error of a surrogate grows with the distance from its mean, as that of a surrogate of a heavy tail does,
a few runs no longer make most of the variance. The weights 1/h lie between 1/c and 1: a surrogate that says nothing
costs no more than the factor E_p[h] < sqrt(2) of the variance. Any input law will do, whatever its dimension.

Asked again under another law of the inputs (`what_if`), the rows are the same and have both weights, w/h.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.control_variates import corrected_statistics, own_statistics
from surecast.quantify.estimators.estimator import Estimator, Found, estimates, finished
from surecast.quantify.estimators.monte_carlo import row_count, sample_pseudo_values
from surecast.quantify.failures import with_failures
from surecast.quantify.integrand import Integrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.reweighted import ReweightedIntegrand
from surecast.quantify.sampling import Model, Task, child, observe_rows, run_seeds, uniforms
from surecast.quantify.stopping import grow, looks
from surecast.quantify.weights import effective_number
from surecast.study.errors import EstimationError

_PILOT = 4096
"""Surrogate evaluations from which the sizes h are scaled."""
_BLOCK = 2048
"""Draws that are kept or not at a time."""


class ActiveSampling(Estimator):
    """The simulator where a surrogate's output is far from its mean, with surrogates as control variates."""

    kind: ClassVar[str] = "active_sampling"
    needs_surrogate: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = (
        "zrnic2024", "hansen1943", "glynn2002", "blum1999", "angelopoulos2023", "efron1981",
    )  # fmt: skip

    folds: int = Field(10, ge=2, le=100, description="Folds of the cross-fitting.")
    controls: int = Field(2, ge=1, le=8, description="Surrogates used at most, the best ones first.")
    most: float = Field(
        10.0, ge=2, le=100, description="How many times as often as near the mean a far row is drawn, at most."
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            Without a surrogate, for other questions than moments of numbers, or with too few runs.
        """
        base = integrand.base if isinstance(integrand, ReweightedIntegrand) else integrand
        other = base is not integrand
        if not isinstance(base, MomentsIntegrand):
            raise EstimationError(f"{self.kind} answers questions about moments only.", "use control_variates.")
        surrogates = task.surrogates[: self.controls]
        if not surrogates:
            raise EstimationError(f"{self.kind} needs a surrogate.", "set the question's `surrogate`.")
        own, asked = zip(*(own_statistics(model, integrand, task) for model in surrogates), strict=True)
        draws = _Draws(surrogates[0], integrand, task, self.most)
        truth: list[np.ndarray] = []
        further: list[list[np.ndarray]] = [[] for _ in surrogates[1:]]

        def observe(start: int, stop: int) -> None:
            draws.reach(stop)
            seeds = run_seeds(child(task.seed, 1), start, stop, 1)
            drawn = draws.rows[start:stop]
            found = observe_rows(task.truth, integrand, drawn, label=self.kind, chunk=task.chunk, seeds=seeds)
            truth.append(draws.weighted(found, start, stop))
            for model, blocks in zip(surrogates[1:], further, strict=True):
                label = f"{self.kind}: surrogate"
                found = observe_rows(model, integrand, drawn, label=label, chunk=task.surrogate_chunk)
                blocks.append(draws.weighted(found, start, stop))

        # Where the largest variance of weighted runs lies is not known: only means are bounded with failed runs.
        means_bounded: Integrand = copy(integrand)
        means_bounded.bounded_measures = ("mean",)

        def analyse(size: int, level: float) -> list[Found]:
            weights = 1 / draws.sizes[:size]
            first = draws.weighted(draws.predicted[:size], 0, size)
            predicted = [first, *(np.concatenate(blocks)[:size] for blocks in further)]
            apart = None if other else weights

            def step(rows: np.ndarray) -> list[Found]:
                return corrected_statistics(integrand, rows, predicted, own, self.folds, level, apart)

            effective = {"effective_rows": effective_number(weights)}
            found = with_failures(means_bounded, np.concatenate(truth)[:size], task.bounds, step)
            return [replace(one, diagnostics=one.diagnostics | effective) for one in found]

        record = grow(looks(row_count(integrand, task), task), task, observe, analyse)
        rows = np.concatenate(truth)
        return estimates(
            self,
            means_bounded,
            task,
            record,
            plain_variance=_plain_variance(integrand, rows, 1 / draws.sizes[: len(rows)], within=other),
            failed=int(np.isnan(rows).any(axis=(1, 2)).sum()),
            surrogate_runs=draws.evaluations + len(further) * len(rows) + sum(asked),
            rows=rows,
        )


class _Draws:
    """Independent rows of q, made in blocks of draws of p, with the surrogate's predictions and the sizes h.

    Attributes
    ----------
    rows : (n, row_dimension) array
        Uniforms.
    predicted : (n, 1, columns) array
    sizes : (n,) array
    evaluations : int
        Of the surrogate so far.
    """

    def __init__(self, model: Model, integrand: Integrand, task: Task, most: float) -> None:
        self._model, self._integrand, self._task = model, integrand, task
        self._other = isinstance(integrand, ReweightedIntegrand)
        self.evaluations = self._made = 0
        values = self._numbers(self._predict(uniforms(child(task.seed, 4), 0, _PILOT, integrand.row_dimension)))
        self._mean, self._deviation = values.mean(axis=0), values.std(axis=0)
        self._second = any(statistic.measure != "mean" for statistic in integrand.statistics)
        self._spread = np.square(_over(values - self._mean, self._deviation)).std(axis=0)
        self._most = min(float(self._sizes(values).max()), most)
        self.rows = np.empty((0, integrand.row_dimension))
        self.predicted = np.empty((0, 1, values.shape[1] + self._other))
        self.sizes = np.empty(0)

    def reach(self, count: int) -> None:
        """Draw until there are `count` rows at least."""
        blocks = [(self.rows, self.predicted, self.sizes)]
        while sum(len(rows) for rows, *_ in blocks) < count:
            start, stop = self._made, self._made + _BLOCK
            drawn = uniforms(child(self._task.seed, 0), start, stop, self._integrand.row_dimension)
            predicted = self._predict(drawn)
            sizes = np.minimum(self._sizes(self._numbers(predicted)), self._most)
            kept = uniforms(child(self._task.seed, 3), start, stop, 1)[:, 0] * self._most < sizes
            blocks.append((drawn[kept], predicted[kept], sizes[kept]))
            self._made = stop
        self.rows, self.predicted, self.sizes = (np.concatenate(part) for part in zip(*blocks, strict=True))

    def weighted(self, rows: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Observations of rows start to stop; those for another law hold their log w, to which -log h is added."""
        if not self._other:
            return rows
        rows = rows.copy()
        rows[:, 0, -1] -= np.log(self.sizes[start:stop])
        return rows

    def _numbers(self, rows: np.ndarray) -> np.ndarray:
        """Columns (n, columns) that are outputs: those for another law hold their log w behind them."""
        return rows[:, 0, :-1] if self._other else rows[:, 0]

    def _predict(self, drawn: np.ndarray) -> np.ndarray:
        self.evaluations += len(drawn)
        label = f"{ActiveSampling.kind}: surrogate"
        return observe_rows(self._model, self._integrand, drawn, label=label, chunk=self._task.surrogate_chunk)

    def _sizes(self, values: np.ndarray) -> np.ndarray:
        """h without its bound c, of values (n, columns)."""
        squares = np.square(_over(values - self._mean, self._deviation))
        if self._second:
            squares = np.concatenate([squares, np.square(_over(squares - 1, self._spread))], axis=1)
        return np.asarray(np.sqrt(1 + squares.mean(axis=1)))


def _over(left: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Distances over their spread; 0 of what does not vary."""
    return np.divide(left, spread, out=np.zeros_like(left), where=spread > 0)


def _plain_variance(integrand: Integrand, rows: np.ndarray, weights: np.ndarray, *, within: bool) -> np.ndarray:
    """Variance that a run of plain Monte Carlo contributes to each statistic, (S,); `within` if rows are weighted.

    Pseudo-values of weighted rows are theta + w IF with mean weight 1, so that E_p[IF^2] = E_q[(psi - theta)^2/w].
    """
    psi = sample_pseudo_values(integrand, rows, None if within else weights)
    scaled = weights[finished(rows)]
    scaled = scaled / scaled.mean()
    found: np.ndarray = (np.square(psi - psi.mean(axis=0)) / scaled[:, None]).mean(axis=0)
    return found
