"""The solvers of flow through random media, side by side with SciPy's sparse direct solver, at equal error.

    OMP_NUM_THREADS=1 python benchmarks/darcy.py [--problems groundwater two_phase smooth] [--cells 64 128] [--runs 16]

Fields, heads and wells of ``groundwater`` are those of the study of that name; ``two_phase`` is `darcy` with k = 12
where a Gaussian field is positive and 3 elsewhere, ``smooth`` is `darcy` with log k a smooth field of variance 1. One
thread, CPU time, medians over repeats in which all solvers take turns, each on the same runs. Prints one JSON line a
case: milliseconds a run and the ratio to surecast's solver of

    spsolve            assembly and scipy.sparse.linalg.spsolve with its default ordering (COLAMD)
    best_ordering      assembly and SuperLU with the fastest of its orderings, named
    solve_alone        SuperLU with that ordering, the matrix assembled beforehand

and the relative L2 errors of the pressure of both against a grid with twice the cells, which agree to the
digits shown: the direct solver's smaller residual buys nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg
import xarray as xr

from surecast.simulate.darcy import Darcy
from surecast.simulate.finite_volumes import transmissibilities
from surecast.simulate.groundwater import Groundwater
from surecast.study.laws.gaussian_field import GaussianField
from surecast.study.load import load_study

STUDY = Path(__file__).parent.parent / "config" / "studies" / "groundwater.yaml"
ORDERINGS = ("COLAMD", "MMD_AT_PLUS_A", "MMD_ATA")
SEED = 20
LAWS = {
    "two_phase": GaussianField(variance=1.0, length=0.3, covariance="matern32", terms=128),
    "smooth": GaussianField(variance=1.0, length=0.2, terms=64),
}
MEDIA: dict[str, Any] = {"two_phase": "two_phase", "smooth": "log_normal"}
Problem = Callable[[], tuple[sparse.csc_array, np.ndarray]]
"""Assembles matrix and right-hand side of one run."""


def assemble(k: np.ndarray, head: float, source: np.ndarray, closed: bool) -> tuple[sparse.csc_array, np.ndarray]:
    """Matrix and right-hand side of one run, rows of cells one after the other; head at x = 0, 0 at the other sides."""
    cells = len(k)
    t_x, t_y = (t[0] for t in transmissibilities(k[None], closed=closed))
    diagonal = (t_x[:, 1:] + t_x[:, :-1] + t_y[1:] + t_y[:-1]).ravel()
    right = np.where(np.arange(cells) < cells - 1, t_x[:, 1:], 0.0).ravel()[:-1]
    up = t_y[1:-1].ravel()
    bands = [diagonal, -right, -right, -up, -up]
    matrix = sparse.diags_array(bands, offsets=[0, 1, -1, cells, -cells], format="csc")
    f = source / cells**2
    f[:, 0] += t_x[:, 0] * head
    return matrix, f.ravel()


def groundwater(cells: int, runs: int) -> tuple[Groundwater, xr.Dataset, list[Problem]]:
    """The simulator of the study, runs of its laws, and the same problems for a direct solver."""
    law = load_study(STUDY).joint_law()
    simulator = Groundwater(cells=cells)
    drawn = law.from_uniform(np.random.default_rng(SEED).random((runs, law.dimension)))
    inputs = law.realise(drawn, simulator.grids())
    sources = simulator.source(inputs, simulator.grids()["permeability"]).values
    given = zip(inputs["permeability"].values, inputs["head"].values, sources, strict=True)
    return simulator, inputs, [lambda one=one: assemble(np.exp(one[0]), *one[1:], closed=True) for one in given]


def darcy(problem: str, cells: int, runs: int) -> tuple[Darcy, xr.Dataset, list[Problem]]:
    """The same for `Darcy`, two-phase or smooth."""
    law = LAWS[problem]
    simulator = Darcy(cells=cells, medium=MEDIA[problem])
    grid = simulator.grids()["permeability"]
    fields = law.realise(np.random.default_rng(SEED).standard_normal((runs, law.terms)), grid["y"], grid["x"])
    inputs = xr.Dataset({"permeability": (("run", "y", "x"), fields)})

    def assembled(field: np.ndarray) -> tuple[sparse.csc_array, np.ndarray]:
        k = np.where(field > 0, 12.0, 3.0) if problem == "two_phase" else np.exp(field)
        return assemble(k, 0.0, np.ones_like(k), closed=False)

    return simulator, inputs, [lambda field=field: assembled(field) for field in fields]


def factorised(matrix: sparse.csc_array, f: np.ndarray, ordering: str) -> np.ndarray:
    """Solution by SuperLU, told that the matrix is symmetric."""
    options = {"SymmetricMode": ordering == "MMD_AT_PLUS_A"}
    factors = linalg.splu(matrix, permc_spec=ordering, diag_pivot_thresh=0.0, options=options)
    return np.asarray(factors.solve(f))


def seconds(function: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def made(problem: str, cells: int, runs: int) -> tuple[Groundwater | Darcy, xr.Dataset, list[Problem]]:
    """Simulator, inputs and problems by name."""
    return groundwater(cells, runs) if problem == "groundwater" else darcy(problem, cells, runs)


def benchmark(problem: str, cells: int, runs: int, repeats: int) -> dict[str, Any]:
    """One case: times, ratios, errors."""
    simulator, inputs, problems = made(problem, cells, runs)
    assembled = [assembly() for assembly in problems]

    def spsolve_all() -> list[np.ndarray]:
        return [linalg.spsolve(*assembly()) for assembly in problems]

    def ordering_all(ordering: str) -> list[np.ndarray]:
        return [factorised(*assembly(), ordering) for assembly in problems]

    times = {ordering: seconds(lambda ordering=ordering: ordering_all(ordering)) for ordering in ORDERINGS}
    best = min(times, key=lambda ordering: times[ordering])
    contenders: dict[str, Callable[[], object]] = {
        "surecast": lambda: simulator.run(inputs),
        "spsolve": spsolve_all,
        "best_ordering": lambda: ordering_all(best),
        "solve_alone": lambda: [factorised(*system, best) for system in assembled],
    }
    simulator.run(inputs)  # first calls import and allocate
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, contender in contenders.items():
            taken[name].append(seconds(contender) / runs)
    median = {name: statistics.median(values) for name, values in taken.items()}
    fine, fine_inputs, _ = made(problem, 2 * cells, runs)
    reference = simulator.restrict(fine.run(fine_inputs))["pressure"].values
    solved = simulator.run(inputs)
    if (solved["failure"] != "").any():
        raise SystemExit(f"runs fail: {sorted(set(solved['failure'].values))}")
    ours = solved["pressure"].values
    direct = np.array(spsolve_all()).reshape(ours.shape)
    return {
        "benchmark": "darcy",
        "problem": problem,
        "cells": cells,
        "runs": runs,
        "ordering": best,
        **{f"{name}_ms": round(1e3 * value, 3) for name, value in median.items()},
        **{f"{name}_ratio": round(median[name] / median["surecast"], 2) for name in contenders if name != "surecast"},
        "iterations": int(solved["iterations"].max()),
        "surecast_error": float(f"{relative_l2(ours, reference):.4e}"),
        "spsolve_error": float(f"{relative_l2(direct, reference):.4e}"),
        "difference": float(f"{relative_l2(ours, direct):.1e}"),
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "xarray": xr.__version__},
    }


def relative_l2(found: np.ndarray, exact: np.ndarray) -> float:
    """Mean over runs of the relative L2 error over space."""
    return float(np.mean(np.linalg.norm(found - exact, axis=(1, 2)) / np.linalg.norm(exact, axis=(1, 2))))


def main() -> None:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["groundwater", *LAWS]
    parser.add_argument("--problems", nargs="+", default=names, choices=names)
    parser.add_argument("--cells", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--runs", type=int, default=16, help="multiples of 8 fill the solver's batches")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1: one thread each is compared")
    for problem in arguments.problems:
        for cells in arguments.cells:
            print(json.dumps(benchmark(problem, cells, arguments.runs, arguments.repeats)), flush=True)


if __name__ == "__main__":
    main()
