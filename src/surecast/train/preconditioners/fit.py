r"""Training of a preconditioner without solutions: residuals after one step along the direction that it proposes.

    minimise   mean of norm(b - a A q)^2,   q = g(b),   a = (q . b)/(q . A q),   norm(b) = 1

a is the exact line search, so that the factor of q is free. b is made of eigenvectors of A with normal coefficients,
nine times as large in the lower half of the spectrum: Kaneda et al., "A deep conjugate direction method for iteratively
solving linear systems", ICML 2023, who take the Ritz vectors of Lanczos' iteration. A is the
five-point matrix of the square (`surecast.simulate.linear.five_point`), whose eigenvectors are sines; times h^2, which
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from surecast.simulate.linear.five_point import eigenvalues
from surecast.study.errors import TrainingError
from surecast.study.seeds import generator, integer_seed
from surecast.train.adamw import AdamW
from surecast.train.device import same_bits
from surecast.train.preconditioners.multilevel import MultilevelCycle
from surecast.train.schedule import learning_rate

LOW_WEIGHT = 9.0
LARGEST_GRADIENT = 1.0
SMALLEST = 8


def fit_preconditioner(
    cells: int = 64,
    steps: int = 600,
    *,
    batch: int = 8,
    width: int = 16,
    rate: float = 3e-3,
    seed: int = 0,
    report: Callable[[int, float], None] | None = None,
) -> MultilevelCycle:
    """Train on the square, in turn with a half and a quarter of the cells; the same numbers give the same weights.

    Trained on one size alone, the network knows no finer halvings of the grid than those, and may fail on larger ones.

    Parameters
    ----------
    cells : int
        Cells along a side of the finest square.
    steps, batch : int
        Optimiser's steps and right-hand sides in each.
    width : int
        Channels of the network.
    rate : float
        Largest learning rate.
    seed : int
        Of the weights and the right-hand sides.
    report : callable, optional
        Given every step and its loss.

    Raises
    ------
    TrainingError
        If the loss is no number any more.
    """
    with same_bits(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(seed, "preconditioner", "weights"))
        network = MultilevelCycle(width)
        optimiser = AdamW(network.parameters(), weight_decay=0.0)
        stream = generator(seed, "preconditioner", "right-hand sides")
        sizes = [size for size in (cells, cells // 2, cells // 4) if size == cells or size >= SMALLEST]
        for step in range(steps):
            b = right_sides(sizes[step % len(sizes)], batch, stream)
            loss = loss_of(network, torch.from_numpy(b))
            for parameter in optimiser.parameters:
                parameter.grad = None
            loss.backward()
            torch.nn.utils.clip_grad_norm_(optimiser.parameters, LARGEST_GRADIENT)
            optimiser.step(learning_rate(step, steps, rate))
            value = float(loss.detach())
            if not np.isfinite(value):
                raise TrainingError(f"the loss is {value} at step {step}.", "lower the learning rate.")
            if report is not None:
                report(step, value)
    return network


def right_sides(cells: int, count: int, stream: np.random.Generator) -> np.ndarray:
    """Unit vectors b, (count, 1, n, n), single precision."""
    from scipy.fft import idstn

    order = np.argsort(np.argsort(eigenvalues(cells), axis=None, kind="stable"), kind="stable")
    weight = np.where(order < cells**2 // 2, LOW_WEIGHT, 1.0).reshape(cells, cells)
    b = idstn(stream.standard_normal((count, cells, cells)) * weight, type=2, norm="ortho", axes=(1, 2))
    b /= np.sqrt(np.square(b).sum(axis=(1, 2), keepdims=True))
    return np.asarray(b[:, None], dtype=np.float32)


def loss_of(network: Callable[[Tensor], Tensor], b: Tensor) -> Tensor:
    """The mean over a batch (batch, 1, n, n) of unit vectors."""
    q = network(b)
    image = five_point(q)
    a = _dots(q, b) / _dots(q, image)
    return (1.0 - 2.0 * a * _dots(b, image) + a**2 * _dots(image, image)).mean()


def five_point(q: Tensor) -> Tensor:
    """h^2 L q, (batch, 1, n, n): neighbours are zero beyond the sides, the diagonal 1 larger for each side."""
    wide = pad(q, (1, 1, 1, 1))
    neighbours = wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    at_side = torch.zeros(q.shape[-1], dtype=q.dtype, device=q.device)
    at_side[[0, -1]] = 1.0
    return (4.0 + at_side[:, None] + at_side) * q - neighbours


def _dots(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=(1, 2, 3))
