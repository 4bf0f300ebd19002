r"""Gaussian copula: what links the standard normals behind some inputs.

With w_i = Phi^-1(F_i(x_i)) and R the correlation matrix of the w of a group, R = L L^T, the z = L^-1 w are
independent standard normals, and the copula multiplies the density of independent inputs by

    c = det(R)^(-1/2) exp(-(z^T z - w^T w) / 2)

(Nataf's model: Liu and Der Kiureghian, Probabilistic Engineering Mechanics 1 (1986) 105, equation 2). The
correlations are those of the w, not of the x.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surecast.study.errors import StudyError
from surecast.study.laws.law import Law
from surecast.study.nearest import suggestion
from surecast.study.settings import Correlation

SMALLEST_EIGENVALUE = 1e-10


@dataclass(frozen=True)
class Copula:
    """A group of linked inputs.

    Attributes
    ----------
    names : list of str
        Inputs, in the order of the study file.
    lower : numpy.ndarray
        Cholesky factor L of their correlation matrix.

    Rows are runs. Sums are taken in a fixed order, elementwise: the bits of a run do not depend on its neighbours.
    """

    names: list[str]
    lower: np.ndarray

    def dependent(self, z: np.ndarray) -> np.ndarray:
        """w = L z for each row."""
        w = np.zeros_like(z)
        for i in range(len(self.lower)):
            for j in range(i + 1):
                w[:, i] += self.lower[i, j] * z[:, j]
        return w

    def independent(self, w: np.ndarray) -> np.ndarray:
        """z = L^-1 w for each row, by forward substitution."""
        z = np.zeros_like(w)
        for i in range(len(self.lower)):
            rest = w[:, i].copy()
            for j in range(i):
                rest -= self.lower[i, j] * z[:, j]
            z[:, i] = rest / self.lower[i, i]
        return z

    def log_density(self, w: np.ndarray) -> np.ndarray:
        """Logarithm of the copula's density c at each row."""
        z = self.independent(w)
        total = np.full(len(w), -float(np.log(np.diag(self.lower)).sum()))
        for column in range(len(self.names)):
            total += 0.5 * (w[:, column] ** 2 - z[:, column] ** 2)
        return total


def copulas(laws: Mapping[str, Law], correlations: Sequence[Correlation]) -> list[Copula]:
    """One copula for each group of inputs that correlations link, directly or through others.

    Raises
    ------
    StudyError
        If a correlation names an unknown, discrete or vector input, is given twice, or a matrix is not
        positive definite.
    """
    order = list(laws)
    entries: dict[frozenset[str], float] = {}
    linked: dict[str, set[str]] = {}
    for correlation in correlations:
        _check(correlation, laws)
        pair = frozenset(correlation.between)
        if pair in entries:
            raise StudyError(f"{' and '.join(sorted(pair))} are correlated twice.", "keep one.", key="correlations")
        entries[pair] = correlation.value
        together = set[str]().union(*(linked.get(name, {name}) for name in pair))
        linked.update(dict.fromkeys(together, together))
    groups = {id(group): sorted(group, key=order.index) for group in linked.values()}
    return [Copula(names, _cholesky(names, entries)) for names in groups.values()]


def _check(correlation: Correlation, laws: Mapping[str, Law]) -> None:
    for name in correlation.between:
        if name not in laws:
            raise StudyError(f"there is no input {name!r}.", suggestion(name, laws), key="correlations")
        if laws[name].role == "epistemic":
            raise StudyError(
                f"input {name!r} is epistemic: it is one unknown value and is correlated with nothing.",
                "remove the correlation, or the role.",
                key="correlations",
            )
        if not laws[name].continuous or laws[name].dimension != 1:
            raise StudyError(
                f"input {name!r} of kind {laws[name].kind()!r} cannot be correlated.",
                "correlate continuous laws of one number only.",
                key="correlations",
            )


def _cholesky(names: Sequence[str], entries: Mapping[frozenset[str], float]) -> np.ndarray:
    matrix = np.eye(len(names))
    for i, j in itertools.combinations(range(len(names)), 2):
        matrix[i, j] = matrix[j, i] = entries.get(frozenset((names[i], names[j])), 0.0)
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < SMALLEST_EIGENVALUE:
        raise StudyError(
            f"the correlations of {', '.join(names)} are not positive definite (smallest eigenvalue {smallest:.3g}).",
            "make them smaller, or give those left out, which count as 0.",
            key="correlations",
        )
    return np.linalg.cholesky(matrix)
