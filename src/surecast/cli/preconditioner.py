"""Train the network of the linear solver `conjugate_directions`.

    surecast preconditioner --output plate.safetensors --cells 64 --steps 600

The file goes beside the study file, which names it: ``linear_solver: {kind: conjugate_directions, network: ...}``. The
same numbers give the same weights; the network serves squares of other sizes too.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("--output", type=Path, required=True, help="file of weights to write (safetensors)")
    parser.add_argument("--cells", type=int, default=64, help="cells along a side of the finest square (64)")
    parser.add_argument("--steps", type=int, default=600, help="steps of training (600)")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and right-hand sides (0)")


def run(options: argparse.Namespace) -> int:
    """Train, saying the loss now and then, and write."""
    from surecast.train.preconditioners.fit import fit_preconditioner
    from surecast.train.preconditioners.multilevel import write_preconditioner

    def report(step: int, loss: float) -> None:
        if (step + 1) % 50 == 0 or step + 1 == options.steps:
            print(f"step {step + 1}: loss {loss:.3g}")

    write_preconditioner(
        options.output, fit_preconditioner(options.cells, options.steps, seed=options.seed, report=report)
    )
    return 0
