"""Fast Poisson solver on the unit square by sine and cosine transforms.

    -Laplace u = r,   u = 0 at x = 0 and x = 1,   u_y = 0 (closed) or u = 0 at y = 0 and y = 1

on n x n cells with the five-point finite volumes of constant coefficient 1 (unknowns at cell centres,
Dirichlet values half a cell away). Its eigenvectors are sines in x (DST-II) and in y cosines (DCT-II) or sines,
its eigenvalues, for i = 1 .. n and j = 0 .. n - 1 or 1 .. n,

    lambda_ij = 2 - 2 cos(pi i / n) + 2 - 2 cos(pi j / n).

Buzbee, Golub and Nielson, SIAM J. Numer. Anal. 7 (1970) 627-656; the transforms for these boundary
conditions: Strang, SIAM Review 41 (1999) 135-147.
"""

from __future__ import annotations

import numpy as np


class PoissonPreconditioner:
    """The inverse of the constant-coefficient operator, as a preconditioner for variable ones.

    Parameters
    ----------
    cells : int
        Cells along each side.
    precision : numpy dtype
        Floating-point format of the transforms. float32 halves their time and costs about one iteration
        of conjugate gradients, whose residuals and solution stay in float64.
    closed : bool
        Whether nothing passes y = 0 and y = 1; else u = 0 there.

    Notes
    -----
    For div(k grad p) with a smooth k the operator is first scaled to k^-1/2 A k^-1/2, whose continuous
    limit is the Laplacian plus a potential; the same preconditioner on the unscaled operator needs four
    times as many iterations at variance 1, and scaling loses where k jumps (Concus and Golub, SIAM J.
    Numer. Anal. 10 (1973) 1103-1120).
    """

    def __init__(self, cells: int, precision: type[np.floating] = np.float32, *, closed: bool = True) -> None:
        self._closed = closed
        rows = 2 - 2 * np.cos(np.pi * (np.arange(cells) + (0 if closed else 1)) / cells)
        columns = 2 - 2 * np.cos(np.pi * np.arange(1, cells + 1) / cells)
        # The transforms are not normalised: forward and back multiplies by 2n in each direction.
        self._inverse = (1 / ((rows[:, None] + columns) * (2 * cells) ** 2)).astype(precision)
        self._precision = precision

    def apply(self, residual: np.ndarray, out: np.ndarray) -> None:
        """Write the solution of the Poisson problem to `out`; shapes ``(batch, y, x)``."""
        import scipy.fft  # a tenth of a second, and a study that is only planned transforms nothing

        work = residual.astype(self._precision)
        work = scipy.fft.dst(work, type=2, axis=2, overwrite_x=True)
        in_y = scipy.fft.dct if self._closed else scipy.fft.dst
        work = in_y(work, type=2, axis=1, overwrite_x=True)
        work *= self._inverse
        work = in_y(work, type=3, axis=1, overwrite_x=True)
        out[...] = scipy.fft.dst(work, type=3, axis=2, overwrite_x=True)
