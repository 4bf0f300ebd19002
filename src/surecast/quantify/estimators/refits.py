"""Gaussian processes refitted to the simulator runs of an estimator, in standard-normal space.

    y(z) = b(z) + m + s f(z),   f ~ GP

A process whose lengths suit the whole of the input law blurs kinks of the limit state, as where one of two outputs
takes over from the other. So `Zoomed` has a second process, of the runs nearest to the limit state alone, and asks
it where the first one predicts a margin no larger than theirs.

b is a surrogate at hand (the process learns its discrepancy) or nothing (it learns the outputs). The fit is that of the
 surrogate `gaussian_process`; it learns from runs that enter no estimate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surecast.quantify.normal_space import NormalSpace, Predictor
from surecast.train.models.gaussian_process import GaussianProcess
from surecast.train.models.process import Process

_MOST_RUNS = 600
"""Runs that a process learns from at most: the nearest to the event of a larger number; its cost is cubic."""


class Refit:
    """One process an output, with or without a surrogate below; see `Predictor`."""

    def __init__(self, base: Predictor | None, processes: Sequence[Process]) -> None:
        self.base, self.processes = base, tuple(processes)

    def values(self, z: np.ndarray) -> np.ndarray:
        """See `Predictor.values`."""
        found = np.stack([process.mean(z) for process in self.processes], axis=1)
        return found if self.base is None else found + self.base.values(z)

    def predict(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Predictor.predict`."""
        both = [process.predict(z) for process in self.processes]
        found, deviations = (np.stack(columns, axis=1) for columns in zip(*both, strict=True))
        return found if self.base is None else found + self.base.values(z), deviations

    @property
    def lengths(self) -> np.ndarray:
        """Shortest length over the outputs in each direction (d,)."""
        return np.asarray(np.min([process.lengths for process in self.processes], axis=0))


class Zoomed:
    """`far` where it predicts a margin larger than `width`, `near` elsewhere; see `Predictor`."""

    def __init__(self, space: NormalSpace, far: Refit, near: Refit, width: float) -> None:
        self.space, self.far, self.near, self.width = space, far, near, width
        self.lengths = near.lengths

    def values(self, z: np.ndarray) -> np.ndarray:
        """See `Predictor.values`."""
        found = self.far.values(z)
        close = np.abs(self.space.margin_of(found)) <= self.width
        found[close] = self.near.values(z[close])
        return found

    def predict(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Predictor.predict`."""
        found, deviations = self.far.predict(z)
        close = np.abs(self.space.margin_of(found)) <= self.width
        found[close], deviations[close] = self.near.predict(z[close])
        return found, deviations


def zoom(space: NormalSpace, far: Refit) -> Zoomed | None:
    """The quarter of the runs nearest to the limit state, as a process of its own; None where it is too small."""
    z, values = space.finished()
    margin = np.abs(space.margin_of(values))
    count = len(z) // 4
    if count < 10 * space.dimension + 10:
        return None
    near = np.argsort(margin, kind="stable")[:count]
    width = float(margin[near].max())
    return Zoomed(space, far, _fit(space, None, z[near], values[near], 30), width) if width > 0 else None


def refit(space: NormalSpace, base: Predictor | None, iterations: int = 20) -> Refit:
    """Fit to all runs of `space` so far that finished.

    Raises
    ------
    EstimationError
        If fewer than ten runs finished.
    """
    z, values = space.finished()
    if len(z) > _MOST_RUNS:
        near = np.argsort(np.abs(space.margin_of(values)), kind="stable")[:_MOST_RUNS]
        z, values = z[near], values[near]
    return _fit(space, base, z, values, iterations)


def _fit(space: NormalSpace, base: Predictor | None, z: np.ndarray, values: np.ndarray, iterations: int) -> Refit:
    from threadpoolctl import threadpool_limits

    from surecast.train.models.gaussian_process_fit import fit_output  # it imports what a plan does not need

    if base is not None:
        space.surrogate_runs += len(z)
        values = values - base.values(z)
    settings = GaussianProcess(iterations=iterations)
    with threadpool_limits(1):
        processes = [
            fit_output(settings, z, np.ascontiguousarray(column), name)[0]
            for name, column in zip(space.integrand.outputs, values.T, strict=True)
        ]
    return Refit(base, processes)
