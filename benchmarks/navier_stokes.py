"""Two-dimensional flow, side by side with exponax and torch-cfd, at equal error.

    pip install --target FOLDER --no-deps torch-cfd einops exponax equinox jax jaxlib jaxtyping ml_dtypes opt_einsum \\
        wadler_lindig
    OMP_NUM_THREADS=1 python benchmarks/navier_stokes.py [--peers FOLDER] [--points 64 128] [--error 3e-5 | --steps N]

Decaying flow on a square of side 2 pi to t = 1, from random vorticity of standard deviation 2 (1/s), --runs runs at
once, the same for all; on 128 x 128 points the viscosity is 0.01 and the wave numbers go to about 6, on 64 x 64 it is
twice as large and they go half as far, so that both grids resolve their flow to about 1e-5. Each solver takes the
fewest steps of a ladder with which the mean relative L2 error at t = 1, against twice the points and 128 steps in
float64, is not above --error, or all take --steps; then all take turns, and of each the median of CPU seconds over
--repeats turns counts; how many times as fast one is is the median of the ratios of those turns.

    surecast      `NavierStokes.run`, ETDRK4 in float64 or with precision: single, its labelled Dataset included
    exponax       `NavierStokesVorticity` of order 4 in float32 (its default) and in float64, compiled beforehand; it
                  evolves the negative of the vorticity
    torch_cfd     `NavierStokes2DSpectral` with `RK4CrankNicolsonStepper`, float32 (its default)

What is not installed in FOLDER is left out. Prints one JSON line for each number of points: steps, error, trajectories
per CPU second, trajectory-steps per CPU second, and how many times as fast surecast is.
"""

from __future__ import annotations

import argparse
import bisect
import functools
import importlib.util
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from surecast.simulate.navier_stokes import NavierStokes

EXTENT, TIME, SEED = 2 * math.pi, 1.0, 20
REFERENCE_STEPS = 128
LADDER = (16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 52, 56, 60, 64, 72, 80, 96)
Solver = Callable[[np.ndarray, float, int], Callable[[], np.ndarray]]
"""From initial vorticity (run, y, x), viscosity and steps to a function that gives the final vorticity."""


def initial(points: int, width: float, runs: int) -> np.ndarray:
    """Vorticity (run, y, x) with a Gaussian spectrum of that width, the same function on every grid."""
    generator = np.random.default_rng(SEED)
    waves = np.arange(-12, 13)
    modes = generator.standard_normal((runs, 25, 25)) + 1j * generator.standard_normal((runs, 25, 25))
    modes *= np.exp(-0.5 * (waves**2 + waves[:, None] ** 2) / width**2)
    modes += modes[:, ::-1, ::-1].conj()  # real
    modes[:, 12, 12] = 0  # no mean
    modes *= 2.0 / np.sqrt((np.abs(modes) ** 2).sum(axis=(1, 2), keepdims=True))
    along = np.exp(2j * math.pi * np.outer(waves, np.arange(points) / points))
    return np.einsum("rkl,ky,lx->ryx", modes, along, along, optimize=True).real


def surecast(precision: str) -> Solver:
    """The simulator, as a study runs it."""

    def solver(field: np.ndarray, viscosity: float, steps: int) -> Callable[[], np.ndarray]:
        settings = {"points": field.shape[-1], "extent": EXTENT, "time": TIME, "steps": steps, "precision": precision}
        simulator = NavierStokes.model_validate(settings)
        values = ("run", np.full(len(field), viscosity))
        inputs = xr.Dataset({"initial": (("run", "y", "x"), field), "viscosity": values})
        return lambda: np.asarray(simulator.run(inputs)["vorticity"].values)

    return solver


def exponax(double: bool) -> Solver:
    """Its stepper, repeated and mapped over runs."""

    def solver(field: np.ndarray, viscosity: float, steps: int) -> Callable[[], np.ndarray]:
        import exponax as peer
        import jax

        with jax.enable_x64(double):
            stepper = peer.stepper.NavierStokesVorticity(
                2, EXTENT, field.shape[-1], TIME / steps, diffusivity=viscosity, order=4
            )
            # Its first axis is x, and its state the negative of the vorticity.
            start = jax.numpy.asarray(-field.swapaxes(1, 2)[:, None], dtype="float64" if double else "float32")
            compiled = jax.jit(jax.vmap(peer.repeat(stepper, steps))).lower(start).compile()
        return lambda: -np.asarray(compiled(start))[:, 0].swapaxes(1, 2)

    return solver


