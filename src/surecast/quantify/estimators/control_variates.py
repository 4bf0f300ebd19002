"""Surrogate control variates: theta = mean[psi_f - beta . (psi_s - theta_s)], beta by cross-fitting.

psi_f and psi_s are the pseudo-values of the statistic (centred squares for a variance, pick-freeze
products for Sobol indices) of the simulator and of the surrogates *on the same rows*; theta_s are the
surrogates' own statistics, found with many scrambled Sobol points, whose error is in the interval.
The rows are independent draws that no surrogate was trained on; beta of a fold comes from the other
folds (Blum, Kalai and Langford 1999; Angelopoulos et al. 2023, prediction-powered inference), so that
no run chooses its own coefficient. A useless surrogate gets beta near 0 and costs nothing but its time.

Probabilities: with s the surrogate's indicator, p = beta p_s + (1 - beta) P(f and s) + P(f, not s) -
beta P(s, not f); disagreements are rare, so each part gets an interval that holds for small counts and
the parts are combined (MOVER). No disagreement in n runs still leaves about 3.7/n: a rule-of-three floor.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimate import Estimate, Point, Statistic
from surecast.quantify.estimators.estimator import Estimator, Figure, both_ways, doubts, figure, finished, growing, heavy_tail
from surecast.quantify.estimators.monte_carlo import TAIL, row_count, sample_pseudo_values
from surecast.quantify.estimators.scrambled_sobol import layout, replicate_pseudo_values, replicate_rows
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import combined, t_interval, weighted_count_interval, welch
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.sampling import Task, child, observe_rows, run_seeds, uniforms
from surecast.study.errors import EstimationError

_SCRAMBLINGS = 16


class ControlVariates(Estimator):
    """The simulator on random draws, with surrogates as control variates."""

    kind: ClassVar[str] = "control_variates"
    needs_surrogate: ClassVar[bool] = True
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
        surrogates = task.surrogates[: self.controls]
        if not surrogates:
            raise EstimationError("control_variates needs a surrogate.", "set the question's `surrogate`, for example to `best`.")
        count, width = row_count(integrand, task), integrand.runs_per_row
        drawn = uniforms(child(task.seed, 0), count, integrand.row_dimension)
        seeds = run_seeds(child(task.seed, 1), count, width)
        rows = observe_rows(task.truth, integrand, drawn, label=self.kind, chunk=task.chunk, seeds=seeds)
        predicted = [
            observe_rows(model, integrand, drawn, label=f"{self.kind}: surrogate", chunk=task.surrogate_chunk)
            for model in surrogates
        ]
        scramblings, points = layout(max(task.surrogate_runs // width, 16 * _SCRAMBLINGS), _SCRAMBLINGS)
        own = np.concatenate(
            [
                replicate_pseudo_values(
                    integrand,
                    replicate_rows(
                        model,
                        integrand,
                        child(task.seed, 2),
                        scramblings,
                        points,
                        task.surrogate_chunk,
                        None,
                        f"{self.kind}: surrogate's own statistics",
                    ),
                )
                for model in surrogates
            ],
            axis=1,
        )  # (R, surrogates * S)
        counted = integrand.statistics[0].interval == "probability"
        step = _probability if counted else _smooth
        record = {n: step(integrand, rows[:n], [p[:n] for p in predicted], own, self.folds, task.level) for n in growing(count, task.steps)}
        plain = sample_pseudo_values(integrand, rows).var(axis=0, ddof=1)
        failed = int(np.isnan(rows).any(axis=2).sum())
        surrogate_runs = len(surrogates) * width * (count + scramblings * points)
        estimates = []
        for index, statistic in enumerate(integrand.statistics):
            last, tail, coefficients = record[count][index]
            estimates.append(
                Estimate(
                    statistic,
                    self.kind,
                    last.value,
                    last.low,
                    last.high,
                    last.standard_error,
                    task.level,
                    count * width,
                    surrogate_runs,
                    plain_variance=width * float(plain[index]),
                    failed_runs=failed,
                    doubts=doubts(last, task, failed=failed, counted=counted, more=[TAIL] if tail else []),
                    convergence=tuple(
                        Point(n * width, f[index][0].value, f[index][0].low, f[index][0].high) for n, f in record.items()
                    ),
                    methods=(*self.methods, *(["fay1997", "zou2008"] if counted else [])),
                    diagnostics={f"coefficient_{place}": float(value) for place, value in enumerate(coefficients)},
                )
            )
        return estimates


Found = tuple[Figure, bool, np.ndarray]


def coefficients(response: np.ndarray, controls: np.ndarray, folds: int, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Regression coefficients for every row, from the rows of the other folds.

    Parameters
    ----------
    response : (n,) array
    controls : (n, q) array
    folds : int
        Row i belongs to fold i mod folds.
    noise : (q, q) array
        Covariance of the controls' own means: the best coefficient is (C + n noise)^-1 c, smaller the
        less the own means are known.

    Returns
    -------
    (n, q) array of each row's coefficients, and the residuals (n,) with the control centred at 0.
    """
    n, q = controls.shape
    fold = np.arange(n) % folds
    table = np.concatenate([np.ones((n, 1)), controls, response[:, None]], axis=1)
    sums = np.stack([table[fold == k].T @ table[fold == k] for k in range(folds)])
    sums = sums.sum(axis=0) - sums  # Gram matrix of the other folds
    counts = sums[:, 0, 0]
    means = sums[:, 0, 1:] / counts[:, None]
    central = sums[:, 1:, 1:] / counts[:, None, None] - means[:, :, None] * means[:, None, :]
    matrix = central[:, :q, :q] + counts[:, None, None] * noise
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", matrix), np.finfo(float).tiny))
    scaled = matrix / (scale[:, :, None] * scale[:, None, :])
    # Constant or equal controls make it singular: the pseudo-inverse gives them no (or equal) weight.
    inverse = np.linalg.pinv(scaled, rcond=1e-9, hermitian=True)
    beta = (inverse @ (central[:, :q, q] / scale)[:, :, None])[:, :, 0] / scale
    chosen = beta[fold]
    return chosen, response - (chosen * controls).sum(axis=1)


