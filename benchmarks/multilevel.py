"""Multilevel, multifidelity and approximate control variates at equal work, side by side with PyApprox.

    OMP_NUM_THREADS=1 python benchmarks/multilevel.py [--peers FOLDER] [--cases decay groundwater] [--repeats 100 20]

Each estimator finds the mean of one output with the work of so many runs of the finest grid, its pilot counted. Cases:

    decay         u' = b - a u by explicit Euler with 8, 16, 32, 64 steps; the mean by quadrature
    groundwater   outflow of the study ``groundwater`` on 8^2, 16^2 and 32^2 cells; the mean by 20,000 runs on 8^2
                  cells and 2,000 of the difference (its standard error is in the line)

Prints one JSON line a case and estimator: the variance of plain Monte Carlo (exact: that of one run over the number of
runs) over the mean squared error found, coverage of the 95 % interval, the mean number of runs on each grid, seconds
of CPU time outside the simulator's.

PyApprox (`pip install --target FOLDER pyapprox`) gets a pilot of the same size, its cost subtracted from the budget,
and its own allocations for the mean; as intervals serve -+ 1.96 times the standard deviation that it states. It uses
every model it is given and refuses, where its conditions fail ("refused" counts these).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surecast.quantify.estimators.build import build_estimator
from surecast.quantify.hierarchy import grids
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sampling import Level, Task, observe_rows
from surecast.simulate.truth import Truth
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw
from surecast.study.load import load_study
from surecast.study.model import Study

STUDY = Path(__file__).parent.parent / "config" / "studies" / "groundwater.yaml"
OURS = ("monte_carlo", "multilevel", "multifidelity", "approximate_control_variates")
PEERS = ("MLMCEstimator", "MFMCEstimator", "GMFEstimator")
SLOW_REPEATS = 10
"""Of PyApprox's ACV-MF (`GMFEstimator`), whose allocation takes seconds."""
SEED = 11


@dataclass
class Case:
    """Models, the finest first, with their costs; the mean, its standard error and the variance of one run."""

    name: str
    integrand: MomentsIntegrand
    models: list[Callable[[xr.Dataset], xr.Dataset]]
    costs: np.ndarray
    names: list[str]
    runs: int
    mean: float = 0.0
    error: float = 0.0
    variance: float = 1.0
    seconds: float = 0.0

    def timed(self, model: int) -> Callable[[xr.Dataset], xr.Dataset]:
        """A model whose CPU time is noted."""

        def call(inputs: xr.Dataset) -> xr.Dataset:
            start = time.process_time()
            found = self.models[model](inputs)
            self.seconds += time.process_time() - start
            return found

        return call

    def values(self, model: int, uniforms: np.ndarray) -> np.ndarray:
        """Outputs (n,) of a model at uniforms (n, dimension)."""
        seeds = np.zeros((len(uniforms), 1), dtype=np.int64)
        rows = observe_rows(self.timed(model), self.integrand, uniforms, label="", chunk=4096, seeds=seeds)
        return rows[:, 0, 0]


def decay() -> Case:
    """Explicit Euler."""
    law = JointLaw({"a": Uniform(low=0.5, high=1.5), "b": Normal(mean=0, standard_deviation=0.2)})

    def euler(steps: int) -> Callable[[xr.Dataset], xr.Dataset]:
        def model(inputs: xr.Dataset) -> xr.Dataset:
            a, b = inputs["a"].values, inputs["b"].values
            g = (1 - a / steps) ** steps
            return xr.Dataset({"y": ("run", g + b * (1 - g) / a)})

        return model

    nodes, weights = np.polynomial.legendre.leggauss(60)
    a, weights = 1 + nodes / 2, weights / 2
    g = (1 - a / 64) ** 64
    mean = float(weights @ g)
    variance = float(weights @ g**2) - mean**2 + 0.04 * float(weights @ ((1 - g) / a) ** 2)
    steps = (64, 32, 16, 8)
    costs = np.array(steps) / 64
    integrand = MomentsIntegrand(law, ["y"], ["mean"])
    return Case(
        "decay", integrand, [euler(n) for n in steps], costs, [f"{n} steps" for n in steps], 1000, mean, 0.0, variance
    )


def groundwater(reference: tuple[int, int] = (20_000, 2000)) -> Case:
    """The outflow of a random aquifer."""
    content = load_study(STUDY).model_dump(mode="json", exclude_unset=True)
    content["simulator"]["cells"] = 32
    study = Study.from_content({key: content[key] for key in ("simulator", "inputs", "outputs", "design", "seed")})
    simulator = study.build_simulator()
    found = grids(simulator, [8, 16, 32], None)
    models: list[Any] = [Truth(study, ["outflow"], simulator=one) for one in (simulator, *(one for _, one, _ in found))]
    integrand = MomentsIntegrand(study.joint_law(), ["outflow"], ["mean"])
    costs = np.array([1.0, *(cost for _, _, cost in found)])
    case = Case("groundwater", integrand, models, costs, ["32 cells", "16 cells", "8 cells"], 400)
    stream = np.random.default_rng(SEED)
    coarse = case.values(2, stream.random((reference[0], integrand.row_dimension)))
    drawn = stream.random((reference[1], integrand.row_dimension))
    values = [case.values(k, drawn) for k in range(3)]
    case.mean = float(coarse.mean() + (values[0] - values[2]).mean())
    case.error = float(
        np.hypot(coarse.std() / reference[0] ** 0.5, (values[0] - values[2]).std() / reference[1] ** 0.5)
    )
    case.variance = float(values[0].var(ddof=1))
    return case


