"""Fit of Gaussian processes by scikit-learn, and their predictions; equations in `gaussian_process`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import TrainingError
from surecast.train.data import TrainingData
from surecast.train.models.likelihood import NegativeLikelihood
from surecast.train.models.process import Process
from surecast.train.points import names as column_names
from surecast.train.scalars import ScalarSurrogate

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study
    from surecast.train.models.gaussian_process import GaussianProcess

SMALLEST_NOISE, LARGEST_NOISE = 1e-10, 1.0
SHORTEST, LONGEST = 1e-2, 1e4
MOST_RUNS = 8000


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
    course: list[float] = []
    likelihood = NegativeLikelihood(points, (y - shift) / scale, covariance)
    for smallest in (SMALLEST_NOISE, 1e-8, 1e-6):
        kernel = ConstantKernel(1.0, (1e-4, 1e6)) * shape + WhiteKernel(1e-3, (smallest, LARGEST_NOISE))
        model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=_optimiser(likelihood, iterations, course))
        with warnings.catch_warnings():
            # A length at its upper bound says that a variable does not matter: that is what the lengths are for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                model.fit(points, (y - shift) / scale)
                break
            except np.linalg.LinAlgError:  # a straight line has endless lengths: singular by rounding
                course.clear()
                if smallest == 1e-6:
                    raise
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
    positive = bool((values > 0).all())
    if setting == "always" and not positive:
        raise TrainingError(f"{output} has training values that are not positive.", "set logarithm: auto.")
    if setting != "auto" or not positive or np.ptp(values) == 0:
        return setting == "always"
    return abs(_skewness(np.log(values))) < abs(_skewness(values))


def _skewness(values: np.ndarray) -> float:
    deviation = values - values.mean()
    return float(np.mean(deviation**3) / np.mean(deviation**2) ** 1.5)


def fit_output(
    settings: GaussianProcess, points: np.ndarray, values: np.ndarray, output: str
) -> tuple[Process, list[float]]:
    """Process of one output's values (n,) at points (n, d), and its likelihood per iteration.

    Raises
    ------
    TrainingError
        If there are too many runs for its matrices.
    """
    if len(values) > MOST_RUNS:
        raise TrainingError(
            f"A Gaussian process on {len(values)} runs would take {len(values) ** 2 * 8 / 2**30:.1f} GiB per matrix.",
            f"train it on at most {MOST_RUNS} runs, or use polynomial_chaos or a network.",
        )
    logarithm = wants_logarithm(values, settings.logarithm, output)
    return fit_process(points, values, settings.covariance, logarithm, settings.iterations)


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
    points = law.to_normal(data.inputs("train"))
    processes, courses = {}, {}
    with threadpool_limits(1):
        for column, output in enumerate(outputs):
            processes[output], courses[output] = fit_output(settings, points, values[:, column], output)
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
