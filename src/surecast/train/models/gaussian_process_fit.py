"""Fit of Gaussian processes by scikit-learn, and their predictions; equations in `gaussian_process`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import TrainingError
from surecast.train.data import TrainingData
from surecast.train.models.likelihood import NegativeLikelihood
from surecast.train.points import names as column_names
from surecast.train.scalars import ScalarSurrogate

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study
    from surecast.train.models.gaussian_process import GaussianProcess

TOGETHER = 1024
"""Points whose covariances with the training runs are in memory at once."""

SMALLEST_NOISE, LARGEST_NOISE = 1e-10, 1.0
SHORTEST, LONGEST = 1e-2, 1e4
MOST_RUNS = 8000


@dataclass(frozen=True)
class Process:
    """One fitted Gaussian process.

    Parameters
    ----------
    covariance : str
        ``matern52`` or ``squared_exponential``.
    points : numpy.ndarray
        Training points divided by the lengths, (n, d).
    weights : numpy.ndarray
        K^-1 y, (n,).
    lengths : numpy.ndarray
        l_i, (d,).
    amplitude, noise : float
        c and v.
    shift, scale : float
        m and s.
    logarithm : bool
        Whether y is the logarithm of the output.
    """

    covariance: str
    points: np.ndarray
    weights: np.ndarray
    lengths: np.ndarray
    amplitude: float
    noise: float
    shift: float
    scale: float
    logarithm: bool

    def latent(self, points: np.ndarray) -> np.ndarray:
        """Conditional mean of y (the logarithm of the output, where `logarithm`), (run,)."""
        mean = np.empty(len(points))
        for start in range(0, len(points), TOGETHER):
            covariance = self._covariances(points[start : start + TOGETHER])
            # Products summed along each row, not a matrix product: a run's bits do not depend on its neighbours.
            mean[start : start + TOGETHER] = (covariance * self.weights).sum(axis=1)
        return self.shift + self.scale * mean

    def latent_deviation(self, points: np.ndarray) -> np.ndarray:
        """Conditional standard deviation of y, without the noise, (run,)."""
        from scipy.linalg import solve_triangular

        deviation = np.empty(len(points))
        for start in range(0, len(points), TOGETHER):
            block = self._covariances(points[start : start + TOGETHER])
            half = solve_triangular(self._cholesky, block.T, lower=True, check_finite=False)
            deviation[start : start + TOGETHER] = np.sqrt(np.maximum(self.amplitude - (half**2).sum(axis=0), 0.0))
        return self.scale * deviation

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The prediction: the conditional mean, or where the logarithm was learnt the conditional median, (run,)."""
        latent = self.latent(points)
        return np.exp(latent) if self.logarithm else latent

    def deviation(self, points: np.ndarray) -> np.ndarray:
        """Conditional standard deviation of the output, (run,); for logarithms that of the log-normal law."""
        deviation = self.latent_deviation(points)
        if not self.logarithm:
            return deviation
        square = deviation**2
        return np.asarray(np.exp(self.latent(points) + square / 2) * np.sqrt(np.expm1(square)))

    def _covariances(self, points: np.ndarray) -> np.ndarray:
        from scipy.spatial.distance import cdist

        scaled = points / self.lengths
        if self.covariance == "squared_exponential":
            return np.asarray(self.amplitude * np.exp(-0.5 * cdist(scaled, self.points, "sqeuclidean")))
        distance = np.sqrt(5.0) * cdist(scaled, self.points)
        return np.asarray(self.amplitude * (1.0 + distance + distance**2 / 3.0) * np.exp(-distance))

    @cached_property
    def _cholesky(self) -> np.ndarray:
        matrix = self._covariances(self.points * self.lengths)
        matrix[np.diag_indices_from(matrix)] += self.noise
        return np.linalg.cholesky(matrix)

    def record(self) -> dict[str, Any]:
        """Numbers beside the arrays."""
        keys = ("amplitude", "noise", "shift", "scale", "logarithm")
        return {key: getattr(self, key) for key in keys}

    def tensors(self, output: str) -> dict[str, np.ndarray]:
        """Arrays by name."""
        return {f"{output}.{key}": getattr(self, key) for key in ("points", "weights", "lengths")}

    @classmethod
    def from_files(cls, covariance: str, about: dict[str, Any], tensors: dict[str, np.ndarray], output: str) -> Process:
        """Inverse of `record` and `tensors`."""
        points, weights, lengths = (tensors[f"{output}.{key}"] for key in ("points", "weights", "lengths"))
        return cls(covariance, points, weights, lengths, **about)


