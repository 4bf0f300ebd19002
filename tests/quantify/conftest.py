"""Problems with known answers, and surrogates of every quality, for the tests of the estimators."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.sampling import Task
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw

Model = Callable[[xr.Dataset], xr.Dataset]

ISHIGAMI = {
    "mean": 3.5,
    "variance": 0.5 + 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18,
    "first[x1]": 0.313905,
    "first[x2]": 0.442411,
    "first[x3]": 0.0,
    "total[x1]": 0.557589,
    "total[x2]": 0.442411,
    "total[x3]": 0.243684,
}


def ishigami(inputs: xr.Dataset) -> xr.Dataset:
    x1, x2, x3 = (inputs[name].values for name in ("x1", "x2", "x3"))
    return _dataset(np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1))


def _dataset(values: np.ndarray, name: str = "y") -> xr.Dataset:
    return xr.Dataset({name: ("run", values)})


class Legendre:
    """Least-squares Legendre expansion of total degree `degree`: a polynomial chaos in twenty lines."""

    def __init__(self, degree: int, runs: int, seed: int = 987654321) -> None:
        self.powers = [p for p in itertools.product(range(degree + 1), repeat=3) if sum(p) <= degree]
        x = np.random.default_rng(seed).uniform(-np.pi, np.pi, (runs, 3))
        truth = ishigami(xr.Dataset({f"x{i + 1}": ("run", x[:, i]) for i in range(3)}))["y"].values
        i, j, k = np.array(self.powers).T
        values = np.polynomial.legendre.legvander(x / np.pi, degree)
        self.weights = np.zeros((degree + 1,) * 3)
        basis = values[:, 0, i] * values[:, 1, j] * values[:, 2, k]
        self.weights[i, j, k] = np.linalg.lstsq(basis, truth, rcond=None)[0]

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        count = len(self.weights)
        first, second, third = (
            np.polynomial.legendre.legvander(inputs[f"x{i}"].values / np.pi, count - 1) for i in (1, 2, 3)
        )
        # One sum after the other: twenty times fewer products than term by term.
        left = (third @ self.weights.reshape(count**2, count).T).reshape(-1, count, count)
        return _dataset(np.einsum("nij,nj,ni->n", left, second, first))


def constant(inputs: xr.Dataset) -> xr.Dataset:
    return _dataset(np.full(inputs.sizes["run"], 2.0))


def wrong(inputs: xr.Dataset) -> xr.Dataset:
    """The right function of the wrong inputs."""
    return ishigami(inputs.rename({"x1": "x2", "x2": "x3", "x3": "x1"}))


@dataclass(frozen=True)
class Known:
    """Problems, surrogates and helpers for the tests (test modules cannot import a conftest)."""

    values: dict[str, float]
    ishigami: Model
    constant: Model
    wrong: Model
    law: JointLaw
    normals: Callable[[int], JointLaw]
    model: Callable[..., Model]
    task: Callable[..., Task]
    least_covered: Callable[[int], int]


@pytest.fixture(scope="session")
def known(ishigami_law: JointLaw) -> Known:
    return Known(ISHIGAMI, ishigami, constant, wrong, ishigami_law, normals, model, task, least_covered)


@pytest.fixture(scope="session")
def ishigami_law() -> JointLaw:
    return JointLaw({name: Uniform(low=-np.pi, high=np.pi) for name in ("x1", "x2", "x3")})


@pytest.fixture(scope="session")
def chaos() -> Legendre:
    return Legendre(degree=6, runs=250)


def normals(dimension: int) -> JointLaw:
    return JointLaw({f"u{i + 1}": Normal(mean=0, standard_deviation=1) for i in range(dimension)})


def model(function: Callable[[np.ndarray], np.ndarray], name: str = "g") -> Model:
    """A model of standard normals u1, u2, ... from a function of an array (runs, dimension)."""

    def call(inputs: xr.Dataset) -> xr.Dataset:
        names = [name for name in inputs.data_vars if str(name).startswith("u")]
        return _dataset(function(np.stack([inputs[name].values for name in names], axis=1)), name)

    return call


def least_covered(trials: int, level: float = 0.95, error: float = 0.01) -> int:
    """Fewest intervals of `trials` that must hold the truth: fewer refute coverage `level` at the level `error`."""
    from scipy import stats

    return int(stats.binom.ppf(error, trials, level))


def task(truth: Model, *surrogates: Model, runs: int = 1000, seed: int = 0, **more: object) -> Task:
    return Task(truth, surrogates, runs, 0.95, np.random.SeedSequence(seed), **more)  # type: ignore[arg-type]
