"""The learning rate as a function of the step alone: the same whatever was interrupted, and however long it took."""

from __future__ import annotations

import math

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""


def learning_rate(step: int, steps: int, largest: float) -> float:
    """Linear rise, then half a cosine to zero: r = r_max (1 + cos(pi (s - w) / (1 - w))) / 2, s = step / steps.

    Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", ICLR, equation 5, after a
    warm-up over the share w of the steps.

    Parameters
    ----------
    step : int
        0 .. steps - 1.
    steps : int
        Number of steps of the training.
    largest : float
        r_max.
    """
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return largest * (step + 1) / rise
    return largest * 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
