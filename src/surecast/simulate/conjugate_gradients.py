"""Preconditioned conjugate gradients for many symmetric positive definite systems at once.

    A_b u_b = f_b,   b = 1 .. batch,   stop at |f_b - A_b u_b| <= tolerance |f_b|

Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409-436, with the preconditioner M ~ A^-1 as
in Golub and Van Loan, Matrix Computations, 4th ed., algorithm 11.5.1. Every operation acts on each
system alone (elementwise, or a sum over its own entries), and a converged system no longer moves: the
bits of a solution do not depend on its neighbours in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Operator(Protocol):
    """A symmetric positive definite matrix per system."""

    def apply(self, u: np.ndarray, out: np.ndarray) -> None:
        """Write ``A u`` to `out`; shapes ``(batch, ...)``."""


class Preconditioner(Protocol):
    """An approximation of the inverse, symmetric positive definite, the same at every iteration."""

    def apply(self, residual: np.ndarray, out: np.ndarray) -> None:
        """Write ``M residual`` to `out`; shapes ``(batch, ...)``."""


@dataclass(frozen=True)
class Solution:
    """Solutions of a batch.

    Attributes
    ----------
    u : ndarray, shape (batch, ...)
        The solutions.
    iterations : ndarray of int, shape (batch,)
        Iterations of each system.
    residual : ndarray, shape (batch,)
        Relative residual ``|f - A u| / |f|`` of each, as the recurrence has it.
    converged : ndarray of bool, shape (batch,)
        Whether it met the tolerance; False for systems that are not finite.
    """

    u: np.ndarray
    iterations: np.ndarray
    residual: np.ndarray
    converged: np.ndarray


def solve(
    operator: Operator,
    f: np.ndarray,
    preconditioner: Preconditioner,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 500,
) -> Solution:
    """Solve a batch of systems from a zero start.

    Parameters
    ----------
    operator : Operator
        The matrices.
    f : ndarray, shape (batch, ...)
        Right-hand sides.
    preconditioner : Preconditioner
        What approximates the inverse.
    tolerance : float
        Relative residual at which a system has converged.
    max_iterations : int
        Iterations after which a system that has not converged is given up (``converged`` is False).
    """
    with np.errstate(all="ignore"):  # a broken system becomes NaN and is reported as not converged
        u, r = np.zeros_like(f), f.copy()
        z, q, work = np.empty_like(f), np.empty_like(f), np.empty_like(f)
        preconditioner.apply(r, z)
        p = z.copy()
        rz = _dots(r, z)
        norm = np.sqrt(_dots(f, f))
        length = norm.copy()
        iterations = np.zeros(len(f), dtype=np.int64)
        active = length > tolerance * norm
        for _ in range(max_iterations if active.any() else 0):
            iterations += active
            operator.apply(p, q)
            step = _column(np.where(active, rz / _dots(p, q), 0.0), f)
            u += np.multiply(step, p, out=work)
            r -= np.multiply(step, q, out=work)
            length = np.sqrt(_dots(r, r))
            active &= length > tolerance * norm  # False for NaN too
            if not active.any():
                break
            preconditioner.apply(r, z)
            rz_new = _dots(r, z)
            p *= _column(np.where(active, rz_new / rz, 0.0), f)
            p += z
            rz = rz_new
        residual = np.where(norm > 0, length / norm, length)
        converged = np.isfinite(norm) & (residual <= tolerance)
    return Solution(u, iterations, residual, converged)


def _dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    batch = len(a)
    return np.asarray(np.einsum("bi,bi->b", a.reshape(batch, -1), b.reshape(batch, -1)))


def _column(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    return values.reshape((-1,) + (1,) * (like.ndim - 1))
