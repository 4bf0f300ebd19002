r"""Shapley effects from chains of runs: d + 1 runs a row.

    Sh_i = sum over u without i of |u|! (d - |u| - 1)!/d! (c(u + i) - c(u))/V,    c(u) = E[Var[f | x_{not u}]],

the variance that i explains, averaged over the orders in which inputs may be given away (Owen 2014; Song, Nelson,
Staum 2016, equation 5). They add up to 1, with dependent inputs too. In a row an order of the groups is drawn; z_0 = x,
and z_k is x with the first k groups drawn anew, *given the others*, so that <(f(x) - f(z_k))^2>/2 = c(first k) and the
group at place k contributes

    ((f(z_{k-1}) - f(z_k)) (2 f(x) - f(z_{k-1}) - f(z_k)))/2

(Goda 2021, Reliab. Eng. Syst. Saf. 213, algorithm 1, for independent inputs). Given the others, the linked normals w_u
of a Gaussian copula are drawn without any conditional covariance: with a second, unconditional draw w',

    w_u <- w'_u + R_uv R_vv^-1 (w_v - w'_v),    v = not u

(Matheron's rule, as for conditioning by kriging). Independent inputs are just taken from w'.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from surecast.study.laws.copula import Copula
from surecast.study.laws.joint import JointLaw


def places(uniforms: np.ndarray) -> np.ndarray:
    """Place (n, G) of each group in a random order: ranks of independent uniforms."""
    return np.argsort(np.argsort(uniforms, axis=1, kind="stable"), axis=1, kind="stable")


def chain(law: JointLaw, taken: np.ndarray, a: np.ndarray, b: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The runs z_1 .. z_{G-1} of every row, as independent uniforms (n, G - 1, d).

    Parameters
    ----------
    law : JointLaw
        Law of the inputs.
    taken : (G, d) bool array
        Columns of each group.
    a, b : (n, d) arrays
        The two draws of each row.
    order : (n, G) int array
        Place of each group.
    """
    width = len(taken)
    owner = taken.argmax(axis=0)
    place = order[:, owner]  # of every column
    anew = place[:, None, :] <= np.arange(width - 1)[None, :, None]
    drawn = np.where(anew, b[:, None, :], a[:, None, :])
    for copula in law.copulas:
        columns = [law.columns[name].start for name in copula.names]
        if len(set(owner[columns])) > 1:  # within one group both draws are whole
            drawn[:, :, columns] = _conditional(copula, a[:, columns], b[:, columns], anew[:, :, columns])
    return drawn


def _conditional(copula: Copula, a: np.ndarray, b: np.ndarray, anew: np.ndarray) -> np.ndarray:
    """Independent uniforms (n, G - 1, q) behind linked inputs of which some are drawn anew given the rest."""
    old, new = copula.dependent(special.ndtri(a)), copula.dependent(special.ndtri(b))
    matrix = copula.lower @ copula.lower.T
    found = np.broadcast_to(old[:, None, :], anew.shape).copy()
    codes = anew @ (1 << np.arange(anew.shape[2]))
    for code in np.unique(codes):
        rows, steps = np.nonzero(codes == code)
        u = anew[rows[0], steps[0]]
        if not u.any():
            continue
        gain = np.linalg.solve(matrix[np.ix_(~u, ~u)], matrix[np.ix_(~u, u)])
        shift = (old[rows][:, ~u] - new[rows][:, ~u]) @ gain
        block = found[rows, steps]
        block[:, u] = new[rows][:, u] + shift
        found[rows, steps] = block
    flat = copula.independent(found.reshape(-1, anew.shape[2]))
    tiny = np.finfo(float).tiny
    return np.clip(special.ndtr(flat), tiny, 1 - 2.0**-53).reshape(anew.shape)


def increments(a: np.ndarray, start: np.ndarray, steps: np.ndarray, b: np.ndarray, order: np.ndarray) -> np.ndarray:
    """What each group contributes to c in a row, (n, K, G).

    Parameters
    ----------
    a, start, b : (n, K, 1) arrays
        Values of A, of z_0 (A, or A with another seed) and of B, which ends the chain.
    steps : (n, K, G - 1) array
        Values of z_1 .. z_{G-1}.
    order : (n, G) int array
        Place of each group.
    """
    values = np.concatenate([start, steps, b], axis=2)
    before, after = values[..., :-1], values[..., 1:]
    found = 0.5 * (before - after) * (2 * a - before - after)
    return np.take_along_axis(found, order[:, None, :], axis=2)