def _smooth(
    integrand: Integrand, rows: np.ndarray, predicted: list[np.ndarray], own: np.ndarray, folds: int, level: float
) -> list[Found]:
    done = finished(rows)
    psi = sample_pseudo_values(integrand, rows)
    psi_s = np.concatenate([pseudo_values(*integrand.summands(p[done])) for p in predicted], axis=1)
    theta = own.mean(axis=0)
    noise = np.atleast_2d(np.cov(own, rowvar=False)) / len(own)
    n, size = psi.shape
    found: list[Found] = []
    for index, statistic in enumerate(integrand.statistics):
        pick = [place * size + j for place in range(len(predicted)) for j in integrand.controls(index)]
        chosen, residuals = coefficients(psi[:, index], psi_s[:, pick] - theta[pick], folds, noise[np.ix_(pick, pick)])
        mean = chosen.mean(axis=0)
        sampling = float(residuals.var(ddof=1)) / n
        controls = float(mean @ noise[np.ix_(pick, pick)] @ mean)
        dof = welch([(sampling, n - 1), (controls, len(own) - 1)])
        error = float(np.sqrt(sampling + controls))
        found.append((figure(statistic, float(residuals.mean()), error, dof, level), heavy_tail(residuals), mean))
    return found


def _probability(
    integrand: Integrand, rows: np.ndarray, predicted: list[np.ndarray], own: np.ndarray, folds: int, level: float
) -> list[Found]:
    """One surrogate, the best: indicators of two surrogates would make four kinds of disagreement to floor."""
    (statistic,) = integrand.statistics
    surrogate = predicted[0][:, 0, 0]
    ways = [
        _parts(statistic, np.where(np.isnan(rows[:, 0, 0]), fill, rows[:, 0, 0]), surrogate, own[:, 0], folds, level)
        for fill in (0.0, 1.0)
    ]
    return [(both_ways(ways[0][0], ways[1][0]), False, 0.5 * (ways[0][1] + ways[1][1]))]


def _parts(
    statistic: Statistic, event: np.ndarray, surrogate: np.ndarray, own: np.ndarray, folds: int, level: float
) -> tuple[Figure, np.ndarray]:
    n, p_s = len(event), float(own.mean())
    variance = float(own.var(ddof=1)) / len(own)
    chosen, residuals = coefficients(event, surrogate[:, None] - p_s, folds, np.array([[variance]]))
    beta = np.clip(chosen[:, 0], 0.0, 1.0)
    both, missed, extra = event * surrogate, event * (1 - surrogate), surrogate * (1 - event)
    agreed = (1 - beta) * both
    values = [float(beta.mean()) * p_s, float(agreed.mean()), float(missed.mean()), -float((beta * extra).mean())]
    spread = weighted_count_interval(beta * extra / n, float(beta.max()) / n, level)
    intervals = [
        t_interval(values[0], float(beta.mean()) * np.sqrt(variance), len(own) - 1, level),
        weighted_count_interval(agreed / n, float((1 - beta).max()) / n, level),
        weighted_count_interval(missed / n, 1 / n, level),
        (-spread[1], -spread[0]),
    ]
    low, high = combined(values, intervals)
    error = float(np.sqrt(residuals.var(ddof=1) / n + float(beta.mean()) ** 2 * variance))
    return Figure(float(sum(values)), max(low, 0.0), min(high, 1.0), error), chosen.mean(axis=0)
