"""Where a surrogate sees the event: all its modes, as a mixture of Gaussians.

1. Subset simulation from the input law and from the input law inflated (see `exploration`).
2. Groups of both populations start a mixture; draws of it, weighted to the input law, refit it by expectation
   maximisation, which minimises the cross-entropy to the event's own law (Geyer, Papaioannou and Straub 2019).

Where weights of so many dimensions say too little, the mixture fitted to the first population stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from surecast.quantify.estimators.exploration import explore
from surecast.quantify.estimators.gaussians import Gaussian, Mixture, fit_mixture, isotropic, maximise

_ROUNDS = 2
_GUARDED = 0.2


@dataclass(frozen=True)
class Searched:
    """Components and shares of a mixture at the event, its rough probability, and whether it was reached."""

    components: list[Gaussian]
    shares: np.ndarray
    probability: float
    reached: bool


def reliability_index(probability: float) -> float:
    """beta = -Phi^-1(p), between 0.5 and 7."""
    return -float(ndtri(min(max(probability, 1.3e-12), 0.3)))


def guards(dimension: int, beta: float) -> tuple[Gaussian, Gaussian]:
    """The input law, and the input law inflated by s^2 = 1 + beta^2/d."""
    return isotropic(dimension, 1.0), isotropic(dimension, float(np.sqrt(1 + beta**2 / dimension)))


def guarded(
    components: list[Gaussian], shares: np.ndarray, defence: tuple[Gaussian, Gaussian], share: float
) -> Mixture:
    """The mixture with its defensive components, the last two, of equal shares."""
    return Mixture((*components, *defence), np.append((1 - share) * shares, [0.5 * share, 0.5 * share]))


def search(
    margin: Callable[[np.ndarray], np.ndarray],
    dimension: int,
    samples: int,
    generator: np.random.Generator,
    *,
    rank: int,
    most: int,
) -> Searched:
    """Find all modes of {margin > 0}.

    Parameters
    ----------
    margin : callable
        From points (n, d) to margins (n,), positive inside the event.
    samples : int
        Samples on every level of a population.
    rank, most : int
        Directions of a Gaussian whose variance is not 1, and Gaussians at most.
    """
    first = explore(margin, dimension, samples, generator)
    seed = int(generator.integers(2**32))
    components, shares = fit_mixture(first.samples, rank, most, seed)
    likely = first.probability
    if not first.reached:
        return Searched(components, shares, likely, False)
    defence = guards(dimension, reliability_index(likely))
    wide = explore(margin, dimension, samples, generator, scale=defence[1].scale)
    start, parts = components, shares
    if wide.reached:
        more, others = fit_mixture(wide.samples, rank, most, seed)
        start, parts = [*components, *more], np.concatenate([shares, others]) / 2
    for _ in range(_ROUNDS):
        proposal = guarded(start, parts, defence, _GUARDED)
        z = proposal.draw(generator, 4 * samples)
        log_law = -0.5 * ((z * z).sum(axis=1) + dimension * np.log(2 * np.pi))
        weights = np.exp(log_law - proposal.log_density(z)) * (margin(z) > 0)
        effective = float(weights.sum()) ** 2 / max(float(np.square(weights).sum()), 1e-300)
        if effective < 20 * len(start) + 2 * dimension:
            break
        start, parts = maximise(start, parts, z, weights, rank)
        components, shares, likely = start, parts, float(weights.mean())
    return Searched(components, shares, likely, True)
