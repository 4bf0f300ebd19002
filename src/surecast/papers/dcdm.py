"""Deep conjugate directions: `surecast.simulate.linear.conjugate_directions` with `surecast.train.preconditioners`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.simulate.conjugate_gradients import solve
from surecast.simulate.linear.conjugate_directions import Directed
from surecast.simulate.linear.five_point import centres, laplacian, with_zeros
from surecast.simulate.linear.incomplete_cholesky import incomplete_cholesky
from surecast.simulate.linear.solver import Answer, LinearSystem, Operator, true_residual
from surecast.study.seeds import generator
from surecast.train.preconditioners.fit import fit_preconditioner
from surecast.train.preconditioners.multilevel import LearntPreconditioner, MultilevelCycle

CELLS, FINE = 64, 128
STEPS = 600
COARSE, TRUE = 1e-6, 1e-8
SEEDS = (0, 1, 2)
MOST = 2000


def system(cells: int, stream: np.random.Generator, obstacles: bool = False) -> LinearSystem:
    """-Laplace u = f, u = 0 at the sides (and in obstacles); f is white noise plus as much of a smooth patch."""
    x = centres(cells)
    place = stream.uniform(0.25, 0.75, 2)
    patch = np.exp(-((x[:, None] - place[1]) ** 2 + (x - place[0]) ** 2) / 0.02)
    noise = stream.standard_normal((cells, cells))
    f = noise / np.linalg.norm(noise) + patch / np.linalg.norm(patch)
    matrix = laplacian(cells)
    if obstacles:
        zero = (x[:, None] - 0.6) ** 2 + (x - 0.35) ** 2 < 0.15**2
        zero |= (np.abs(x - 0.35) < 0.15)[:, None] & (np.abs(x - 0.65) < 0.05)
        matrix, f = with_zeros(matrix, zero.reshape(-1)), np.where(zero, 0.0, f)
    return LinearSystem(matrix, f.reshape(-1), ())


def conjugate_gradients(given: LinearSystem, tolerance: float, inverse: Operator | None = None) -> Answer:
    """Conjugate gradients, plain or preconditioned; products are iterations."""
    found = solve(
        _Applied(lambda u: given.matrix @ u),
        given.f[None],
        _Applied(inverse or np.copy),
        tolerance=tolerance,
        max_iterations=MOST,
    )
    return Answer(found.u[0], int(found.iterations[0]), true_residual(given, found.u[0]))


class _Applied:
    def __init__(self, linear: Operator) -> None:
        self._linear = linear

    def apply(self, u: np.ndarray, out: np.ndarray) -> None:
        out[0] = self._linear(u[0])


def directed(given: LinearSystem, network: MultilevelCycle, tolerance: float) -> Answer:
    """Deep conjugate directions; products are iterations."""
    return Directed(LearntPreconditioner(network), tolerance, MOST).solve(given)


def seconds(work: Callable[[], Answer]) -> float:
    """Of the processor."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure() -> Measured:
    """See `PAPER`."""
    network = fit_preconditioner(CELLS, STEPS)
    untrained = fit_preconditioner(CELLS, 0)
    values: dict[str, list[float]] = {name: [] for name in PAPER.criteria}
    control: dict[str, list[float]] = {"iterations": [], "obstacles": []}
    beside: dict[str, list[float]] = {}
    residuals = []
    for seed in SEEDS:
        counted: dict[tuple[int, bool], int] = {}
        for cells in (CELLS, FINE):
            for obstacles in (False, True):
                given = system(cells, generator(seed, "papers", "dcdm", cells), obstacles)
                plain = conjugate_gradients(given, COARSE).products
                counted[cells, obstacles] = directed(given, network, COARSE).products
                residuals.append(directed(given, network, TRUE).residual)
                where = f"{cells} x {cells}" + (", obstacles" if obstacles else "")
                factor = incomplete_cholesky(given.matrix)
                shown = {
                    "deep conjugate directions: iterations": counted[cells, obstacles],
                    "conjugate gradients: iterations": plain,
                    "with incomplete Cholesky: iterations": conjugate_gradients(given, COARSE, factor).products,
                    "deep conjugate directions: seconds": seconds(lambda: directed(given, network, COARSE)),  # noqa: B023
                    "conjugate gradients: seconds": seconds(lambda: conjugate_gradients(given, COARSE)),  # noqa: B023
                    "with incomplete Cholesky: seconds, factorisation included": seconds(
                        lambda: conjugate_gradients(given, COARSE, incomplete_cholesky(given.matrix))  # noqa: B023
                    ),
                }
                for name, number in shown.items():
                    beside.setdefault(f"{where}, {name}", []).append(float(number))
                if cells == CELLS:
                    ratio = counted[cells, obstacles] / plain
                    blind = directed(given, untrained, COARSE).products / plain
                    values["obstacles" if obstacles else "iterations"].append(ratio)
                    control["obstacles" if obstacles else "iterations"].append(blind)
        values["size"].append(counted[FINE, False] / counted[CELLS, False])
    values["residual"] = [max(residuals)]
    shown_means = {name: float(np.mean(found)) for name, found in beside.items()}
    return Measured(values, control, shown_means)


PAPER = Paper(
    slug="dcdm",
    title="A deep conjugate direction method for iteratively solving linear systems",
    reference="kaneda2023",
    claim="Conjugate directions that a convolutional network proposes, trained without solutions on one matrix, solve "
    "large Poisson problems, with other boundaries too, in a small number of iterations that hardly depends on the "
    "size. The abstract gives no figure.",
    check=f"-Laplace u = f on the unit square; a network trained for {STEPS} steps on {CELLS} x {CELLS} cells, a half "
    f"and a quarter of them, without obstacles, solves {len(SEEDS)} right-hand sides on {CELLS} x {CELLS} and on "
    f"{FINE} x {FINE}, without and with obstacles that it has never seen; iterations to {COARSE:g}, true residuals at "
    f"{TRUE:g}.",
    criteria={
        "iterations": Criterion(f"iterations over those of conjugate gradients, {CELLS} x {CELLS}", at_most=0.35),
        "size": Criterion(f"iterations on {FINE} x {FINE} over {CELLS} x {CELLS}", at_most=1.3),
        "obstacles": Criterion("iterations over those of conjugate gradients, unseen obstacles", at_most=0.35),
        "residual": Criterion("largest true residual where the iteration was asked for 1e-8", at_most=TRUE),
    },
    control="The network as it was before its first step of training.",
    measure=measure,
    note="The network shares its weights between all halvings of the grid, like a multigrid cycle, where the paper's "
    "has one or two poolings, and is trained on three sizes of the square, where the paper has one matrix. "
    "Trained on the largest alone, a first attempt needed twelve times the iterations on the finer square and "
    "0.39 of those of conjugate gradients among obstacles: it failed. The right-hand sides are made of sines, the "
    "eigenvectors of the square, not of Ritz vectors. Among obstacles the iterations grow with the grid as those of "
    "conjugate gradients do. Seconds do not follow iterations: plain conjugate gradients and incomplete Cholesky are "
    "faster, see below.",
)
