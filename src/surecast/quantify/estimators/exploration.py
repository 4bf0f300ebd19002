"""Exploring an event with a surrogate: subset simulation in standard-normal space, from several starts.

Levels are the 90 % quantiles of the margin among the samples above the last level; between levels every
sample moves by preconditioned Crank-Nicolson steps z' = sqrt(1 - b^2) z + b s xi, which leave N(0, s^2 I)
invariant in any dimension and are kept only above the level (Au and Beck 2001; Papaioannou et al. 2015).
With s = 1 the samples follow the event under the input law; with s > 1 they see its parts that are far apart
while these are still joined or common, and that one population from s = 1 may lose on its way.
The samples aim a proposal; no estimate contains them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_SHARE = 0.1
_MOVES = 5
_LEVELS = 15


@dataclass(frozen=True)
class Exploration:
    """Samples (n, d) of the event (of the highest level, if the event was not `reached`), and its rough probability."""

    samples: np.ndarray
    probability: float
    reached: bool
    evaluations: int


def explore(
    margin: Callable[[np.ndarray], np.ndarray],
    dimension: int,
    samples: int,
    generator: np.random.Generator,
    scale: float = 1.0,
) -> Exploration:
    """Find samples of the event {margin > 0} under N(0, scale^2 I).

    Parameters
    ----------
    margin : callable
        From points (n, d) to margins (n,), positive inside the event.
    dimension : int
        d.
    samples : int
        Samples on every level.
    scale : float
        s.
    """
    z = scale * generator.standard_normal((samples, dimension))
    value = margin(z)
    evaluations, probability, step = samples, 1.0, 0.6
    for _ in range(_LEVELS):
        level = min(0.0, float(np.quantile(value, 1 - _SHARE)))
        above = np.flatnonzero(value > level)
        if not above.size:
            return Exploration(z, probability, False, evaluations)  # the margin has no slope to climb
        probability *= above.size / samples
        places = above[np.floor((np.arange(samples) + generator.random()) * above.size / samples).astype(int)]
        z, value = z[places], value[places]
        for _ in range(_MOVES):
            moved = np.sqrt(1 - step * step) * z + step * scale * generator.standard_normal(z.shape)
            there = margin(moved)
            evaluations += samples
            accepted = there > level
            z, value = np.where(accepted[:, None], moved, z), np.where(accepted, there, value)
            step = float(np.clip(step * np.exp(accepted.mean() - 0.4), 0.02, 1.0))
        if level == 0.0:
            return Exploration(z, probability, True, evaluations)
    return Exploration(z, probability, False, evaluations)
