"""Scrambled Sobol design: a digital (t, d)-sequence in base 2 with random linear scrambling and digital shift.

For smooth integrands the error of the mean falls up to n^(-3/2) at n = 2^m, against n^(-1/2) for random
points (Sobol, USSR Comp. Math. 7, 1967; directions of Joe and Kuo, SIAM J. Sci. Comput. 30, 2008;
scrambling of Matousek, J. Complexity 14, 1998; rate in Owen, Ann. Statist. 25, 1997). Numbers of runs
that are powers of two are balanced; others are allowed, and lose the balance of the last piece only.

The sequence is filled point by point under one scrambling, so the first 512 of 1024 are the same bytes.
"""

from __future__ import annotations

import warnings

import numpy as np

from surecast.design.design import DrawnDesign
from surecast.study import seeds
from surecast.study.errors import StudyError

MOST_DIMENSIONS = 21_201
_BITS = 32


class Sobol(DrawnDesign):
    """Scrambled Sobol points with a scrambling of the study's own."""

    def train_points(self, dimension: int, count: int, study_seed: int) -> np.ndarray:
        """Training points; see `DrawnDesign.train_points`.

        Raises
        ------
        StudyError
            If the inputs have more dimensions than the directions of Joe and Kuo.
        """
        return scrambled_points(dimension, count, seeds.generator(study_seed, "design", "sobol", "train"))


def scrambled_points(dimension: int, count: int, stream: np.random.Generator) -> np.ndarray:
    """First `count` points of a scrambled Sobol sequence in the open unit cube, shape ``(count, dimension)``."""
    from scipy.stats import qmc

    if dimension > MOST_DIMENSIONS:
        raise StudyError(
            f"the Sobol sequence has {MOST_DIMENSIONS} dimensions, the inputs have {dimension}.",
            "use design kind monte_carlo, or fewer terms in the Gaussian fields.",
        )
    with warnings.catch_warnings():
        # SciPy warns of numbers that are no power of two; the docstring above says what they cost.
        warnings.filterwarnings("ignore", message="The balance properties of Sobol", category=UserWarning)
        points = qmc.Sobol(dimension, scramble=True, bits=_BITS, rng=stream).random(count)
    # Points are multiples of 2^-bits in [0, 1): the middles of their cells are never 0 or 1.
    return np.asarray(points + 2.0 ** -(_BITS + 1))
