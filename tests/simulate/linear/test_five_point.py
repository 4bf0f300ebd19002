"""Five-point differences: sines are eigenvectors, shifts are inverted exactly, cells at zero split the square."""

import numpy as np
import pytest

from surecast.simulate.linear.five_point import centres, eigenvalues, laplacian, solve_shifted, with_zeros

N = 12


def test_sines_are_eigenvectors():
    x, matrix = centres(N), laplacian(N)
    for i, j in ((1, 1), (3, 7), (12, 12)):
        mode = np.outer(np.sin(np.pi * j * x), np.sin(np.pi * i * x)).reshape(-1)
        np.testing.assert_allclose(matrix @ mode, eigenvalues(N)[j - 1, i - 1] * mode, atol=1e-10)
    assert eigenvalues(256)[0, 0] == pytest.approx(2 * np.pi**2, rel=1e-4)
    assert abs(matrix - matrix.T).max() == 0


@pytest.mark.parametrize("shift", [0.0, 7.5, -31.0 + 4.0j])
def test_a_shift_is_inverted(shift):
    rng = np.random.default_rng(0)
    f = rng.standard_normal(N * N) + (1j * rng.standard_normal(N * N) if np.iscomplexobj(shift) else 0)
    u = solve_shifted(N, shift, f)
    np.testing.assert_allclose(laplacian(N) @ u + shift * u, f, atol=1e-11)
    assert np.iscomplexobj(u) == np.iscomplexobj(shift)


def test_cells_at_zero_end_the_region_at_their_faces():
    """With the right half at zero, the left one is a rectangle whose sines are eigenvectors."""
    x = centres(N)
    zero = np.broadcast_to(x > 0.5, (N, N)).reshape(-1)
    matrix = with_zeros(laplacian(N), zero)
    mode = np.where(zero, 0.0, np.outer(np.sin(np.pi * x), np.sin(2 * np.pi * x)).reshape(-1))
    np.testing.assert_allclose(matrix @ mode, eigenvalues(N)[0, 1] * mode, atol=1e-11)
    assert abs(matrix - matrix.T).max() == 0
    assert (np.diff(matrix.indptr)[zero] == 1).all()
    assert with_zeros(matrix, np.zeros(N * N, dtype=bool)) is matrix
