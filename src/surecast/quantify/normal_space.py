"""The models of an exceedance question as functions of independent standard normals z."""

from __future__ import annotations

import numpy as np

from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.sampling import Task, child, run_seeds, values_at
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

    def truth(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Event (n,) of the simulator, 0 or 1, and margin (n,); both NaN where the run failed.

        Every call has run seeds of its own.
        """
        seeds = run_seeds(child(self.task.seed, 1), self.truth_runs, self.truth_runs + len(z), 1)[:, 0]
        size = self.task.chunk
        values = np.concatenate(
            [
                values_at(
                    self.task.truth,
                    self.integrand,
                    self.law.from_normal(z[start : start + size]),
                    seeds[start : start + size],
                )
                for start in progress(range(0, len(z), size), "importance_sampling", total=-(-len(z) // size))
            ]
        )
        self.truth_runs += len(z)
        self.failed_runs += int(np.isnan(values).any(axis=1).sum())
        return self.integrand.columns(values)[:, 0], self.integrand.margin(values, self.scales)

    def indicator(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Event of a surrogate (n,): 0 or 1."""
        return (self.margin(surrogate, z) > 0).astype(float)

    def margin(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Margin of a surrogate (n,), positive inside the event, in units of the outputs' spread under the law."""
        size = self.task.surrogate_chunk
        values = np.concatenate(
            [
                values_at(
                    self.task.surrogates[surrogate], self.integrand, self.law.from_normal(z[start : start + size]), None
                )
                for start in range(0, len(z), size)
            ]
        )
        self.surrogate_runs += len(z)
        if not self.scales:  # the first call is on draws from the law
            spread = values.std(axis=0)
            self.scales = {name: float(s) or 1.0 for name, s in zip(self.integrand.outputs, spread, strict=True)}
        return self.integrand.margin(values, self.scales)
