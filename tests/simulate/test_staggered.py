"""The staggered grid: eigenvectors of its second differences, and the solvers that rest on them."""

import itertools

import numpy as np
import pytest

from surecast.simulate.staggered import Box, Helmholtz, modes

ENDS = ("faces", "held", "free", "held_free")


def second_difference(ends, cells):
    """As a matrix: values at the ends are 0 where they are given, and the same as the last where there is no slope."""
    points = cells - 1 if ends == "faces" else cells
    matrix = -2 * np.eye(points) + np.eye(points, k=1) + np.eye(points, k=-1)
    matrix[0, 0] += {"faces": 0, "held": -1, "held_free": -1, "free": 1}[ends]
    matrix[-1, -1] += {"faces": 0, "held": -1, "held_free": 1, "free": 1}[ends]
    return matrix


@pytest.mark.parametrize("cells", [4, 9])
@pytest.mark.parametrize("ends", ENDS)
def test_modes_are_orthonormal_eigenvectors(ends, cells):
    vectors, eigenvalues = modes(ends, cells)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(vectors)), atol=1e-14)
    np.testing.assert_allclose(second_difference(ends, cells) @ vectors, vectors * eigenvalues, atol=1e-13)


@pytest.mark.parametrize(("x_ends", "y_ends"), list(itertools.product(ENDS, ENDS)))
def test_the_equation_holds_in_boxes_of_any_size(x_ends, y_ends):
    rows, columns, shift = 6, 9, 1.0
    width, height, factor = (np.array(values)[:, None, None] for values in ([1.0, 3.0], [2.0, 0.5], [0.1, 4.0]))
    box = Box(rows, columns, width, height)
    along_x, along_y = second_difference(x_ends, columns), second_difference(y_ends, rows)
    r = np.random.default_rng(3).standard_normal((2, len(along_y), len(along_x)))
    w = Helmholtz(box, x_ends, y_ends, shift, factor).solve(r)
    laplacian = w @ along_x / box.dx**2 + along_y @ w / box.dy**2
    np.testing.assert_allclose(shift * w - factor * laplacian, r, atol=1e-12)


def test_poisson_s_equation_with_closed_sides_has_a_solution_of_the_mean_zero():
    one = np.ones((1, 1, 1))
    r = np.random.default_rng(4).standard_normal((1, 6, 8))
    r -= r.mean()
    w = Helmholtz(Box(6, 8, one, one), "free", "free", 0.0, one).solve(r)
    assert abs(w.mean()) < 1e-15
    laplacian = 64 * w @ second_difference("free", 8) + 36 * second_difference("free", 6) @ w
    np.testing.assert_allclose(-laplacian, r, atol=1e-12)


def test_difference_quotients_of_a_quadratic():
    box = Box(4, 5, 2 * np.ones((1, 1, 1)), 3 * np.ones((1, 1, 1)))
    x, y = box.dx * np.arange(6), box.dy * np.arange(5)[:, None]
    w = x**2 + 3 * y**2
    np.testing.assert_allclose(box.x(w), (x[..., 1:] + x[..., :-1]) * np.ones((5, 1)), rtol=1e-13)
    np.testing.assert_allclose(box.y(w), 3 * (y[:, 1:] + y[:, :-1]) * np.ones(6), rtol=1e-13)
    np.testing.assert_allclose(box.laplacian(w[:, 1:-1], w[:, :, 1:-1]), 8.0, rtol=1e-12)
