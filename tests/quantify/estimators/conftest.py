"""A hierarchy of grids with known answers: u' = b - a u on [0, 1], u(0) = 1, by explicit Euler with n steps.

u_n = g + b (1 - g)/a with g = (1 - a/n)^n, so that mean and variance of the finest grid follow by quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sampling import Level, Task
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw

FINEST = 64
SPREAD = 0.2


def euler(steps: int) -> Callable[[xr.Dataset], xr.Dataset]:
    def model(inputs: xr.Dataset) -> xr.Dataset:
        a, b = inputs["a"].values, inputs["b"].values
        g = (1 - a / steps) ** steps
        return xr.Dataset({"y": ("run", g + b * (1 - g) / a)})

    return model


@dataclass(frozen=True)
class Decay:
    law: JointLaw
    integrand: MomentsIntegrand
    euler: Callable[[int], Callable]
    values: tuple[float, float]

    def levels(self, *steps: int) -> list[Level]:
        return [Level(f"cells_{count}", euler(count), count / FINEST) for count in steps]

    def task(self, seed: int, runs: int = 500, levels: object = None, **more: object) -> Task:
        given = self.levels(32, 16, 8) if levels is None else levels
        settings = {"truth": euler(FINEST), "surrogates": (), "chunk": 10**6, "surrogate_chunk": 10**6} | more
        return Task(runs=runs, level=0.95, seed=np.random.SeedSequence(seed), levels=given, **settings)  # type: ignore[arg-type]

    def intervals(self, estimator: object, tasks: list[Task]) -> np.ndarray:
        """(value, low, high) of mean and variance, shape (3, tasks, 2)."""
        found = [[(e.value, e.low, e.high) for e in estimator.estimate(self.integrand, task)] for task in tasks]  # type: ignore[attr-defined]
        return np.array(found).transpose(2, 0, 1)


@pytest.fixture(scope="session")
def decay() -> Decay:
    law = JointLaw({"a": Uniform(low=0.5, high=1.5), "b": Normal(mean=0, standard_deviation=SPREAD)})
    nodes, weights = np.polynomial.legendre.leggauss(60)
    a, weights = 1 + nodes / 2, weights / 2
    g = (1 - a / FINEST) ** FINEST
    mean = float(weights @ g)
    variance = float(weights @ g**2) - mean**2 + SPREAD**2 * float(weights @ ((1 - g) / a) ** 2)
    return Decay(law, MomentsIntegrand(law, ["y"]), euler, (mean, variance))