def ours(case: Case, kind: str, seed: int) -> tuple[float, float, float, list[float]]:
    """Value, interval and runs of each model by one of our estimators."""
    levels = [Level(f"level_{k}", case.timed(k), case.costs[k]) for k in range(1, len(case.models))]
    stream = np.random.SeedSequence([SEED, seed])
    task = Task(case.timed(0), (), case.runs, 0.95, stream, levels=levels, chunk=4096)
    found = build_estimator({"kind": kind}).estimate(case.integrand, task)[0]
    if kind == "monte_carlo":
        return found.value, found.low, found.high, [float(found.simulator_runs)]
    names = ["finest", *(level.name for level in levels)]
    return found.value, found.low, found.high, [found.diagnostics[f"runs_{name}"] for name in names]


def peer(case: Case, kind: str, seed: int) -> tuple[float, float, float, list[float]]:
    """The same by one of PyApprox's."""
    import pyapprox.statest as statest
    from pyapprox.statest.acv.allocation import default_allocator_factory
    from pyapprox.statest.acv.base import FittedACVEstimator
    from pyapprox.util.backends.numpy import NumpyBkd

    bkd, count = NumpyBkd(), len(case.models)
    stream = np.random.default_rng([SEED, seed, 1])
    pilot = min(max(round(0.1 * case.runs / case.costs.sum()), 20), 200)
    drawn = stream.random((pilot, case.integrand.row_dimension))
    observed = np.stack([case.values(k, drawn) for k in range(count)])
    statistic = statest.MultiOutputMean(1, bkd)
    statistic.set_pilot_quantities(np.cov(observed))
    more = {"recursion_index": np.zeros(count - 1, dtype=int)} if kind == "GMFEstimator" else {}
    template = getattr(statest, kind)(statistic, case.costs, **more)
    allocation = default_allocator_factory(template).allocate(case.runs - pilot * float(case.costs.sum()))
    if not allocation.success:
        raise ValueError(allocation.message)
    fitted = FittedACVEstimator(template, allocation)
    samples = fitted.generate_samples_per_model(lambda n: stream.random((int(n), case.integrand.row_dimension)).T)
    value = float(np.ravel(fitted([case.values(k, one.T)[None] for k, one in enumerate(samples)]))[0])
    half = 1.96 * float(np.sqrt(np.ravel(fitted.covariance())[0]))
    return value, value - half, value + half, (np.asarray(fitted.nsamples_per_model()) + pilot).astype(float).tolist()


def line(case: Case, kind: str, run: Callable[[Case, str, int], Any], repeats: int) -> dict[str, Any]:
    """One estimator's repeats as a line."""
    found, refused = [], []
    case.seconds, start = 0.0, time.process_time()
    for seed in range(repeats):
        try:
            found.append(run(case, kind, seed))
        except (ValueError, RuntimeError) as error:
            refused.append(str(error))
    seconds = time.process_time() - start - case.seconds
    result: dict[str, Any] = {"benchmark": "multilevel", "case": case.name, "estimator": kind, "work": case.runs}
    result |= {"repeats": repeats, "refused": len(refused)}
    if not found:
        return result | {"reason": refused[0]}
    value, low, high = np.array([one[:3] for one in found]).T
    squared = float(np.mean((value - case.mean) ** 2)) - case.error**2
    runs = np.mean([one[3] for one in found], axis=0)
    return result | {
        "gain": round(case.variance / case.runs / squared, 2),
        "coverage": round(float(np.mean((low <= case.mean) & (case.mean <= high))), 3),
        "relative_half_width": float(f"{np.mean(high - low) / 2 / abs(case.mean):.3g}"),
        "runs": {name: round(float(count), 1) for name, count in zip(case.names, runs, strict=False)},
        "analysis_seconds": round(seconds / repeats, 4),
        "reference_error": float(f"{case.error / abs(case.mean):.2g}"),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder that PyApprox was installed into")
    parser.add_argument("--cases", nargs="+", default=["decay", "groundwater"], choices=["decay", "groundwater"])
    parser.add_argument("--repeats", type=int, nargs="+", default=[100, 20], help="one number a case")
    given = parser.parse_args(arguments)
    if given.peers is not None:
        sys.path.append(str(given.peers))  # behind the environment's own packages
    warnings.filterwarnings("ignore", "delta_grad == 0.0")  # PyApprox's optimizer
    beside = importlib.util.find_spec("pyapprox") is not None
    for name, repeats in zip(given.cases, given.repeats, strict=False):
        case = {"decay": decay, "groundwater": groundwater}[name]()
        for kind in OURS:
            print(json.dumps(line(case, kind, ours, repeats)), flush=True)
        if not beside:
            print(
                json.dumps({"benchmark": "multilevel", "case": name, "skipped": "PyApprox: not installed"}), flush=True
            )
        for kind in PEERS if beside else ():
            count = min(repeats, SLOW_REPEATS) if kind == "GMFEstimator" else repeats
            print(json.dumps(line(case, kind, peer, count) | {"estimator": f"PyApprox {kind}"}), flush=True)


if __name__ == "__main__":
    main()
