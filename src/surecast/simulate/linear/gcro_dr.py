r"""GCRO-DR: minimal residuals with deflated restarts, over a space that may be carried from one system to the next.

    A y = r,   A U = C,   C^H C = I,   A [U D, V] = [C, V_+] G,   G = [[D, B], [0, H]],   B = C^H A V

One cycle takes m - k Arnoldi steps with (I - C C^H) A from the residual and minimises it over [U D, V]. The next U
spans the k harmonic Ritz vectors of smallest value, G^H G z = theta G^H [C, V_+]^H [U D, V] z. Parks, de Sturler,
Mackey, Johnson and Maiti, SIAM J. Sci. Comput. 28 (2006) 1651-1674, algorithm in the appendix. Without a space (k = 0)
it is GMRES(m) of Saad and Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856-869.

With G = Q R the Ritz problem is an ordinary one for 1/theta, and the orthonormal basis S of its space gives
C = [C, V_+] Q S and U = [U D, V] R^-1 S without a factorisation of long vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Operator = Callable[[np.ndarray], np.ndarray]
"""A times a vector (n,)."""


class Solved(NamedTuple):
    """What a solve gives: solution (n,), the space (n, k) to carry on, products with A, last residual (n,)."""

    y: np.ndarray
    space: np.ndarray | None
    products: int
    residual: np.ndarray


def gcro_dr(
    operator: Operator,
    r: np.ndarray,
    target: float,
    *,
    subspace: int,
    recycled: int,
    max_products: int,
    space: np.ndarray | None = None,
) -> Solved:
    """Solve A y = r from y = 0 until norm(r - A y) <= target, by the recurrence.

    Parameters
    ----------
    operator : callable
        A, real or complex, nonsingular.
    r : ndarray, shape (n,)
        Right-hand side, of the type of A's products.
    target : float
        Norm of the residual at which to stop.
    subspace : int
        Largest dimension m of the space that a cycle minimises over.
    recycled : int
        Dimension k < m of what is kept of it; 0 for GMRES(m).
    max_products : int
        Products with A after which to give up; a cycle that has begun is cut short.
    space : ndarray, shape (n, k), optional
        Carried from another system; it costs k products.

    Returns
    -------
    Solved
        Whether it converged must be asked of the true residual: the recurrence drifts from it by rounding.
    """
    y, r = np.zeros_like(r), r.copy()
    u = c = np.zeros((len(r), 0), dtype=r.dtype)
    products = 0
    if space is not None and recycled and space.shape[1] <= max_products:
        u, c = _orthonormal_images(operator, space.astype(r.dtype, copy=False))
        products = space.shape[1]
        onto = c.conj().T @ r
        y += u @ onto
        r -= c @ onto
    while products < max_products and np.linalg.norm(r) > target:
        steps = min(max(subspace - u.shape[1], 1), max_products - products)
        v, b, h = _arnoldi(operator, c, r, steps, target)
        products += h.shape[1]
        scale = 1.0 / np.linalg.norm(u, axis=0)
        k, j = u.shape[1], h.shape[1]
        g = np.zeros((k + h.shape[0], k + j), dtype=r.dtype)
        g[:k, :k], g[:k, k:], g[k:, k:] = np.diag(scale), b, h
        span, images = np.hstack([u * scale, v[:, :j]]), np.hstack([c, v])
        q, upper = np.linalg.qr(g)
        if not _regular(upper):  # A is singular, or overflows: there is no minimiser, and nothing to carry on
            return Solved(y, None, products, r)
        onto = q.conj().T @ (images.conj().T @ r)
        y += span @ np.linalg.solve(upper, onto)
        r -= images @ (q @ onto)
        if recycled:
            basis = _harmonic(q, upper, images.conj().T @ span, min(recycled, k + j))
            u, c = span @ np.linalg.solve(upper, basis), images @ (q @ basis)
    return Solved(y, u if u.shape[1] else None, products, r)


def _orthonormal_images(operator: Operator, space: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """U and C = A U with orthonormal columns, for a space given by other columns."""
    images = np.stack([operator(np.ascontiguousarray(column)) for column in space.T], axis=1)
    c, upper = np.linalg.qr(images)
    size = np.abs(np.diag(upper))
    kept = size > 1e-12 * size.max(initial=0.0)  # what A maps onto the others adds nothing
    if not kept.all():
        c, upper = np.linalg.qr(images[:, kept])
        space = space[:, kept]
    return np.linalg.solve(upper.T, space.T).T, c


def _regular(upper: np.ndarray) -> bool:
    size = np.abs(np.diag(upper))
    return bool(size.min() > 1e-14 * size.max())


def _arnoldi(
    operator: Operator, c: np.ndarray, r: np.ndarray, steps: int, target: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V_+ (n, j + 1), B (k, j) and H (j + 1, j), j <= steps: fewer where the residual of H's problem meets the target.

    Modified by a second pass of Gram and Schmidt, without which V loses its orthogonality.
    """
    length = np.linalg.norm(r)
    v = np.empty((steps + 1, len(r)), dtype=r.dtype)  # rows, so that each is contiguous
    b = np.zeros((c.shape[1], steps), dtype=r.dtype)
    h = np.zeros((steps + 1, steps), dtype=r.dtype)
    v[0] = r / length
    # Rotations (cosine, sine) that make H triangular: the product of the sines times the length is the residual.
    givens = np.zeros((steps, 2), dtype=r.dtype)
    left = length
    for j in range(steps):
        w = operator(v[j])
        before = np.linalg.norm(w)
        for _ in range(2):
            onto = c.conj().T @ w
            w = w - c @ onto
            b[:, j] += onto
            known = v[: j + 1].conj() @ w
            w -= known @ v[: j + 1]
            h[: j + 1, j] += known
        size = np.linalg.norm(w)
        h[j + 1, j] = size
        invariant = not size > 1e-14 * before
        v[j + 1] = 0.0 if invariant else w / size
        column = h[: j + 2, j].copy()
        for row in range(j):
            cosine, sine = givens[row]
            column[row], column[row + 1] = (
                cosine.conj() * column[row] + sine.conj() * column[row + 1],
                cosine * column[row + 1] - sine * column[row],
            )
        norm = np.sqrt(abs(column[j]) ** 2 + abs(column[j + 1]) ** 2)
        if norm > 0:
            givens[j] = column[j] / norm, column[j + 1] / norm
            left *= abs(givens[j, 1])
        if invariant or left <= 0.5 * target:
            return v[: j + 2].T, b[:, : j + 1], h[: j + 2, : j + 1]
    return v.T, b, h


def _harmonic(q: np.ndarray, upper: np.ndarray, overlap: np.ndarray, count: int) -> np.ndarray:
    """Orthonormal basis of what belongs to the `count` largest |1/theta|; pairs of a real matrix stay together."""
    reduced = np.linalg.solve(upper.T, (q.conj().T @ overlap).T).T
    values, vectors = np.linalg.eig(reduced)
    order = np.argsort(-np.abs(values), kind="stable")[:count]
    if np.iscomplexobj(q):
        return np.asarray(np.linalg.qr(vectors[:, order])[0])
    chosen: list[np.ndarray] = []
    for index in order:
        if len(chosen) < count and values[index].imag >= 0:
            chosen.append(vectors[:, index].real)
            if values[index].imag > 0 and len(chosen) < count:
                chosen.append(vectors[:, index].imag)
    return np.asarray(np.linalg.qr(np.stack(chosen, axis=1))[0])