def torch_cfd(field: np.ndarray, viscosity: float, steps: int) -> Callable[[], np.ndarray]:
    """Its equation and stepper, on all runs at once."""
    import torch
    from torch_cfd.grids import Grid
    from torch_cfd.spectral import NavierStokes2DSpectral, RK4CrankNicolsonStepper

    torch.set_num_threads(1)
    grid = Grid(shape=field.shape[1:], domain=((0, EXTENT), (0, EXTENT)))
    equation = NavierStokes2DSpectral(viscosity=viscosity, grid=grid, smooth=True, step_fn=RK4CrankNicolsonStepper())
    start = torch.fft.rfft2(torch.from_numpy(field.swapaxes(1, 2).astype(np.float32)))

    def run() -> np.ndarray:
        with torch.no_grad():
            final, _ = equation(start, TIME / steps, steps)
            return np.asarray(torch.fft.irfft2(final).numpy().swapaxes(1, 2))

    return run


def fewest(
    solver: Callable[[int], Callable[[], np.ndarray]], truth: np.ndarray, error: float, ladder: Sequence[int]
) -> tuple[int, float]:
    """The fewest steps of the ladder that reach the error, and the error found; 0 if none does."""
    found = {0: math.inf}

    def reaches(steps: int) -> bool:
        with np.errstate(all="ignore"):
            found[steps] = float(np.mean(relative_l2(solver(steps)(), truth)))
        return found[steps] <= error

    place = bisect.bisect_left(ladder, True, key=reaches)
    steps = ladder[place] if place < len(ladder) else 0
    return steps, found[steps] if steps else min(found.values())


def relative_l2(found: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Of each run."""
    return np.asarray(np.linalg.norm(found - exact, axis=(1, 2)) / np.linalg.norm(exact, axis=(1, 2)))


def benchmark(points: int, options: argparse.Namespace, solvers: dict[str, Solver]) -> dict[str, Any]:
    """One grid: steps, errors and speeds."""
    width, viscosity = 2.0 * points / 128, 0.01 * 128 / points
    field = initial(points, width, options.runs)
    truth = surecast("double")(initial(2 * points, width, options.runs), viscosity, REFERENCE_STEPS)()[:, ::2, ::2]
    goal = (math.inf, [options.steps]) if options.steps else (options.error, LADDER)
    rows: dict[str, dict[str, Any]] = {}
    ready: dict[str, Callable[[], np.ndarray]] = {}
    for name, solver in solvers.items():
        chosen = functools.partial(solver, field, viscosity)
        steps, found = fewest(chosen, truth, *goal)
        print(f"{points} points, {name}: {steps} steps, error {found:.2e}", file=sys.stderr)
        rows[name] = {"steps": steps, "error": float(f"{found:.2e}")}
        if steps:
            ready[name] = chosen(steps)
            ready[name]()
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(options.repeats):
        for name, run in ready.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    for name, taken in seconds.items():
        speed = options.runs / statistics.median(taken)
        rows[name]["trajectories_per_cpu_s"] = round(speed, 1)
        rows[name]["trajectory_steps_per_cpu_s"] = round(speed * rows[name]["steps"])
        for mine in (
            own for own in ("surecast", "surecast_single") if own in ready and not name.startswith("surecast")
        ):
            ratios = [theirs / ours for theirs, ours in zip(taken, seconds[mine], strict=True)]
            rows[name][f"{mine}_is_faster"] = round(statistics.median(ratios), 2)
    return {"benchmark": "navier_stokes", "points": points, "runs": options.runs, "solvers": rows}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="folder that the peers were installed into")
    parser.add_argument("--points", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--error", type=float, default=3e-5)
    parser.add_argument("--steps", type=int, help="of all solvers, whatever the error")
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1: one thread each is compared")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if arguments.peers:
        sys.path.append(arguments.peers)
    solvers: dict[str, Solver] = {"surecast": surecast("double"), "surecast_single": surecast("single")}
    if importlib.util.find_spec("exponax"):
        solvers |= {"exponax_float32": exponax(False), "exponax_float64": exponax(True)}
    else:
        print("exponax is not there and is left out", file=sys.stderr)
    if importlib.util.find_spec("torch_cfd"):
        solvers["torch_cfd"] = torch_cfd
    else:
        print("torch-cfd is not there and is left out", file=sys.stderr)
    for points in arguments.points:
        print(json.dumps(benchmark(points, arguments, solvers)), flush=True)


if __name__ == "__main__":
    main()
