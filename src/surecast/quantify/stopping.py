"""Stopping at a tolerance without bias from looking.

A question with a tolerance looks at its final sample at sizes that are declared before the first run,
n_k = n/2^(K-k), k = 1..K, and stops at the first look where every interval is narrow enough. The error
alpha = 1 - level is spent over the looks,

    alpha_k = alpha n_k^2/sum_j n_j^2,

so that by the union bound all K intervals hold together with probability 1 - alpha, however the looks
depend on each other and whatever decides which one is reported (Lan and DeMets 1983 spend alpha in the
same way). With K = 4 the last look keeps three quarters of alpha: its interval is 6 % wider than
without looks. Without a tolerance there is one look, at the full level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surecast.quantify.estimators.estimator import Found, growing
from surecast.quantify.sampling import Task
from surecast.quantify.verdict import reached

LOOKS = 4
LEAST_SIZE = 64
"""Smallest first look: below it the spread itself is hardly known."""


@dataclass(frozen=True)
class Look:
    """A declared size of the final sample, and the level of the intervals there."""

    size: int
    level: float


def looks(total: int, task: Task, least: int = LEAST_SIZE) -> list[Look]:
    """The looks at a final sample of `total` rows (or points); sizes halve exactly, rounded up, from the last one."""
    if task.tolerance is None and task.absolute_tolerance is None:
        return [Look(total, task.level)]
    sizes = [-(-total // 2**shift) for shift in range(LOOKS)]
    sizes = sorted(size for size in sizes if size >= least or size == total)
    shares = np.square(np.asarray(sizes, dtype=np.float64))
    shares /= shares.sum()
    return [Look(size, 1 - (1 - task.level) * float(share)) for size, share in zip(sizes, shares, strict=True)]


def grow(
    plan: Sequence[Look],
    task: Task,
    observe: Callable[[int, int], None],
    analyse: Callable[[int, float], list[Found]],
    sizes: Callable[[int], Sequence[int]] | None = None,
    patient: bool = False,
) -> dict[int, list[Found]]:
    """Observe up to the first look at which every tolerance is reached.

    Parameters
    ----------
    plan : sequence of Look
        See `looks`.
    observe : callable
        Makes rows start to stop of the final sample and keeps them.
    analyse : callable
        What the first `size` rows say at a level, one `Found` a statistic.
    sizes : callable, optional
        From the final size to the sizes of the convergence record; default: geometric.
    patient : bool
        Whether to go on where a look leaves reasons for doubt, although its intervals are narrow enough.

    Returns
    -------
    dict
        Size -> what was found there, all at the level of the look that stopped; the largest size is the answer.
    """
    start = 0
    for look in plan:
        observe(start, look.size)
        found = analyse(look.size, look.level)
        start = look.size
        if all(reached(one.figure, task) and not (patient and one.reasons) for one in found):
            break
    points = growing(look.size, task.steps) if sizes is None else sizes(look.size)
    return {size: analyse(size, look.level) for size in points if size < look.size} | {look.size: found}
