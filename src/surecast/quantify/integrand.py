"""What an estimator averages: rows of runs, their summands, and the smooth function of the summands' means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.quantify.estimates import Statistic
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    import xarray as xr


class Integrand(ABC):
    """A question made ready for estimators.

    A *row* is what is drawn independently: one run for moments and probabilities, G + 2 runs for the
    Sobol indices of G groups. From a row's observations come its summands; the answers are a smooth
    function of the summands' means.
    """

    law: JointLaw
    outputs: tuple[str, ...]
    statistics: tuple[Statistic, ...]
    runs_per_row: int
    row_dimension: int
    methods: tuple[str, ...] = ()
    joint: bool = False
    """Whether the covariance of all its estimates is part of the answer."""
    bounded_measures: tuple[str, ...] = ()
    """Measures whose worst cases over failed runs are known; see `surecast.quantify.failures`."""

    def runs(self, uniforms: np.ndarray) -> np.ndarray:
        """From rows (n, row_dimension) of uniforms to runs (n, runs_per_row, law.dimension) of uniforms."""
        return uniforms[:, None, :]

    def values(self, outputs: xr.Dataset) -> np.ndarray:
        """The outputs' values (runs, outputs), NaN where a run failed."""
        columns = np.stack([np.asarray(outputs[name].values, dtype=np.float64) for name in self.outputs], axis=1)
        failed = outputs["failed"].values.astype(bool) if "failed" in outputs else np.zeros(len(columns), dtype=bool)
        return np.where(failed[:, None] | ~np.isfinite(columns), np.nan, columns)

    @property
    def column_outputs(self) -> tuple[str, ...]:
        """Output that each column of the observations depends on alone; empty where there is no such one."""
        return self.outputs

    def column_bounds(self, bounds: Mapping[str, tuple[float, float]]) -> Sequence[tuple[float, float] | None]:
        """Lowest and highest value that a failed run may have had in each column, None where it is not known.

        Parameters
        ----------
        bounds : mapping
            Output -> lowest and highest value that it can have.
        """
        return [bounds.get(name) for name in self.column_outputs]

    def column_of(self, statistic: int) -> int:
        """The column that a statistic of `bounded_measures` is about."""
        return self.outputs.index(self.statistics[statistic].output)

    def boundable(self, statistic: Statistic) -> bool:
        """Whether `bounds` of its output tell what failed runs may do to a statistic."""
        return self.runs_per_row == 1 and statistic.measure in self.bounded_measures

    def columns(self, values: np.ndarray) -> np.ndarray:
        """Observations (runs, columns) from the outputs' values (runs, outputs); NaN stays NaN."""
        return values

    def observe(self, inputs: xr.Dataset, values: np.ndarray) -> np.ndarray:
        """Observations (runs, columns) from the outputs' values and the inputs, which weights look at."""
        return self.columns(values)

    def remarks(self, rows: np.ndarray) -> Sequence[tuple[tuple[str, ...], dict[str, float]]]:
        """Reasons for doubt and diagnostics of each statistic from the simulator's rows; empty where there are none."""
        return ()

    def settled(self, uniforms: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """What is kept of rows of observations (n, runs_per_row, columns), whose uniforms were (n, row_dimension).

        Everything, by default. An integrand may append what `summands` must know of a row behind its runs, or keep
        less than whole fields; NaN must stay where a run failed.
        """
        return observed

    @abstractmethod
    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Summands of rows and the function of their means.

        Parameters
        ----------
        rows : (n, runs_per_row, columns) array
            Observations without NaN.

        Returns
        -------
        (n, k) array and a function from means (..., k) to statistics (..., S)
        """

    def groups_of(self) -> Mapping[str, Sequence[str]]:
        """Groups of inputs that the statistics speak of; empty except for Sobol indices."""
        return {}

    def controls(self, statistic: int) -> Sequence[int]:
        """Which of the surrogate's own statistics serve as controls for a statistic."""
        return [statistic]