def fit_process(
    points: np.ndarray, values: np.ndarray, covariance: str, logarithm: bool, iterations: int
) -> tuple[Process, list[float]]:
    """Fit one process; also the negative log marginal likelihood per iteration.

    Parameters
    ----------
    points : numpy.ndarray
        (n, d).
    values : numpy.ndarray
        (n,); positive if `logarithm`.
    covariance, logarithm, iterations
        See `surecast.train.models.gaussian_process.GaussianProcess`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    y = np.log(values) if logarithm else values
    shift, scale = float(y.mean()), float(y.std()) or 1.0
    start = np.full(points.shape[1], max(1.0, points.shape[1] ** 0.5))
    bounds = (SHORTEST, LONGEST)
    shape = RBF(start, bounds) if covariance == "squared_exponential" else Matern(start, bounds, nu=2.5)
    kernel = ConstantKernel(1.0, (1e-4, 1e6)) * shape + WhiteKernel(1e-3, (SMALLEST_NOISE, LARGEST_NOISE))
    course: list[float] = []
    likelihood = NegativeLikelihood(points, (y - shift) / scale, covariance)
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=_optimiser(likelihood, iterations, course))
    with warnings.catch_warnings():
        # A length at its upper bound says that a variable does not matter: that is what the lengths are for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points, (y - shift) / scale)
    product, white = model.kernel_.k1, model.kernel_.k2
    lengths = np.broadcast_to(product.k2.length_scale, points.shape[1:]).astype(np.float64)
    return (
        Process(
            covariance,
            points / lengths,
            np.asarray(model.alpha_, dtype=np.float64),
            lengths,
            float(product.k1.constant_value),
            float(white.noise_level),
            shift,
            scale,
            logarithm,
        ),
        course,
    )


def _optimiser(
    likelihood: NegativeLikelihood, iterations: int, course: list[float]
) -> Callable[..., tuple[np.ndarray, float]]:
    def minimise(objective: object, start: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, float]:
        from scipy.optimize import OptimizeResult, minimize

        def record(intermediate_result: OptimizeResult) -> None:
            course.append(float(intermediate_result.fun))

        # scikit-learn's own objective stores an n x n matrix for each length: the same numbers, 20 times slower.
        found = minimize(
            likelihood,
            start,
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            callback=record,
            options={"maxiter": iterations},
        )
        return found.x, found.fun

    return minimise


def wants_logarithm(values: np.ndarray, setting: str, output: str) -> bool:
    """Whether the logarithm of an output is learnt.

    Raises
    ------
    TrainingError
        If it is always to be learnt but a value is not positive.
    """
    from scipy.stats import skew

    positive = bool((values > 0).all())
    if setting == "always" and not positive:
        raise TrainingError(f"{output} has training values that are not positive.", "set logarithm: auto.")
    if setting != "auto" or not positive or np.ptp(values) == 0:
        return setting == "always"
    return bool(abs(skew(np.log(values))) < abs(skew(values)))


class GaussianProcessSurrogate(ScalarSurrogate):
    """Gaussian processes, one for each scalar output."""

    def __init__(self, study: Study, name: str, settings: GaussianProcess, processes: dict[str, Process]) -> None:
        super().__init__(study, name, settings, list(processes))
        self.processes = processes

    def points(self, inputs: xr.Dataset) -> np.ndarray:
        """Standard normals."""
        return self.study.joint_law().to_normal(inputs)

    def evaluate(self, output: str, points: np.ndarray) -> np.ndarray:
        """See `ScalarSurrogate.evaluate`."""
        return self.processes[output].mean(points)

    def standard_deviation(self, inputs: xr.Dataset, outputs: tuple[str, ...] | None = None) -> xr.Dataset:
        """How unsure each prediction is: the conditional standard deviation by output, dimension ``run``."""
        points = self.points(inputs)
        asked = self.outputs if outputs is None else outputs
        return self.labelled({name: self.processes[name].deviation(points) for name in asked})

    def record(self) -> dict[str, Any]:
        """See `Surrogate.record`."""
        return {output: process.record() for output, process in self.processes.items()}

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Surrogate.tensors`."""
        arrays = [process.tensors(output) for output, process in self.processes.items()]
        return {key: value for part in arrays for key, value in part.items()}


def fit(settings: GaussianProcess, study: Study, name: str, manifest: Path) -> GaussianProcessSurrogate:
    """See `SurrogateSettings.fit`."""
    import xarray as xr
    from threadpoolctl import threadpool_limits

    data = TrainingData(study, manifest)
    outputs = data.chosen(settings.outputs, data.scalar_outputs(), "scalar output")
    law = study.joint_law()
    law.require_continuous(f"the Gaussian process {name!r}")
    values = data.scalars(outputs, "train")
    if len(values) > MOST_RUNS:
        raise TrainingError(
            f"A Gaussian process on {len(values)} runs would take {len(values) ** 2 * 8 / 2**30:.1f} GiB per matrix.",
            f"train it on at most {MOST_RUNS} runs, or use polynomial_chaos or a network.",
        )
    points = law.to_normal(data.inputs("train"))
    processes, courses = {}, {}
    with threadpool_limits(1):
        for column, output in enumerate(outputs):
            logarithm = wants_logarithm(values[:, column], settings.logarithm, output)
            processes[output], courses[output] = fit_process(
                points, values[:, column], settings.covariance, logarithm, settings.iterations
            )
    surrogate = GaussianProcessSurrogate(study, name, settings, processes)
    lengths = np.stack([process.lengths for process in processes.values()])
    history = xr.Dataset(
        {
            "length": (("output", "variable"), lengths, {"units": "1", "long_name": "length in standard normals"}),
            **{
                f"{output}_likelihood": (
                    f"{output}_iteration",
                    -np.asarray(course),
                    {"units": "1", "long_name": f"log marginal likelihood of {output}"},
                )
                for output, course in courses.items()
            },
        },
        {"output": outputs, "variable": np.arange(points.shape[1]), "input": ("variable", column_names(law))},
    )
    surrogate.history = history
    return surrogate
