r"""Simultaneous bands: one factor c for all points of a field, so that value -+ c se holds everywhere at once.

    c = quantile of max_p |Z_p|,    Z ~ N(0, correlation of the estimates at the points)

(sup-t bands: Montiel Olea and Plagborg-Moeller 2019, section 2). Z is drawn by Gaussian multipliers xi,

    Z_p = sum_b xi_b e_bp / sqrt(sum_b e_bp^2),

of influences e_b summed over independent batches of runs, so that nothing grows with the number of runs. With few
batches the correlation is itself uncertain: c is scaled by Student's t over the normal quantile for that many
degrees of freedom, and never above Bonferroni's factor, which needs no correlation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from surecast.quantify.intervals import t_quantile

DRAWS = 2000
_BLOCK = 100


def simultaneous_factor(
    influences: Sequence[np.ndarray], weights: Sequence[np.ndarray], level: float, dof: float, seed: np.random.Generator
) -> float:
    """Factor c of standard errors that holds at all points at once.

    Parameters
    ----------
    influences : sequence of (batches, points) arrays
        Independent parts of the estimates' errors: sums over batches of runs, over replicates of a surrogate.
    weights : sequence of (points,) arrays
        Variance of each part at each point.
    level : float
        Probability with which the band holds everywhere.
    dof : float
        Degrees of freedom of the standard errors.
    seed : numpy.random.Generator
        Draws the multipliers.
    """
    total = np.sum(weights, axis=0)
    live = total > 0
    points = int(live.sum())
    if not points:
        return 0.0
    parts, batches = [], max(len(one) for one in influences)
    for one, weight in zip(influences, weights, strict=True):
        norm = np.sqrt(np.square(one[:, live]).sum(axis=0))
        scale = np.divide(np.sqrt(weight[live] / total[live]), norm, out=np.zeros(points), where=norm > 0)
        parts.append(one[:, live] * scale)
    largest = np.empty(DRAWS)
    for start in range(0, DRAWS, _BLOCK):
        drawn = sum(seed.standard_normal((_BLOCK, len(part))) @ part for part in parts)
        largest[start : start + _BLOCK] = np.abs(drawn).max(axis=1)
    found = float(np.quantile(largest, level))
    point = 2 * float(special.ndtr(found)) - 1  # level of one point's interval with this factor
    corrected = t_quantile(min(point, 1 - 1e-12), min(dof, 4.0 * (batches - 1)))
    bonferroni = t_quantile(1 - (1 - level) / points, dof)
    return max(min(corrected, bonferroni), t_quantile(level, dof))
