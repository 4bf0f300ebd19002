"""Latin hypercube design: u_ij = (pi_j(i) - v_ij) / b with pi_j a random permutation of 1..b, v_ij ~ U(0, 1).

Each of the b strata of every input holds exactly one point, which takes the variance of the additive
part of a functional away: Var = Var_MC (residual from additivity) + o(1/b)
(McKay, Beckman and Conover, Technometrics 21, 1979; Stein, Technometrics 29, 1987).

A Latin hypercube of n points cannot be extended to one of more points while the first stay where they
are, unless the number is multiplied. So that raising ``train`` keeps the first runs byte for byte, the
design is a sequence of *independent* Latin hypercubes of ``block`` points each. Every block is an exact
Latin hypercube; the whole has one point per stratum of width 1/b per block (between the stratification
of one hypercube of n points and that of none), and stays unbiased. Where ``train`` is no multiple of
``block``, the last block is cut short: its points are still uniform, but not one per stratum. For one
hypercube over all runs, set ``block`` to ``train``; raising ``train`` then still keeps the first block
if ``block`` stays as it was.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from surecast.design.design import MOST_RUNS, DrawnDesign
from surecast.study import seeds


class LatinHypercube(DrawnDesign):
    """Independent Latin hypercubes of `block` runs each, one after the other."""

    block: int = Field(
        default=64, ge=2, le=MOST_RUNS, description="Number of runs of each Latin hypercube; not to be changed later."
    )

    def train_points(self, dimension: int, count: int, study_seed: int) -> np.ndarray:
        """Training points; see `DrawnDesign.train_points`."""
        points = np.empty((count, dimension))
        for index, start in enumerate(range(0, count, self.block)):
            stream = seeds.generator(study_seed, "design", "latin_hypercube", self.block, index)
            points[start : start + self.block] = latin_points(self.block, dimension, stream)[: count - start]
        return points


def latin_points(count: int, dimension: int, stream: np.random.Generator) -> np.ndarray:
    """One Latin hypercube of `count` points in the open unit cube, shape ``(count, dimension)``."""
    strata = stream.permuted(np.tile(np.arange(count)[:, None], dimension), axis=0)
    return np.clip((strata + stream.random((count, dimension))) / count, 2.0**-54, 1 - 2.0**-53)
