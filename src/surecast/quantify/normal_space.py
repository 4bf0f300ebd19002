"""The models of an exceedance question as functions of independent standard normals z."""

from __future__ import annotations

import numpy as np

from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.sampling import Task, child, observe_inputs, run_seeds
from surecast.study.errors import EstimationError
from surecast.study.progress import progress


class NormalSpace:
    """Truth and surrogates over z (n, d); counts what they were asked.

    Parameters
    ----------
    integrand : ExceedanceIntegrand
        The event.
    task : Task
        Models, chunks and streams.
    """

    def __init__(self, integrand: ExceedanceIntegrand, task: Task) -> None:
        self.integrand, self.task = integrand, task
        self.law, self.dimension = integrand.law, integrand.law.dimension
        self.scales: dict[str, float] = {}
        self.surrogate_runs = self.truth_runs = self.failed_runs = 0

    def log_law(self, z: np.ndarray) -> np.ndarray:
        """log phi(z), (n,)."""
        return np.asarray(-0.5 * ((z * z).sum(axis=1) + self.dimension * np.log(2 * np.pi)))

    def truth(self, z: np.ndarray) -> np.ndarray:
        """Event of the simulator (n,): 0, 1, or NaN where the run failed. Every call has run seeds of its own."""
        seeds = run_seeds(child(self.task.seed, 1, self.truth_runs), len(z), 1)[:, 0]
        found = []
        size = self.task.chunk
        for start in progress(range(0, len(z), size), "importance_sampling", total=-(-len(z) // size)):
            inputs = self.law.from_normal(z[start : start + size])
            found.append(observe_inputs(self.task.truth, self.integrand, inputs, seeds[start : start + size])[:, 0])
        event = np.concatenate(found)
        self.truth_runs += len(z)
        self.failed_runs += int(np.isnan(event).sum())
        return event

    def indicator(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Event of a surrogate (n,): 0 or 1."""
        return (self.margin(surrogate, z) > 0).astype(float)

    def margin(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Margin of a surrogate (n,), positive inside the event, in units of the outputs' spread under the law.

        Raises
        ------
        EstimationError
            If it predicts values that are not finite.
        """
        values = self._predict(surrogate, z)
        if not self.scales:  # the first call is on draws from the law
            spread = values.std(axis=0)
            self.scales = {name: float(s) or 1.0 for name, s in zip(self.integrand.outputs, spread, strict=True)}
        return self.integrand.margin(values, self.scales)

    def _predict(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        blocks = []
        for start in range(0, len(z), self.task.surrogate_chunk):
            inputs = self.law.from_normal(z[start : start + self.task.surrogate_chunk])
            predicted = self.task.surrogates[surrogate](inputs)
            columns = [np.asarray(predicted[name].values, dtype=np.float64) for name in self.integrand.outputs]
            blocks.append(np.stack(columns, axis=1))
        values = np.concatenate(blocks)
        self.surrogate_runs += len(z)
        if not np.isfinite(values).all():
            raise EstimationError(
                "a surrogate predicts values that are not finite.",
                "look at its evaluation, train it longer, or name another surrogate in the question.",
            )
        return values
