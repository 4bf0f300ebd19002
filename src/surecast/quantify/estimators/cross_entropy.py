"""Cross-entropy method: the proposal of the least Kullback-Leibler divergence from the event's own law.

In stage t draws of q_t are weighted to the input law, w = phi/q_t, and a Gaussian (or a mixture of some) is
fitted to those above the level gamma_t, the (1 - rho) quantile of the margin, at most 0:

    q_{t+1} = argmax_q  sum_i w_i 1{margin_i >= gamma_t} log q(z_i)

(De Boer, Kroese, Mannor and Rubinstein 2005, section 3.2, algorithm 3.1; with mixtures by expectation maximisation
Geyer, Papaioannou and Straub 2019). Once a stage has reached the event, one more refits to it; all runs left
make the final sample. One Gaussian finds one mode of several: take `components` for more.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimators.gaussians import Gaussian, fit_gaussian, fit_mixture, maximise
from surecast.quantify.estimators.search import guarded, guards, reliability_index
from surecast.quantify.estimators.weighted import Proposal, WeightedSampling
from surecast.quantify.normal_space import NormalSpace


class CrossEntropy(WeightedSampling):
    """Cross-entropy importance sampling with the simulator alone; every input law must be continuous."""

    kind: ClassVar[str] = "cross_entropy"
    title: ClassVar[str] = "the cross-entropy search"
    methods: ClassVar[tuple[str, ...]] = ("deboer2005", "rubinstein2004", "geyer2019", "hesterberg1995", "fay1997")

    components: int = Field(1, ge=1, le=16, description="Gaussians of the proposal at most.")

    def aim(self, space: NormalSpace, runs: int, stream: np.random.Generator) -> Proposal:
        """See `WeightedSampling.aim`."""
        size = max(runs // self.stages, 20)
        d = space.dimension
        start: tuple[list[Gaussian], np.ndarray] = ([guards(d, 0.0)[0]], np.ones(1))
        defence, proposal = guards(d, 0.0), guarded(*start, guards(d, 0.0), self.defence)
        reached, stages, likely = False, 0, 1.0
        while stages * size + size <= runs:
            z = proposal.draw(stream, size)
            margin = np.nan_to_num(space.truth(z)[1], nan=-np.inf)
            stages += 1
            weights = np.exp(space.log_law(z) - proposal.log_density(z))
            level = min(0.0, float(np.sort(margin)[-max(round(self.quantile * size), 2)]))
            above = margin >= level if level < 0 else margin > 0
            if not above.any() or not np.isfinite(level):
                continue
            likely = float(np.mean(weights * above))
            start = fit_weighted(z[above], weights[above], self.rank, self.components, stream)
            defence = guards(d, reliability_index(likely))
            proposal = guarded(*start, defence, self.defence)
            if level == 0 and reached:
                break
            reached = reached or level == 0
        return Proposal(proposal, reached, {"stages": stages, "explored_probability": likely if reached else 0.0})


def fit_weighted(
    z: np.ndarray, weights: np.ndarray, rank: int, most: int, stream: np.random.Generator
) -> tuple[list[Gaussian], np.ndarray]:
    """Mixture fitted to weighted samples: groups of a resampled population start the expectation maximisation."""
    one = [fit_gaussian(z, weights, rank)], np.ones(1)
    if most == 1 or len(z) < 10:
        return one
    drawn = stream.choice(len(z), size=len(z), p=weights / weights.sum())
    components, shares = fit_mixture(z[drawn], rank, most, int(stream.integers(2**32)))
    return maximise(components, shares, z, weights, rank)
