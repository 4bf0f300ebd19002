r"""The answers of another question if the inputs followed another law, from the same runs by reweighting.

    E_other[T] = E[w T] / E[w],    w = f_other / f,    answer g(E_other[T])

with T and g the summands and the function of the question asked again (w of all independent draws of a row
multiplied: a pick-freeze row holds two). The interval is that of a smooth function of the means of (w T, w).
Probabilities are E[w 1{event}] with an interval of weighted counts (Fay and Feuer 1997), which holds for few
events too. How much the runs still say is their effective number (sum w)^2/sum w^2 (Kish 1965), reported with every
answer; below a stated share the question is refused before any run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from surecast.quantify.distribution import DistributionIntegrand
from surecast.quantify.estimators.estimator import Figure, Found
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import weighted_count_interval
from surecast.quantify.jackknife import weighted
from surecast.quantify.other_law import LEAST_ROWS, DensityRatio, scaled
from surecast.quantify.sobol import SobolIntegrand
from surecast.quantify.verdict import effective_number, weight_reasons
from surecast.study.errors import EstimationError

OTHER = "other"
"""Name of the other law in statistics and messages."""


def draws(integrand: Integrand) -> tuple[int, ...]:
    """Runs of a row that hold its independent draws of the inputs.

    Raises
    ------
    EstimationError
        If a row is more than its runs: the chain of groups of a Shapley effect.
    """
    if isinstance(integrand, SobolIntegrand):
        if integrand.row_dimension != 2 * integrand.law.dimension:
            raise EstimationError(
                "Shapley effects cannot be answered by reweighting.", "ask for first-order and total indices."
            )
        return (0, 1)
    return (0,)


class ReweightedIntegrand(Integrand):
    """Summands (w T, w) of another integrand's summands T; the last column of every run is its log w."""

    def __init__(self, base: Integrand, ratio: DensityRatio, least_share: float) -> None:
        self.base, self.ratio, self.least_share = base, ratio, least_share
        self.law, self.outputs, self.draws = base.law, base.outputs, draws(base)
        self.runs_per_row, self.row_dimension = base.runs_per_row, base.row_dimension
        self.statistics = tuple(replace(statistic, law=OTHER) for statistic in base.statistics)
        self.methods = (*base.methods, "hesterberg1995")
        self.joint = base.joint

    def runs(self, uniforms: np.ndarray) -> np.ndarray:
        """Those of the question asked again."""
        return self.base.runs(uniforms)

    @property
    def column_outputs(self) -> tuple[str, ...]:
        """Those of the question asked again; the last column is the weight's."""
        return (*self.base.column_outputs, "")

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Those of the question asked again."""
        return self.base.columns(values)

    def observe(self, inputs: xr.Dataset, values: np.ndarray) -> np.ndarray:
        """See `Integrand.observe`: with log w as the last column."""
        return np.concatenate([self.base.observe(inputs, values), self.ratio.log(inputs)[:, None]], axis=1)

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """Weights (n,) of rows, the largest one 1."""
        return scaled(rows[:, list(self.draws), -1].sum(axis=1))

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`."""
        return weighted(*self.base.summands(rows[..., :-1]), self.weights(rows))

    def groups_of(self) -> Mapping[str, Sequence[str]]:
        """Those of the question asked again."""
        return self.base.groups_of()

    def controls(self, statistic: int) -> Sequence[int]:
        """Those of the question asked again."""
        return self.base.controls(statistic)

    def remarks(self, rows: np.ndarray) -> list[tuple[tuple[str, ...], dict[str, float]]]:
        """See `Integrand.remarks`: the effective number of rows."""
        flat = rows.reshape(-1, *rows.shape[-2:])
        weights = self.weights(flat[~np.isnan(flat).any(axis=(1, 2))])
        found = {"effective_rows": effective_number(weights), "rows": float(len(weights))}
        reasons = weight_reasons(weights, max(self.least_share * len(weights), LEAST_ROWS), "rows")
        base = list(self.base.remarks(rows[..., :-1])) or [((), {})] * len(self.statistics)
        return [((*reasons, *more), found | figures) for more, figures in base]


class WeighedRuns(DistributionIntegrand):
    """Base of what weighs single random runs; the last column of every run is its log w."""

    ratio: DensityRatio
    least_share: float

    def observe(self, inputs: xr.Dataset, values: np.ndarray) -> np.ndarray:
        """See `Integrand.observe`: with log w as the last column."""
        return np.concatenate([self.columns(values), self.ratio.log(inputs)[:, None]], axis=1)

    def from_replicates(self, rows: np.ndarray, level: float) -> list[Found]:
        """Refused: weighted runs in a few replicates have no honest interval."""
        raise EstimationError("replicates cannot be reweighted.", "use monte_carlo.")

    def from_controls(
        self, rows: np.ndarray, predicted: Sequence[np.ndarray], own: Sequence[np.ndarray], folds: int, level: float
    ) -> list[Found]:
        """Refused, see `from_replicates`."""
        raise EstimationError("control variates cannot reweigh events and quantiles.", "use monte_carlo.")


class WeightedEvent(WeighedRuns):
    """Probability of an event under another law; columns are the indicator and log w, of one run a row."""

    def __init__(self, base: ExceedanceIntegrand, ratio: DensityRatio, least_share: float) -> None:
        self.base, self.ratio, self.least_share = base, ratio, least_share
        self.law, self.outputs, self.row_dimension = base.law, base.outputs, base.row_dimension
        self.statistics = tuple(replace(one, law=OTHER, interval="share") for one in base.statistics)
        self.methods = ("hesterberg1995", "fay1997")

    def columns(self, values: np.ndarray) -> np.ndarray:
        """The indicator."""
        return self.base.columns(values)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: w times the indicator."""
        return rows[:, 0, :1] * np.exp(rows[:, 0, 1:]), lambda means: means

    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """Weighted counts of the rarer of event and no event; failed runs are counted both ways."""
        event, weights = rows[:, 0, 0], np.exp(rows[:, 0, 1]) / len(rows)
        failed = np.isnan(event)
        rare = event if weights[event == 1].sum() <= weights[event == 0].sum() else 1 - event
        least, most = weights[rare == 1], weights[(rare == 1) | failed]
        top = float(weights.max())
        low = weighted_count_interval(least, top, level)[0]
        high = min(weighted_count_interval(most, top, level)[1], 1.0)
        value = float(np.clip(0.5 * (least.sum() + most.sum()), low, high))
        if rare is not event:
            value, low, high = 1 - value, 1 - high, 1 - low
        error = float(np.sqrt(np.square(most).sum()))
        events = {"effective_events": effective_number(weights[event == 1])}
        return [Found(Figure(value, low, high, error), counted=True, diagnostics=events)]

    def remarks(self, rows: np.ndarray) -> list[tuple[tuple[str, ...], dict[str, float]]]:
        """See `Integrand.remarks`: the effective number of runs."""
        weights = scaled(rows[:, 0, 1])
        effective = {"effective_rows": effective_number(weights), "rows": float(len(weights))}
        return [(weight_reasons(weights, self.least_share * len(weights)), effective)]
