r"""How many samples of each model: the smallest variance that a budget of work can buy, from a pilot's covariances.

Multilevel: coupled levels on inputs of their own, V_l the variance of the difference of levels l and l-1,
C_l the cost of both,

    minimise sum_l V_l/n_l  with  sum_l C_l n_l <= B:    n_l = B sqrt(V_l/C_l)/sum_j sqrt(V_j C_j)

(Giles 2015, section 1.3). Multifidelity: models 1 .. K in falling order of their correlation rho_k with model 1,
nested samples m_1 <= ... <= m_K, rho_1 = 1, rho_(K+1) = 0,

    V = s_1^2 sum_k (rho_k^2 - rho_(k+1)^2)/m_k:    m_k ~ sqrt((rho_k^2 - rho_(k+1)^2)/c_k)

(Peherstorfer, Willcox and Gunzburger 2016, section 3), valid where the samples do grow, which is their condition
c_(k-1)/c_k > (rho_(k-1)^2 - rho_k^2)/(rho_k^2 - rho_(k+1)^2). Both are sums d_k/n_k; every selection of
models that holds the finest is tried (their model selection), so that one which does not pay is dropped.

Of several statistics the mean of their variances is minimised, each relative to that of one plain run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_BLOCK = 30
"""Samples of every independent block at least: below it the spread itself is hardly known."""
BETTER = 0.98
"""A larger selection of models must be predicted to have less than this share of the variance of a smaller one."""


@dataclass(frozen=True)
class Budget:
    """Work and limits.

    Parameters
    ----------
    work : float
        In runs of the finest model.
    costs : (M,) array
        Cost of a run of each model, the finest first, at cost 1.
    least : float
        Runs of the finest model at least.
    most : (M,) array
        Runs of each model at most.
    """

    work: float
    costs: np.ndarray
    least: float
    most: np.ndarray


@dataclass(frozen=True)
class Sizes:
    """Models in order, the finest first, the samples of each, and the relative variance that is predicted."""

    models: tuple[int, ...]
    samples: np.ndarray
    variance: float


def fill(gains: np.ndarray, costs: np.ndarray, work: float, least: np.ndarray, most: np.ndarray) -> np.ndarray | None:
    """Sizes n that minimise sum d/n with sum c n <= work and least <= n <= most; None where the least costs more.

    n = t sqrt(d/c) cut to its limits; the cost is piecewise linear in t and rises, so that t follows by interpolation.
    """
    paid = costs > 0
    most = np.maximum(most, least)
    if float(costs @ least) > work:
        return None
    if not paid.any() or float(costs[paid] @ most[paid]) <= work:
        return most
    sizes = most.astype(np.float64)
    slopes = np.sqrt(np.maximum(gains[paid], 0.0) / costs[paid])
    growing = slopes > 0
    if not growing.any():
        return np.where(paid, least, most)
    ends = np.concatenate([least[paid][growing] / slopes[growing], most[paid][growing] / slopes[growing]])
    ends = np.sort(ends[np.isfinite(ends)])
    ends = np.append(ends, max(ends[-1], 2 * work / float(costs[paid] @ slopes)) * 2)
    at = np.clip(ends[:, None] * slopes, least[paid], most[paid])
    t = float(np.interp(work, at @ costs[paid], ends))
    sizes[paid] = np.clip(t * slopes, least[paid], most[paid])
    return sizes


def multilevel(pilot: np.ndarray, budget: Budget) -> Sizes:
    """Levels and their coupled samples from pseudo-values (M, n, S) of a pilot, the finest level first.

    `samples[j]` are those of the difference of `models[j]` and `models[j + 1]` (of the last model alone).
    """
    scale, active = relative(pilot)
    best = alone(budget)
    for models in selections(range(1, len(pilot))):
        chain = scale * pilot[list(models)][:, :, active]
        chain[:-1] -= chain[1:].copy()
        gains = chain.var(axis=1, ddof=1).mean(axis=1)
        costs = budget.costs[list(models)].copy()
        costs[:-1] += costs[1:].copy()
        best = _better(best, models, gains, costs, budget, nested=False)
    return best


def multifidelity(pilot: np.ndarray, budget: Budget) -> Sizes:
    """Models and their nested samples from pseudo-values (M, n, S) of a pilot; `samples[k]` of `models[k]` in all."""
    _, active = relative(pilot)
    squared = squared_correlations(pilot)[:, active].mean(axis=1) if active.any() else np.zeros(len(pilot))
    order = sorted(range(1, len(pilot)), key=lambda k: (-squared[k], k))
    best = alone(budget)
    for models in selections(order):
        falling = np.append(squared[list(models)], 0.0)
        falling[0] = 1.0
        gains = -np.diff(falling)
        if (gains > 0).all():
            best = _better(best, models, gains, budget.costs[list(models)], budget, nested=True)
    return best


def _better(
    best: Sizes, models: tuple[int, ...], gains: np.ndarray, costs: np.ndarray, budget: Budget, *, nested: bool
) -> Sizes:
    least = np.full(len(models), float(LEAST_BLOCK))
    least[0] = max(budget.least, LEAST_BLOCK)
    sizes = fill(gains, costs, budget.work, least, budget.most[list(models)])
    if sizes is None:
        return best
    sizes = np.floor(sizes * (1 + 1e-12))
    if nested and (np.diff(sizes) < LEAST_BLOCK).any():
        return best
    variance = float((gains / sizes).sum())
    return Sizes(models, sizes, variance) if variance < BETTER * best.variance else best


def alone(budget: Budget) -> Sizes:
    """The finest model alone: plain Monte Carlo."""
    samples = np.floor(np.array([min(budget.work, budget.most[0])]))
    return Sizes((0,), samples, 1.0 / float(samples[0]))


def selections(order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every selection of models in that order, behind the finest; small ones first."""
    for count in range(1, len(order) + 1):
        for chosen in itertools.combinations(order, count):
            yield (0, *chosen)


def relative(pilot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale 1/s of the finest model's statistics that vary, and the mask (S,) of those."""
    spread = pilot[0].std(axis=0, ddof=1)
    active = spread > 0
    return 1.0 / spread[active], active


def squared_correlations(pilot: np.ndarray) -> np.ndarray:
    """Squared correlations (M, S) of each model with the finest, without what chance alone adds to them.

    1 - (1 - r^2) (n - 1)/(n - 2), not below 0; 0 where a model does not vary.
    """
    centred = pilot - pilot.mean(axis=1, keepdims=True)
    cross = np.square((centred * centred[0]).sum(axis=1))
    below = np.square(centred).sum(axis=1) * np.square(centred[0]).sum(axis=0)
    squared = np.divide(cross, below, out=np.zeros_like(cross), where=below > 0)
    n = pilot.shape[1]
    return np.asarray(np.clip(1 - (1 - squared) * (n - 1) / (n - 2), 0.0, 1.0))
