"""Anderson's acceleration on maps whose fixed points are known."""

import numpy as np

from surecast.simulate.fixed_point import fixed_points


def anywhere(u):
    return np.isfinite(u).all(axis=1)


def linear(u, slopes):
    """G(u) = 1 + slopes u, with the fixed point 1 / (1 - slopes)."""
    return 1 + slopes * u


def test_a_linear_map_of_few_eigenvalues_takes_one_more_evaluation_than_these():
    slopes = np.array([[0.9, -0.8, 0.5, 0.9, 0.5, -0.8], [0.99, 0.99, 0.99, 0.99, 0.99, 0.99]])
    found = fixed_points(lambda u: linear(u, slopes), np.zeros((2, 6)), anywhere, tolerance=1e-10)
    assert found.converged.all()
    assert not found.lost.any()
    np.testing.assert_allclose(found.u, 1 / (1 - slopes), rtol=1e-8)
    assert found.iterations[0] <= 3 + 2  # as GMRES on three eigenvalues (Walker and Ni 2011, section 2)
    assert found.iterations[1] == 3


def test_maps_that_expand_converge_only_with_acceleration():
    slopes = np.array([[-3.0, 1.7, 0.3]])
    plain = fixed_points(lambda u: linear(u, slopes), np.zeros((1, 3)), anywhere, max_iterations=30, depth=0)
    assert not plain.converged[0]
    assert plain.iterations[0] == 30
    found = fixed_points(lambda u: linear(u, slopes), np.zeros((1, 3)), anywhere, max_iterations=30)
    np.testing.assert_allclose(found.u, 1 / (1 - slopes), rtol=1e-8)


def test_without_depth_it_is_the_plain_iteration():
    found = fixed_points(np.cos, np.full((1, 1), 0.5), anywhere, tolerance=1e-12, depth=0, max_iterations=200)
    u = 0.5
    for _ in range(found.iterations[0] - 1):
        u = np.cos(u)
    assert found.u[0, 0] == u
    assert abs(np.cos(u) - u) <= 1e-12 * np.cos(u)


def test_what_leaves_the_admissible_states_is_lost_and_harms_no_other():
    def image(u):
        with np.errstate(invalid="ignore"):
            return np.where(rates[: len(u)] > 0, np.sqrt(u), u + 1.0)

    rates = np.array([[1.0], [0.0]])
    found = fixed_points(image, np.full((2, 1), 4.0), lambda u: ((u > 0) & (u < 8)).all(axis=1))
    assert found.converged.tolist() == [True, False]
    assert found.lost.tolist() == [False, True]
    assert found.iterations[1] == 4
    alone = fixed_points(image, np.full((1, 1), 4.0), lambda u: ((u > 0) & (u < 8)).all(axis=1))
    assert alone.u[0].tobytes() == found.u[0].tobytes()
    assert 0 < found.u[1, 0] < 8


def test_a_step_that_leaves_them_is_taken_plainly():
    """G(u) = 2 - 1 / (u + 1/2): from close to its pole the extrapolation overshoots, the plain iteration never does."""
    taken = []

    def image(u):
        taken.append(u[0, 0])
        return 2 - 1 / (u + 0.5)

    found = fixed_points(image, np.full((1, 1), 0.05), lambda u: ((u > 0) & (u < 2)).all(axis=1), tolerance=1e-12)
    assert found.converged[0]
    assert ((np.array(taken) > 0) & (np.array(taken) < 2)).all()
    np.testing.assert_allclose(found.u[0, 0], 0.75 + np.sqrt(0.5625), rtol=1e-10)


def test_a_zero_map_has_converged_at_once():
    found = fixed_points(lambda u: 0 * u, np.zeros((1, 4)), anywhere)
    assert found.converged[0]
    assert found.iterations[0] == 1
    assert found.change[0] == 0
