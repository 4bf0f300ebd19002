"""The order in which similar systems follow one another: greedily, the nearest that is left.

    i_1 = 1,   i_{s+1} = argmin over what is left of norm(p_i - p_{i_s})

with the Euclidean (for matrices of parameters: Frobenius) norm. Wang, Hao, Wang, Geng, Wang, Li and Wu, "Accelerating
data generation for neural operators via Krylov subspace recycling", ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Sequence as Many

import numpy as np

from surecast.simulate.linear.solver import Answer, LinearSystem, Sequence


def by_similarity(parameters: np.ndarray) -> np.ndarray:
    """Indices (systems,) of the order, for parameters (systems, ...); the first system stays first."""
    points = np.asarray(parameters, dtype=np.float64).reshape(len(parameters), -1)
    left = np.ones(len(points), dtype=bool)
    order = np.zeros(len(points), dtype=np.int64)
    for place in range(1, len(points)):
        left[order[place - 1]] = False
        distances = np.square(points - points[order[place - 1]]).sum(axis=1)
        order[place] = np.argmin(np.where(left, distances, np.inf))
    return order


def solve_sorted(sequence: Sequence, systems: Many[LinearSystem]) -> list[Answer]:
    """Answers in the order given, solved in the order of similarity."""
    found: dict[int, Answer] = {}
    for index in by_similarity(np.array([system.parameters for system in systems])):
        found[int(index)] = sequence.solve(systems[index])
    return [found[index] for index in range(len(systems))]
