"""The models of an exceedance question as functions of independent standard normals z."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.sampling import Heard, Model, Task, child, run_seeds, values_at
from surecast.study.progress import progress

_LOG_TAU = float(np.log(2 * np.pi))


class Predictor(Protocol):
    """A surrogate over standard normals."""

    def values(self, z: np.ndarray) -> np.ndarray:
        """Values (n, outputs) at points (n, d)."""

    def predict(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The values, and standard deviations (n, outputs) of them, or None where it does not know these."""


class Given:
    """A surrogate that the question came with."""

    def __init__(self, model: Model, integrand: ExceedanceIntegrand, chunk: int) -> None:
        self.model, self.integrand, self.chunk = model, integrand, chunk

    def values(self, z: np.ndarray) -> np.ndarray:
        """See `Predictor.values`."""
        law, size = self.integrand.law, self.chunk
        parts = [
            values_at(self.model, self.integrand, law.from_normal(z[start : start + size]), None)
            for start in range(0, len(z), size)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.integrand.outputs)))

    def predict(self, z: np.ndarray) -> tuple[np.ndarray, None]:
        """See `Predictor.predict`: a surrogate at hand is judged by its errors, not by what it says of itself."""
        return self.values(z), None


class NormalSpace:
    """Truth and surrogates over z (n, d); remembers every run, and counts what the models were asked.

    Parameters
    ----------
    integrand : ExceedanceIntegrand
        The event.
    task : Task
        Models, chunks and streams.
    label : str
        Named in the progress line.
    """

    def __init__(self, integrand: ExceedanceIntegrand, task: Task, label: str = "importance_sampling") -> None:
        self.integrand, self.task, self.label = integrand, task, label
        self.law, self.dimension = integrand.law, integrand.law.dimension
        self.heard = Heard(task.truth, integrand)
        self.surrogates: list[Predictor] = [Given(model, integrand, task.surrogate_chunk) for model in task.surrogates]
        self.scales: dict[str, float] = {}
        self.surrogate_runs = self.truth_runs = self.failed_runs = 0
        self._points: list[np.ndarray] = []
        self._values: list[np.ndarray] = []

    def log_law(self, z: np.ndarray) -> np.ndarray:
        """log phi(z), (n,)."""
        return np.asarray(-0.5 * ((z * z).sum(axis=1) + self.dimension * _LOG_TAU))

    def truth(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Event (n,) of the simulator, 0 or 1, and margin (n,); both NaN where the run failed.

        Every call has run seeds of its own.
        """
        seeds = run_seeds(child(self.task.seed, 1), self.truth_runs, self.truth_runs + len(z), 1)[:, 0]
        size = self.task.chunk
        values = np.concatenate(
            [
                values_at(
                    self.heard,
                    self.integrand,
                    self.law.from_normal(z[start : start + size]),
                    seeds[start : start + size],
                )
                for start in progress(range(0, len(z), size), self.label, total=-(-len(z) // size))
            ]
        )
        self.truth_runs += len(z)
        self.failed_runs += int(np.isnan(values).any(axis=1).sum())
        self._points.append(z)
        self._values.append(values)
        return self.integrand.columns(values)[:, 0], self.integrand.margin(values, self._scaled(values))

    def finished(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) and values (n, outputs) of all runs so far that finished.

        Raises
        ------
        EstimationError
            If runs were made and fewer than ten finished.
        """
        points, values = np.concatenate(self._points), np.concatenate(self._values)
        done = ~np.isnan(values).any(axis=1)
        if done.sum() < 10:
            raise self.heard.few(f"only {done.sum()} of {len(done)} runs finished: nothing can be said.")
        return points[done], values[done]

    def indicator(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Event of a surrogate (n,): 0 or 1."""
        return (self.margin(surrogate, z) > 0).astype(float)

    def margin(self, surrogate: int, z: np.ndarray) -> np.ndarray:
        """Margin of a surrogate (n,), positive inside the event, in units of the outputs' spread under the law."""
        self.surrogate_runs += len(z)
        return self.margin_of(self.surrogates[surrogate].values(z))

    def margin_of(self, values: np.ndarray) -> np.ndarray:
        """Margin (n,) of outputs' values (n, outputs), in units of the spread of the first values ever seen."""
        return self.integrand.margin(values, self._scaled(values))

    def unsure(self, predictor: Predictor, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Margin (n,) and its standard deviation (n,), 0 where the predictor does not know it.

        The deviations of several outputs are carried over by central differences of one deviation, as the margin
        is piecewise linear in the outputs.
        """
        self.surrogate_runs += len(z)
        values, deviations = predictor.predict(z)
        margin = self.margin_of(values)
        if deviations is None:
            return margin, np.zeros(len(z))
        square = np.zeros(len(z))
        for column in range(values.shape[1]):
            step = np.zeros_like(values)
            step[:, column] = deviations[:, column]
            square += np.square(self.margin_of(values + step) - self.margin_of(values - step)) / 4
        return margin, np.sqrt(square)

    def _scaled(self, values: np.ndarray) -> dict[str, float]:
        """Scales of the outputs: fixed by the first values, which are on draws from the law (or near it)."""
        done = values[~np.isnan(values).any(axis=1)]
        if not self.scales and len(done):
            spread = done.std(axis=0)
            self.scales = {name: float(s) or 1.0 for name, s in zip(self.integrand.outputs, spread, strict=True)}
        return self.scales
