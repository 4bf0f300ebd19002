"""Paths of Ornstein and Uhlenbeck's process by Euler and Maruyama, side by side with torchsde and a loop in torch.

    OMP_NUM_THREADS=1 python benchmarks/sde.py [--peers FOLDER] [--paths 4096] [--steps 1024] [--repeats 5]

The same equation, scheme, steps and number of paths in float64, hence the same error (surecast's normals are good to
1e-6, the others' to 1e-16); of each the median over repeats of CPU seconds, as million path-steps a second. surecast
draws every path from its own seed, so that a path does not depend on those beside it, and its path by half as many
steps is the same one; the others draw a batch at once.

    surecast      `OrnsteinUhlenbeck(scheme="euler_maruyama")`
    torchsde      `sdeint(method="euler", dt=...)` with its default Brownian motion, which keeps queries consistent
                  (`pip install --target FOLDER --no-deps torchsde trampoline boltons`)
    torch loop    x += drift(x) dt + volatility sqrt(dt) randn, and nothing else

Prints one JSON line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr

from surecast.simulate.ornstein_uhlenbeck import OrnsteinUhlenbeck

RATE, LEVEL, VOLATILITY, START = 1.5, 1.2, 0.6, 0.7


def surecast(paths: int, steps: int) -> Callable[[], np.ndarray]:
    """Final values by the simulator, as a study runs it."""
    simulator = OrnsteinUhlenbeck(steps=steps, scheme="euler_maruyama")
    values = {"start": START, "rate": RATE, "level": LEVEL, "volatility": VOLATILITY}
    inputs = xr.Dataset({name: ("run", np.full(paths, value)) for name, value in values.items()})
    inputs["seed"] = ("run", np.random.default_rng(0).integers(0, 2**63, paths))
    return lambda: np.asarray(simulator.run(inputs)["final"].values)


def torch_loop(paths: int, steps: int) -> Callable[[], np.ndarray]:
    """Final values by the shortest loop."""

    def run() -> np.ndarray:
        x = torch.full((paths,), START, dtype=torch.float64)
        step = 1.0 / steps
        for _ in range(steps):
            x = x + RATE * (LEVEL - x) * step + VOLATILITY * step**0.5 * torch.randn(paths, dtype=torch.float64)
        return x.numpy()

    return run


def torchsde(paths: int, steps: int) -> Callable[[], np.ndarray]:
    """Final values by torchsde."""
    import torchsde as peer

    class Equation(torch.nn.Module):
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return RATE * (LEVEL - y)

        def g(self, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return torch.full_like(y, VOLATILITY)

    def run() -> np.ndarray:
        with torch.no_grad():
            start = torch.full((paths, 1), START, dtype=torch.float64)
            times = torch.tensor([0.0, 1.0], dtype=torch.float64)
            return np.asarray(peer.sdeint(Equation(), start, times, method="euler", dt=1.0 / steps)[-1, :, 0].numpy())

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", help="folder that torchsde was installed into")
    parser.add_argument("--paths", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.peers:
        sys.path.append(arguments.peers)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cases = {"surecast": surecast, "torch_loop": torch_loop}
    if importlib.util.find_spec("torchsde"):
        cases["torchsde"] = torchsde
    else:
        print("torchsde is not there and is left out", file=sys.stderr)
    runs = {name: case(arguments.paths, arguments.steps) for name, case in cases.items()}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    means: dict[str, float] = {}
    for _ in range(arguments.repeats):
        for name, run in runs.items():
            start = time.process_time()
            means[name] = float(run().mean())
            seconds[name].append(time.process_time() - start)
    size = arguments.paths * arguments.steps / 1e6
    speeds = {name: round(size / statistics.median(taken), 2) for name, taken in seconds.items()}
    exact = LEVEL + (START - LEVEL) * (1 - RATE / arguments.steps) ** arguments.steps
    record = {"paths": arguments.paths, "steps": arguments.steps, "million_path_steps_per_cpu_s": speeds}
    record |= {"mean_of_the_scheme": exact, "means": means}
    if "torchsde" in speeds:
        record["times_torchsde"] = round(speeds["surecast"] / speeds["torchsde"], 1)
    print(json.dumps(record))


if __name__ == "__main__":
    main()
