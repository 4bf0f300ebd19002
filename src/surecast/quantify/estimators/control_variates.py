"""Surrogate control variates: theta = mean[psi_f - beta . (psi_s - theta_s)], beta by cross-fitting.

psi_f and psi_s are the pseudo-values of the statistic (centred squares for a variance, pick-freeze
products for Sobol indices) of the simulator and of the surrogates *on the same rows*; theta_s are the
surrogates' own statistics: exact where a surrogate knows them (a chaos expansion does), else found with
many scrambled Sobol points, and that error is in the interval.
The rows are independent draws that no surrogate was trained on; beta of a fold comes from the other
folds (Blum, Kalai and Langford 1999; Angelopoulos et al. 2023, prediction-powered inference), so that
no run chooses its own coefficient. A useless surrogate gets beta near 0 and costs nothing but its time; where the
other folds show that the controls do harm (a heavy tail), beta is 0. What a surrogate that follows the bulk may hide in
a tail beyond the runs is in the interval (`beyond_error`).

Probabilities: disagreements of the indicators are rare, so each part gets an interval that holds for small
counts (see `disagreement`); none in n runs still leaves about 3.7/n, a rule-of-three floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.distribution import DistributionIntegrand
from surecast.quantify.estimates import Estimate, Statistic
from surecast.quantify.estimators.cross_fitting import coefficients, worthwhile
from surecast.quantify.estimators.disagreement import Indicators, probability
from surecast.quantify.estimators.estimator import (
    Estimator,
    Figure,
    Found,
    estimates,
    figure,
    finished,
    jointly,
)
from surecast.quantify.estimators.monte_carlo import row_count, sample_pseudo_values
from surecast.quantify.estimators.scrambled_sobol import Replicates, layout, replicate_pseudo_values
from surecast.quantify.failures import with_failures
from surecast.quantify.floor import require_floor
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import t_quantile, union, welch
from surecast.quantify.jackknife import pseudo_values, weighted
from surecast.quantify.sampling import KnowsItself, Model, Task, child, observe_rows, run_seeds, uniforms
from surecast.quantify.stopping import grow, looks
from surecast.quantify.verdict import (
    index_tail_reasons,
    integral_reasons,
    sampling_error,
    tail_reasons,
)
from surecast.study.errors import EstimationError

_SCRAMBLINGS = 32
_HELPS = 0.9
"""Spread of the residuals over that of the response below which the controls help."""
_REACH = 3.0
"""An unseen residual may lie so many times as far out as the farthest one seen."""
_FARTHEST = 5
"""Rows farthest out at which residuals are compared with the response."""
_NEGLIGIBLE = 0.25
"""An interval so reached that is narrower than this share of the plain one stands even where both tails are heavy."""


class ControlVariates(Estimator):
    """The simulator on random draws, with surrogates as control variates."""

    kind: ClassVar[str] = "control_variates"
    needs_surrogate: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    methods: ClassVar[tuple[str, ...]] = ("glynn2002", "blum1999", "angelopoulos2023", "efron1981")

    folds: int = Field(10, ge=2, le=100, description="Folds of the cross-fitting.")
    controls: int = Field(2, ge=1, le=8, description="Surrogates used at most, the best ones first.")

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            Without a surrogate, or with too few runs.
        """
        # A probability takes one control: two surrogates' indicators would disagree in four ways, each with a floor.
        counted = integrand.statistics[0].interval == "probability"
        surrogates = task.surrogates[: 1 if counted else self.controls]
        if not surrogates:
            raise EstimationError(
                "control_variates needs a surrogate.", "set the question's `surrogate`, for example to `best`."
            )
        width = integrand.runs_per_row
        by_itself = isinstance(integrand, DistributionIntegrand)
        ask = own_rows if by_itself else own_statistics
        own, asked = zip(*(ask(model, integrand, task) for model in surrogates), strict=True)
        truth: list[np.ndarray] = []
        predicted: list[list[np.ndarray]] = [[] for _ in surrogates]

        def observe(start: int, stop: int) -> None:
            drawn = uniforms(child(task.seed, 0), start, stop, integrand.row_dimension)
            seeds = run_seeds(child(task.seed, 1), start, stop, width)
            truth.append(observe_rows(task.truth, integrand, drawn, label=self.kind, chunk=task.chunk, seeds=seeds))
            for model, blocks in zip(surrogates, predicted, strict=True):
                label = f"{self.kind}: surrogate"
                blocks.append(observe_rows(model, integrand, drawn, label=label, chunk=task.surrogate_chunk))

        def analyse(size: int, level: float) -> list[Found]:
            rows = [np.concatenate(blocks)[:size] for blocks in (truth, *predicted)]
            step = _by_itself if by_itself else _probability if counted else corrected_statistics
            return with_failures(
                integrand,
                rows[0],
                task.bounds,
                lambda done: step(integrand, done, rows[1:], own, self.folds, level),
            )

        plan = looks(row_count(integrand, task), task)
        if counted:
            require_floor(task, plan[-1].level, plan[-1].size, width)
        record = grow(plan, task, observe, analyse)
        rows = np.concatenate(truth)
        return estimates(
            self,
            integrand,
            task,
            {size * width: found for size, found in record.items()},
            plain_variance=width * sample_pseudo_values(integrand, rows).var(axis=0, ddof=1),
            failed=int(np.isnan(rows).any(axis=2).sum()),
            surrogate_runs=len(surrogates) * width * len(rows) + sum(asked),
            rows=rows,
        )


