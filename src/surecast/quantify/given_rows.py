r"""Sobol indices of pick-freeze evaluations that are there already, by the delta method on sufficient statistics.

With T a row's summands (values, squares, products; see `pick_freeze`), m their mean and C their covariance,

    S = g(m),    se^2 = J C J^T/n,    J = dg/dm,

one pass over the rows in blocks: no resampling, no copy of the data. J is found by central differences of g, exact to
some ten digits because g is a ratio of quadratic forms in numbers that were scaled to order one. Rows must be
independent draws; for scrambled points use the estimator `scrambled_sobol`, whose error is the spread over scramblings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surecast.quantify.estimates import Statistic
from surecast.quantify.estimators.estimator import Figure, figure
from surecast.quantify.indices import Formula
from surecast.quantify.pick_freeze import Measure, SobolIntegrand
from surecast.study.errors import EstimationError
from surecast.study.laws.continuous import Uniform
from surecast.study.laws.joint import JointLaw

BLOCK = 4096
_STEP = 1e-5


def indices_of_rows(
    rows: np.ndarray,
    names: Sequence[str],
    measures: Sequence[Measure] = ("first", "total"),
    formula: Formula = "adaptive",
    level: float = 0.95,
) -> dict[Statistic, Figure]:
    """Indices with intervals from evaluations of one output.

    Parameters
    ----------
    rows : (n, runs_per_row) array
        Values of A, B and A_i (group i taken from B) in every row, and of B_i for second order.
    names : sequence of str
        The groups.
    measures : sequence of str
        ``first``, ``total``, ``second``.
    formula, level
        See `surecast.quantify.sobol.Sobol`.

    Raises
    ------
    EstimationError
        If the number of columns does not fit, rows are fewer than 30 or not finite, or values do not vary.
    """
    if "shapley" in measures:
        raise EstimationError("Shapley effects need the order of each chain.", "ask for first, total or second.")
    law = JointLaw({name: Uniform(low=0, high=1) for name in names})
    integrand = SobolIntegrand(law, ["y"], {name: (name,) for name in names}, measures, formula)
    if rows.ndim != 2 or rows.shape[1] != integrand.runs_per_row:
        raise EstimationError(
            f"{len(names)} groups and {', '.join(measures)} take rows of {integrand.runs_per_row} values, not an array "
            f"of shape {rows.shape}.",
            "order the columns as A, B, then A with each group from B"
            + (", then B with each group from A." if integrand.reversed else "."),
        )
    n = len(rows)
    if n < 30:
        raise EstimationError(f"{n} rows are too few for an interval.", "give 30 or more.")
    centre = float(rows.mean(dtype=np.float64))
    spread = float(np.sqrt(sum(np.square(block - centre).sum() for block in _blocks(rows)) / rows.size))
    if not np.isfinite(spread):
        raise EstimationError("some evaluations are not finite.", "leave out the rows with failed runs.")
    if not spread > 0:
        raise EstimationError("all evaluations are equal: indices are not defined.", "ask about an output that varies.")
    order = np.empty((0, 0), dtype=np.int64)
    total: np.ndarray | float = 0.0
    gram: np.ndarray | float = 0.0
    for block in _blocks(rows):
        values = ((block - centre) / spread)[:, None, :]
        summands = np.concatenate([values, integrand.products(values, values, order)], axis=2)[:, 0]
        total = total + summands.sum(axis=0)
        gram = gram + summands.T @ summands
    mean = np.asarray(total) / n
    covariance = (np.asarray(gram) / n - np.outer(mean, mean)) * n / (n - 1)
    width = integrand.runs_per_row

    def function(means: np.ndarray) -> np.ndarray:
        return integrand.answers(means[..., None, :width], means[..., None, width:])[0]

    steps = _STEP * np.eye(len(mean))
    slopes = (function(mean + steps) - function(mean - steps)) / (2 * _STEP)
    errors = np.sqrt(np.maximum(np.einsum("ks,kl,ls->s", slopes, covariance, slopes), 0.0) / n)
    return {
        statistic: figure(statistic, float(value), float(error), n - 1, level)
        for statistic, value, error in zip(integrand.statistics, function(mean), errors, strict=True)
    }


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
