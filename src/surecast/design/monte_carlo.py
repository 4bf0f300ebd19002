"""Monte Carlo design: u_i ~ U(0, 1)^d, independent.

A linear functional's error falls as n^(-1/2) in any dimension. Every initial piece of the design is
itself a Monte Carlo design.
"""

from __future__ import annotations

import numpy as np

from surecast.design.design import DrawnDesign, random_points


class MonteCarlo(DrawnDesign):
    """Independent random draws from the law of the inputs."""

    def train_points(self, dimension: int, count: int, study_seed: int) -> np.ndarray:
        """Training points; see `DrawnDesign.train_points`."""
        return random_points(dimension, count, study_seed, "train")
