"""Viscous Burgers equation, side by side with exponax, at equal error.

    pip install --target FOLDER --no-deps exponax equinox jax jaxlib jaxtyping ml_dtypes opt_einsum wadler_lindig
    OMP_NUM_THREADS=1 python benchmarks/burgers.py [--peers FOLDER] [--runs 256] [--repeats 9]

Random smooth velocities of standard deviation 0.5 (m/s) on an interval of length 1, viscosity 0.01, 256 points, 101
frames to t = 1, --runs runs at once, the same for all. The error is the relative L2 over all frames against Cole and
Hopf's solution (`surecast.simulate.cole_hopf`), the mean over the runs. The goal is the error of exponax's ETDRK2 with
steps of 0.002; every other solver takes the fewest steps between frames with which it reaches that. Then all take
turns, and of each the median of CPU seconds over --repeats turns counts; ratios are the medians of those of each turn.

    burgers          `Burgers.run`, ETDRK4 in float64, its labelled Dataset included
    burgers_exact    `BurgersExact.run`, Cole and Hopf's transformation in float64, its labelled Dataset included
    exponax          `exponax.stepper.Burgers` of order 2 or 4, float32 (its default) or float64, compiled beforehand

Prints one JSON line: steps between frames, error, trajectories per CPU second, and how many times as fast the two of
surecast are.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from surecast.simulate import cole_hopf
from surecast.simulate.burgers import Burgers
from surecast.simulate.burgers_exact import BurgersExact

POINTS, FRAMES, TIME, VISCOSITY, WAVES, SEED = 256, 100, 1.0, 0.01, 6, 20
LADDER = (1, 2, 3, 4, 5, 6, 8, 10)
OWN = ("burgers", "burgers_exact")
Solver = Callable[[np.ndarray, int], Callable[[], np.ndarray]]
"""From initial velocity (run, x) and steps between frames to a function that gives the frames (run, time, x)."""


def initial_modes(runs: int) -> np.ndarray:
    """u(x, 0) = Re sum_k modes[k] exp(2 pi i k x), (run, k)."""
    generator = np.random.default_rng(SEED)
    waves = np.arange(WAVES + 1)
    modes = generator.standard_normal((runs, WAVES + 1)) + 1j * generator.standard_normal((runs, WAVES + 1))
    modes *= np.exp(-0.5 * (waves / 2) ** 2)
    modes[:, 0] = 0
    return np.asarray(0.5 * modes / np.sqrt(0.5 * (np.abs(modes) ** 2).sum(axis=1, keepdims=True)))


def truth(modes: np.ndarray) -> np.ndarray:
    """Cole and Hopf's solution at the frames, (run, time, x)."""
    times = TIME * np.arange(1, FRAMES + 1) / FRAMES
    return np.array([[cole_hopf.solution(run, VISCOSITY, at, POINTS, 2048) for at in times] for run in modes])


def surecast(kind: type[Burgers] | type[BurgersExact]) -> Solver:
    """A simulator, as a study runs it."""

    def solver(field: np.ndarray, steps: int) -> Callable[[], np.ndarray]:
        settings = {"steps": steps * FRAMES} if kind is Burgers else {}
        simulator = kind.model_validate({"points": POINTS, "time": TIME, "frames": FRAMES, **settings})
        inputs = xr.Dataset({"initial": (("run", "x"), field), "viscosity": ("run", np.full(len(field), VISCOSITY))})
        return lambda: np.asarray(simulator.run(inputs)["history"].values)

    return solver


def exponax(order: int, double: bool) -> Solver:
    """Its stepper, rolled out and mapped over runs."""

    def solver(field: np.ndarray, steps: int) -> Callable[[], np.ndarray]:
        import exponax as peer
        import jax

        with jax.enable_x64(double):
            step = TIME / FRAMES / steps
            stepper = peer.stepper.Burgers(1, 1.0, POINTS, step, diffusivity=VISCOSITY, order=order)
            frames = peer.rollout(peer.RepeatedStepper(stepper, steps), FRAMES, include_init=True)
            start = jax.numpy.asarray(field[:, None], dtype="float64" if double else "float32")
            compiled = jax.jit(jax.vmap(frames)).lower(start).compile()
        return lambda: np.asarray(compiled(start))[:, 1:, 0]

    return solver


def relative_l2(found: np.ndarray, exact: np.ndarray) -> float:
    """Over all frames, the mean over the runs."""
    return float(np.mean(np.linalg.norm(found - exact, axis=(1, 2)) / np.linalg.norm(exact, axis=(1, 2))))


def fewest(solver: Solver, field: np.ndarray, exact: np.ndarray, goal: float) -> tuple[int, float]:
    """The fewest steps of the ladder that reach the goal, and the error; 0 if none does."""
    error = np.inf
    for steps in LADDER:
        error = relative_l2(solver(field, steps)(), exact)
        if error <= goal:
            return steps, error
    return 0, error


def benchmark(runs: int, repeats: int, solvers: dict[str, Solver]) -> dict[str, Any]:
    """Steps, errors, speeds."""
    modes = initial_modes(runs)
    waves = np.exp(2j * np.pi * np.outer(np.arange(WAVES + 1), np.arange(POINTS) / POINTS))
    field, exact = np.einsum("rk,kx->rx", modes, waves, optimize=False).real, truth(modes)
    goal = relative_l2(solvers["exponax_2_float32"](field, 5)(), exact) if "exponax_2_float32" in solvers else 2.5e-5
    rows: dict[str, dict[str, Any]] = {}
    ready: dict[str, Callable[[], np.ndarray]] = {}
    for name, solver in solvers.items():
        steps, error = (5, goal) if name == "exponax_2_float32" else fewest(solver, field, exact, goal)
        rows[name] = {"steps_between_frames": steps, "error": float(f"{error:.2e}")}
        if steps:
            ready[name] = solver(field, steps)
            ready[name]()
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(repeats):
        for name, run in ready.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    for name, taken in seconds.items():
        rows[name]["trajectories_per_cpu_s"] = round(runs / statistics.median(taken))
        for own in OWN if name not in OWN else ():
            ratios = [theirs / ours for theirs, ours in zip(taken, seconds[own], strict=True)]
            rows[name][f"{own}_is_faster"] = round(statistics.median(ratios), 2)
    return {"benchmark": "burgers", "points": POINTS, "frames": FRAMES, "runs": runs, "solvers": rows}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="folder that exponax was installed into")
    parser.add_argument("--runs", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("set OMP_NUM_THREADS=1: one thread each is compared")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if arguments.peers:
        sys.path.append(arguments.peers)
    solvers: dict[str, Solver] = {"burgers": surecast(Burgers), "burgers_exact": surecast(BurgersExact)}
    if importlib.util.find_spec("exponax"):
        solvers |= {f"exponax_{order}_float{32 * (1 + double)}": exponax(order, bool(double))
                    for order in (2, 4) for double in (0, 1)}  # fmt: skip
    else:
        print("exponax is not there and is left out", file=sys.stderr)
    print(json.dumps(benchmark(arguments.runs, arguments.repeats, solvers)), flush=True)


if __name__ == "__main__":
    main()
