"""SOR and SSOR against Young's theory, incomplete Cholesky against its definition, bandits against theirs."""

import numpy as np
import pytest
import scipy.sparse as sparse

from surecast.simulate.linear.bandits import Binned, TsallisINF
from surecast.simulate.linear.five_point import laplacian
from surecast.simulate.linear.incomplete_cholesky import _factor, incomplete_cholesky
from surecast.simulate.linear.relaxation import fastest, sor, ssor
from surecast.study.errors import SimulationError


def model(side):
    """The five-point matrix of inner points, diagonal 4; Jacobi's spectral radius is cos(pi / (side + 1))."""
    beside = -np.ones(side - 1)
    line = sparse.diags_array([beside, np.full(side, 2.0), beside], offsets=[-1, 0, 1])
    one = sparse.eye_array(side)
    return (sparse.kron(one, line) + sparse.kron(line, one)).tocsr()


def radius(matrix, relaxation):
    dense = matrix.toarray()
    lower = np.tril(dense, -1) + np.diag(np.diag(dense) / relaxation)
    return np.abs(np.linalg.eigvals(np.eye(len(dense)) - np.linalg.solve(lower, dense))).max()


def test_the_fastest_relaxation_is_youngs():
    matrix, best = model(8), fastest(np.cos(np.pi / 9))
    assert radius(matrix, 1.0) == pytest.approx(np.cos(np.pi / 9) ** 2, rel=1e-6)
    assert radius(matrix, best) == pytest.approx(best - 1.0, rel=1e-3)  # a defective eigenvalue
    assert radius(matrix, best) < min(radius(matrix, best - 0.1), radius(matrix, best + 0.1))
    f = np.random.default_rng(0).standard_normal(64)
    u, sweeps = sor(matrix, f, best, 1e-8, 1000)
    assert np.linalg.norm(f - matrix @ u) <= 1e-8 * np.linalg.norm(f)
    assert sweeps < 0.3 * sor(matrix, f, 1.0, 1e-8, 1000)[1]
    assert sor(matrix, f, 1.0, 1e-8, 5)[1] == 5


def test_ssor_is_its_matrix():
    matrix, relaxation = model(5), 1.4
    dense = matrix.toarray()
    diagonal = np.diag(np.diag(dense))
    lower = diagonal / relaxation + np.tril(dense, -1)
    m = relaxation / (2 - relaxation) * lower @ np.linalg.inv(diagonal) @ lower.T
    r = np.random.default_rng(1).standard_normal(25)
    np.testing.assert_allclose(ssor(matrix, relaxation)(r), np.linalg.solve(m, r), rtol=1e-12)


def test_incomplete_cholesky_is_the_matrix_on_its_entries():
    matrix = laplacian(9)
    factor = _factor(matrix)
    difference = (factor @ factor.T - matrix).toarray()
    assert np.abs(difference[matrix.toarray() != 0]).max() < 1e-12 * np.abs(matrix).max()
    assert np.abs(difference).max() > 1.0
    r = np.random.default_rng(2).standard_normal(81)
    np.testing.assert_allclose(factor @ (factor.T @ incomplete_cholesky(matrix)(r)), r, rtol=1e-10)
    with pytest.raises(SimulationError, match="no M-matrix"):
        incomplete_cholesky(sparse.csr_array(np.array([[1.0, 2.0], [2.0, 1.0]])))


def test_probabilities_of_a_bandit_are_those_of_its_leader():
    learner = TsallisINF(4, np.random.default_rng(3))
    np.testing.assert_allclose(learner.probabilities(), 0.25, rtol=1e-12)
    for cost in (30.0, 10.0, 20.0, 40.0, 10.0, 10.0):
        learner.choose()
        learner.learn(cost)
    p = learner.probabilities()
    assert p.sum() == pytest.approx(1.0, abs=1e-14)
    # 4 (eta (K - x))^-2 = p: 2 p^-1/2 / eta - K is minus the same x for all arms.
    eta, mean = 2 / np.sqrt(7), (29 + 9 + 19 + 39 + 9 + 9) / 6
    level = 2 / (eta * np.sqrt(p)) - learner._losses / mean
    np.testing.assert_allclose(level, level[0], rtol=1e-9)


def test_a_bandit_finds_the_best_arm_and_bins_find_theirs():
    costs = np.array([40.0, 12.0, 30.0, 60.0])
    plain = TsallisINF(4, np.random.default_rng(4))
    binned = Binned(4, [0.5], np.random.default_rng(5))
    tried, by_context = [], {0.2: [], 0.8: []}
    for number in range(1500):
        tried.append(plain.choose())
        plain.learn(costs[tried[-1]])
        context = (0.2, 0.8)[number % 2]
        arm = binned.choose(context)
        binned.learn(costs[arm] if context < 0.5 else costs[::-1][arm])
        by_context[context].append(arm)
    assert np.mean(np.array(tried[1000:]) == 1) > 0.85
    assert np.mean(np.array(by_context[0.2][500:]) == 1) > 0.8
    assert np.mean(np.array(by_context[0.8][500:]) == 2) > 0.8


def test_a_bandit_whose_arms_cost_nothing_stays_fair():
    learner = TsallisINF(3, np.random.default_rng(6))
    for _ in range(20):
        learner.choose()
        learner.learn(1.0)
    np.testing.assert_allclose(learner.probabilities(), 1 / 3, rtol=1e-9)
