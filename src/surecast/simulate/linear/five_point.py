r"""Five-point differences on the n x n cells of the unit square, u = 0 at its sides.

    (L u)_ij = (4 u_ij - u_i-1,j - u_i+1,j - u_i,j-1 - u_i,j+1) / h^2,   h = 1/n

at the centres of cells; beyond a side stands the mirror image -u, which puts the zero on the side itself (order 2).
L is diagonal in the sines at the centres, with eigenvalues 4/h^2 (sin^2(pi i h / 2) + sin^2(pi j h / 2)), i, j = 1 .. n
(Strang, SIAM Review 41 (1999) 135): L plus a number is inverted by two transforms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse


def centres(cells: int) -> np.ndarray:
    """Centres of the cells along one side, (n,)."""
    return (np.arange(cells) + 0.5) / cells


def laplacian(cells: int) -> scipy.sparse.csr_array:
    """L, symmetric positive definite, (n^2, n^2); cells in rows of x."""
    import scipy.sparse as sparse

    diagonal = np.full(cells, 2.0)
    diagonal[[0, -1]] += 1.0
    beside = -np.ones(cells - 1)
    line = sparse.diags_array([beside, diagonal, beside], offsets=[-1, 0, 1]) * float(cells) ** 2
    one = sparse.eye_array(cells)
    return (sparse.kron(one, line) + sparse.kron(line, one)).tocsr()


def eigenvalues(cells: int) -> np.ndarray:
    """Of L, (y, x)."""
    line = (2.0 * cells * np.sin(0.5 * np.pi * np.arange(1, cells + 1) / cells)) ** 2
    return line[:, None] + line


def solve_shifted(cells: int, shift: complex, f: np.ndarray) -> np.ndarray:
    """(L + shift)^-1 f, for f (n^2,) real or complex."""
    from scipy.fft import dstn, idstn

    square = f.reshape(cells, cells)
    parts = [square.real, square.imag] if np.iscomplexobj(f) else [square]
    found = [dstn(part, type=2, norm="ortho") for part in parts]
    spectrum = (found[0] + 1j * found[1] if len(found) == 2 else found[0]) / (eigenvalues(cells) + shift)
    if not np.iscomplexobj(spectrum):
        return np.asarray(idstn(spectrum, type=2, norm="ortho")).reshape(-1)
    back = [idstn(part, type=2, norm="ortho") for part in (spectrum.real, spectrum.imag)]
    return np.asarray(back[0] + 1j * back[1]).reshape(-1)


def with_zeros(matrix: scipy.sparse.csr_array, zero: np.ndarray) -> scipy.sparse.csr_array:
    """L where u = 0 in some cells (n^2,) and on their faces; in these cells L is a multiple of the unit matrix.

    A neighbour beyond such a face is the mirror image -u, as at the sides of the square: its coupling moves to the
    diagonal with the other sign.
    """
    import scipy.sparse as sparse

    if not zero.any():
        return matrix
    free = (~zero).astype(np.float64)
    diagonal = matrix.diagonal()
    beside = matrix - sparse.diags_array(diagonal)
    lost = -(beside @ zero.astype(np.float64)) * free
    inner = sparse.diags_array(free) @ beside @ sparse.diags_array(free)
    found = (inner + sparse.diags_array(diagonal + lost)).tocsr()
    found.eliminate_zeros()
    return found