def own_statistics(model: Model, integrand: Integrand, task: Task) -> tuple[np.ndarray, int]:
    """A surrogate's own statistics as replicates (R, S) whose mean they are, and the evaluations made.

    Those that it knows exactly are the same in every replicate, so that they carry no error.
    """
    exact = np.full(len(integrand.statistics), np.nan)
    if isinstance(model, KnowsItself):
        exact = model.exact_statistics(integrand)
    if np.isfinite(exact).all():
        return np.broadcast_to(exact, (_SCRAMBLINGS, len(exact))).copy(), 0
    rows, asked = own_rows(model, integrand, task)
    return np.where(np.isfinite(exact), exact, replicate_pseudo_values(integrand, rows)), asked


def own_rows(model: Model, integrand: Integrand, task: Task) -> tuple[np.ndarray, int]:
    """A surrogate on replicates (R, m, runs_per_row, columns) of scrambled Sobol points, and the evaluations made."""
    width = integrand.runs_per_row
    points = layout(max(task.surrogate_runs // width, 16 * _SCRAMBLINGS), _SCRAMBLINGS)[1]
    sample = Replicates(
        model, integrand, child(task.seed, 2), _SCRAMBLINGS, task.surrogate_chunk, "surrogate's own statistics"
    )
    return sample.observe(0, points).rows, _SCRAMBLINGS * points * width


def _by_itself(
    integrand: Integrand,
    rows: np.ndarray,
    predicted: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    folds: int,
    level: float,
) -> list[Found]:
    assert isinstance(integrand, DistributionIntegrand)
    return integrand.from_controls(rows, predicted, own, folds, level)


def corrected_statistics(
    integrand: Integrand,
    rows: np.ndarray,
    predicted: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    folds: int,
    level: float,
    weights: np.ndarray | None = None,
) -> list[Found]:
    """Every statistic from rows (n, runs_per_row, columns) of the simulator and of the surrogates.

    Parameters
    ----------
    own : sequence of (R, S) arrays
        See `own_statistics`.
    weights : (n,) array, optional
        Of rows that were drawn from another law, see `jackknife.weighted`.
    """
    done = finished(rows)
    psi = sample_pseudo_values(integrand, rows, weights)
    kept = None if weights is None else weights[done]
    psi_s = np.concatenate([pseudo_values(*weighted(*integrand.summands(p[done]), kept)) for p in predicted], axis=1)
    own_of = np.concatenate(own, axis=1)
    size = psi.shape[1]
    found: list[Found] = []
    residuals, integrals = np.empty_like(psi), np.empty((len(own_of), size))
    for index, statistic in enumerate(integrand.statistics):
        pick = [place * size + j for place in range(len(predicted)) for j in integrand.controls(index)]
        one, residuals[:, index], integrals[:, index] = corrected(
            psi[:, index], psi_s[:, pick], own_of[:, pick], folds, level, statistic
        )
        found.append(one)
    if not integrand.joint:
        return found
    return jointly(
        found, np.cov(residuals, rowvar=False) / len(residuals) + np.cov(integrals, rowvar=False) / len(integrals)
    )


def corrected(
    response: np.ndarray,
    controls: np.ndarray,
    own: np.ndarray,
    folds: int,
    level: float,
    statistic: Statistic | None = None,
) -> tuple[Found, np.ndarray, np.ndarray]:
    """Mean of a response (n,) with controls (n, q) whose own means are those of replicates (R, q).

    Returns
    -------
    What was found, on the scale of `statistic` (symmetric without one), the residuals (n,) whose mean is the value,
    and the replicates (R,) of the controls' part
    """
    noise = np.atleast_2d(np.cov(own, rowvar=False)) / len(own)
    centred = controls - own.mean(axis=0)
    chosen, _ = coefficients(response, centred, folds, noise)
    chosen = chosen * worthwhile(response, centred, folds, noise)[:, None]
    residuals = response - (chosen * centred).sum(axis=1)
    mean = chosen.mean(axis=0)
    # A single run makes most of what is left, and the response by itself varies less or is better seen.
    worse = bool(tail_reasons(residuals)) and (residuals.std() < _HELPS * response.std() or not tail_reasons(response))
    sampling = max(sampling_error(residuals, level, _REACH if worse else 1.0), beyond_error(response, residuals, level))
    sampling **= 2
    # The coefficients were chosen against the same covariance of R replicates: each costs a degree of freedom.
    left = len(own) - 1 - own.shape[1]
    integrals = float(mean @ noise @ mean) * (len(own) - 1) / left
    dof = welch([(sampling, len(response) - 1), (integrals, left)])
    error = float(np.sqrt(sampling + integrals))
    share = integrals / error**2 if error > 0 else 0.0
    of = statistic or Statistic("", "mean", "mean")
    result = figure(of, float(residuals.mean()), error, dof, level)
    reasons = index_tail_reasons(residuals, of, result)
    if worse:
        # The controls fail in the tail, where a few runs say too little of it: reach further, or do without them.
        plain = figure(of, float(response.mean()), sampling_error(response, level), len(response) - 1, level)
        low, high = union((result.value, result.value), (plain.low, plain.high))
        trusted = not tail_reasons(response)
        if trusted and high - low < result.high - result.low:
            result = Figure(result.value, low, high, plain.standard_error)
        if trusted or result.high - result.low < _NEGLIGIBLE * (plain.high - plain.low):
            reasons = ()
    found = Found(
        result,
        (*reasons, *integral_reasons(own @ mean, share)),
        diagnostics=_coefficients(mean),
        integral_share=share,
    )
    return found, residuals, own @ mean


def beyond_error(response: np.ndarray, residuals: np.ndarray, level: float) -> float:
    """Standard error of the mean of residuals (n,), widened for a response (n,) whose tail reaches beyond the runs.

    A surrogate that follows the bulk may fail in a tail of which the runs, and so their residuals, show nothing. By
    the rule of three fewer than -log(1 - level) runs as far out as the farthest response may be unseen; there the
    residual is taken as `_REACH` times as large a share of the response as at the rows farthest out. No more than the
    response's own error, which needs no surrogate.
    """
    n = len(response)
    far, left = np.abs(response - response.mean()), np.abs(residuals - residuals.mean())
    top = np.argpartition(far, n - _FARTHEST)[n - _FARTHEST :] if n > _FARTHEST else np.arange(n)
    size = float(far[top].sum())
    share = min(_REACH * float(left[top].sum()) / size, 1.0) if size > 0 else 0.0
    unseen = -np.log1p(-level) * share * float(far.max()) / n
    error, plain = (float(values.std(ddof=1)) / np.sqrt(n) for values in (residuals, response))
    return max(error, min(float(np.hypot(error, unseen / t_quantile(level, n - 1))), plain))


def _coefficients(mean: np.ndarray) -> dict[str, float]:
    return {f"coefficient_{place}": float(value) for place, value in enumerate(mean)}


def _probability(
    integrand: Integrand,
    rows: np.ndarray,
    predicted: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    folds: int,
    level: float,
) -> list[Found]:
    event, seen = rows[:, 0, 0], predicted[0][:, 0, 0]
    known = own[0][:, 0]
    noise = np.atleast_2d(known.var(ddof=1) / len(known))
    chosen = coefficients(np.nan_to_num(event), seen[:, None] - known.mean(), folds, noise)[0][:, 0]
    sample = Indicators(event, seen, np.ones(len(event)), np.clip(chosen, 0.0, 1.0), known)
    found = probability(sample, level)
    diagnostics = _coefficients(chosen.mean(keepdims=True))
    return [Found(found, counted=True, methods=("fay1997", "zou2008"), diagnostics=diagnostics)]
