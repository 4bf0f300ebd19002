"""Adaptive multiple importance sampling: every stage reweights all draws so far as if from the mixture of stages.

    w_i = phi(z_i)/q_bar(z_i),   q_bar = sum_t n_t q_t / sum_t n_t

(Cornuet, Marin, Mira and Robert 2012, Scandinavian Journal of Statistics 39, section 3; the weights are the balance
heuristic of Veach and Guibas 1995). A mixture of Gaussians is fitted to all draws above the level of the last stage.
Draws depend on earlier ones through their proposals, so the pooled sum of weights has no interval that holds
for certain: here it only aims, and stands in the diagnostics as `pooled_probability`. The estimate is that of a
final sample drawn afresh from the last mixture.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import logsumexp

from surecast.quantify.estimators.cross_entropy import fit_weighted
from surecast.quantify.estimators.gaussians import Mixture
from surecast.quantify.estimators.search import guarded, guards, reliability_index
from surecast.quantify.estimators.weighted import Proposal, WeightedSampling
from surecast.quantify.normal_space import NormalSpace


def balance(proposals: list[tuple[Mixture, int]], z: np.ndarray) -> np.ndarray:
    """log q_bar, (n,), of stages (q_t, n_t) at points (n, d)."""
    total = sum(count for _, count in proposals)
    parts = np.stack([proposal.log_density(z) + np.log(count / total) for proposal, count in proposals])
    return np.asarray(logsumexp(parts, axis=0))


class AdaptiveImportanceSampling(WeightedSampling):
    """Adaptive multiple importance sampling with the simulator alone; every input law must be continuous."""

    kind: ClassVar[str] = "adaptive_importance_sampling"
    title: ClassVar[str] = "the adaptation"
    methods: ClassVar[tuple[str, ...]] = ("cornuet2012", "veach1995", "hesterberg1995", "fay1997")

    components: int = Field(4, ge=1, le=16, description="Gaussians of the proposal at most.")

    def aim(self, space: NormalSpace, runs: int, stream: np.random.Generator) -> Proposal:
        """See `WeightedSampling.aim`."""
        size, d = max(runs // self.stages, 20), space.dimension
        proposal = guarded([guards(d, 0.0)[0]], np.ones(1), guards(d, 3.0), max(self.defence, 0.5))
        stages: list[tuple[Mixture, int]] = []
        points, margins = np.empty((0, d)), np.empty(0)
        reached, pooled = False, 0.0
        while (len(stages) + 1) * size <= runs:
            z = proposal.draw(stream, size)
            last = np.nan_to_num(space.truth(z)[1], nan=-np.inf)
            stages.append((proposal, size))
            points, margins = np.concatenate([points, z]), np.concatenate([margins, last])
            weights = np.exp(space.log_law(points) - balance(stages, points))
            level = min(0.0, float(np.sort(last)[-max(round(self.quantile * size), 2)]))
            above = margins >= level if level < 0 else margins > 0
            if not above.any() or not np.isfinite(level):
                continue
            reached = reached or level == 0
            pooled = float(np.mean(weights * (margins > 0)))
            components, shares = fit_weighted(points[above], weights[above], self.rank, self.components, stream)
            beta = reliability_index(float(np.mean(weights * above)))
            proposal = guarded(components, shares, guards(d, beta), self.defence)
        return Proposal(proposal, reached, {"stages": len(stages), "pooled_probability": pooled})
