r"""The joint law of all inputs: independent, save for a Gaussian copula between continuous ones.

With w_i = Phi^-1(F_i(x_i)) and R the correlation matrix of a group, R = L L^T,

    z = L^-1 w are independent standard normals,
    log f(x) = sum_i log f_i(x_i) - 1/2 log det R - 1/2 (z^T z - w^T w)

(Nataf's model: Liu & Der Kiureghian, Probabilistic Engineering Mechanics 1 (1986), eq. 2; the correlations
are those of the w, not of the x). Groups are the inputs that correlations link, directly or through others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.gaussian_field import GaussianField
from surecast.study.laws.law import Law, inside
from surecast.study.nearest import suggestion
from surecast.study.settings import Correlation

if TYPE_CHECKING:
    import xarray as xr


class JointLaw:
    """Joint law of the inputs of a study.

    Parameters
    ----------
    laws : mapping
        Law of each input, in the order of the study file.
    correlations : sequence of Correlation
        Entries of the copula's correlation matrix; those not named are 0.

    Attributes
    ----------
    names : list of str
        Inputs, in order.
    laws : dict
        Their laws.
    dimension : int
        Number of independent uniforms (or normals) behind a run.
    columns : dict of str to slice
        Columns of each input in arrays of shape ``(n, dimension)``.
    continuous : bool
        Whether every law is.
    dependent : list of set of str
        Groups of inputs that the copula links.

    Raises
    ------
    StudyError
        If a correlation names an unknown, discrete or vector input, is given twice, or the matrix is not
        positive definite.
    """

    def __init__(self, laws: Mapping[str, Law], correlations: Sequence[Correlation] = ()) -> None:
        self.laws: dict[str, Law] = dict(laws)
        self.names: list[str] = list(self.laws)
        self.columns: dict[str, slice] = {}
        start = 0
        for name, law in self.laws.items():
            self.columns[name] = slice(start, start + law.dimension)
            start += law.dimension
        self.dimension = start
        self.continuous = all(law.continuous for law in self.laws.values())
        self._groups = _groups(self.laws, correlations)
        self.dependent = [set(names) for names, _ in self._groups]

    @property
    def periodic(self) -> bool:
        """Whether the domain of the fields is: there are Gaussian fields among the inputs, and all are periodic."""
        fields = [law for law in self.laws.values() if isinstance(law, GaussianField)]
        return bool(fields) and all(law.periodic for law in fields)

    def from_uniform(self, u: np.ndarray) -> xr.Dataset:
        """Inputs from independent uniforms ``(n, dimension)``: dimension ``run``, one variable per input."""
        from scipy.special import ndtr, ndtri

        u = self._matrix(u)
        if self._groups:
            u = u.copy()
            for names, lower in self._groups:
                columns = [self.columns[name].start for name in names]
                # In a tail, uniforms near 1 would lose digits: those go through normals again below.
                u[:, columns] = ndtr(_times(lower, ndtri(inside(u[:, columns]))))
        return self._dataset({name: law.from_uniform(u[:, self.columns[name]]) for name, law in self.laws.items()})

    def to_uniform(self, inputs: xr.Dataset) -> np.ndarray:
        """Independent uniforms ``(n, dimension)`` that give these inputs."""
        from scipy.special import ndtr

        u = np.empty((inputs.sizes["run"], self.dimension))
        for name, law in self.laws.items():
            u[:, self.columns[name]] = law.to_uniform(self._values(inputs, name))
        for names, lower in self._groups:
            columns = [self.columns[name].start for name in names]
            u[:, columns] = ndtr(_solve(lower, self._normals(inputs, names)))
        return u

    def from_normal(self, z: np.ndarray) -> xr.Dataset:
        """Inputs from independent standard normals ``(n, dimension)``.

        Raises
        ------
        EstimationError
            If a law is discrete.
        """
        self.require_continuous("a map from standard normals")
        z = self._matrix(z)
        if self._groups:
            z = z.copy()
            for names, lower in self._groups:
                columns = [self.columns[name].start for name in names]
                z[:, columns] = _times(lower, z[:, columns])
        return self._dataset({name: law.from_normal(z[:, self.columns[name]]) for name, law in self.laws.items()})

    def to_normal(self, inputs: xr.Dataset) -> np.ndarray:
        """Independent standard normals ``(n, dimension)`` that give these inputs; see `from_normal`."""
        self.require_continuous("a map to standard normals")
        z = np.empty((inputs.sizes["run"], self.dimension))
        for name, law in self.laws.items():
            z[:, self.columns[name]] = law.to_normal(self._values(inputs, name))
        for names, lower in self._groups:
            columns = [self.columns[name].start for name in names]
            z[:, columns] = _solve(lower, z[:, columns])
        return z

    def log_density(self, inputs: xr.Dataset) -> np.ndarray:
        """Logarithm of the joint density (of the probability, for discrete inputs), shape ``(n,)``."""
        total = np.zeros(inputs.sizes["run"])
        for name, law in self.laws.items():
            total += law.log_density(self._values(inputs, name))
        for names, lower in self._groups:
            w = self._normals(inputs, names)
            z = _solve(lower, w)
            total -= np.log(np.diag(lower)).sum()
            for column in range(len(names)):
                total += 0.5 * (w[:, column] ** 2 - z[:, column] ** 2)
        return total

    def realise(self, inputs: xr.Dataset, grids: Mapping[str, Mapping[str, np.ndarray]]) -> xr.Dataset:
        """Inputs with every Gaussian field that `grids` names evaluated on its grid.

        Parameters
        ----------
        inputs : xarray.Dataset
            Inputs with the coefficients of fields.
        grids : mapping
            For each field ``{"y": points, "x": points}``, or ``{"x": points}`` in one dimension.

        Returns
        -------
        xarray.Dataset
            The same with variables ``(run, y, x)`` or ``(run, x)`` in place of coefficients. The bits of a
            run do not depend on which others are in `inputs`.
        """
        import xarray as xr

        realised = inputs
        for name, grid in grids.items():
            law = self.laws.get(name)
            if not isinstance(law, GaussianField):
                raise StudyError(
                    f"the simulator wants {name!r} as a field, but its law is no gaussian_field.",
                    "use kind: gaussian_field.",
                    key=f"inputs.{name}.kind",
                )
            dims = ("y", "x")[2 - law.dimensions :]
            if tuple(grid) != dims:
                raise StudyError(
                    f"the simulator wants {name!r} over {', '.join(grid)}, but the field is over {', '.join(dims)}.",
                    f"set dimensions: {len(grid)}.",
                    key=f"inputs.{name}.dimensions",
                )
            axes = [np.asarray(grid[dim], dtype=np.float64) for dim in dims]
            values = law.realise(self._values(inputs, name), *axes)
            attributes = {"long_name": law.long_name or name.replace("_", " ")} | law.field_attributes()
            realised = realised.drop_vars(name).assign(
                {
                    name: xr.DataArray(
                        values, dims=("run", *dims), coords=dict(zip(dims, axes, strict=True)), attrs=attributes
                    )
                }
            )
        return realised

    def require_continuous(self, who: str) -> None:
        """Raise `EstimationError`, in the name of `who`, if a law is discrete."""
        for name, law in self.laws.items():
            if not law.continuous:
                raise EstimationError(
                    f"{who} cannot treat input {name!r}, whose law {law.kind()!r} is discrete.",
                    "use an estimator that works with uniforms (monte_carlo, scrambled_sobol), or a continuous law.",
                )

    def _matrix(self, points: np.ndarray) -> np.ndarray:
        points = np.ascontiguousarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.dimension:
            raise ValueError(f"points must have shape (n, {self.dimension}), not {points.shape}")
        return points

    def _values(self, inputs: xr.Dataset, name: str) -> np.ndarray:
        return np.asarray(inputs[name].values)

    def _normals(self, inputs: xr.Dataset, names: Sequence[str]) -> np.ndarray:
        return np.concatenate([self.laws[name].to_normal(self._values(inputs, name)) for name in names], axis=1)

    def _dataset(self, values: Mapping[str, np.ndarray]) -> xr.Dataset:
        import xarray as xr

        variables = {}
        for name, array in values.items():
            law = self.laws[name]
            dims = ("run",) if array.ndim == 1 else ("run", f"{name}_term")
            title = law.long_name or name.replace("_", " ")
            if array.ndim > 1:
                title = f"Karhunen-Loeve coefficients of {title}"
            variables[name] = (dims, array, {"long_name": title} | law.attributes())
        return xr.Dataset(variables)


def _groups(laws: Mapping[str, Law], correlations: Sequence[Correlation]) -> list[tuple[list[str], np.ndarray]]:
    """Names and Cholesky factor of each group of linked inputs."""
    order = list(laws)
    entries: dict[frozenset[str], float] = {}
    linked: dict[str, set[str]] = {}
    for correlation in correlations:
        for name in correlation.between:
            if name not in laws:
                raise StudyError(f"there is no input {name!r}.", suggestion(name, laws), key="correlations")
            if not laws[name].continuous or laws[name].dimension != 1:
                raise StudyError(
                    f"input {name!r} of kind {laws[name].kind()!r} cannot be correlated.",
                    "correlate continuous laws of one number only.",
                    key="correlations",
                )
        pair = frozenset(correlation.between)
        if pair in entries:
            raise StudyError(f"{' and '.join(sorted(pair))} are correlated twice.", "keep one.", key="correlations")
        entries[pair] = correlation.value
        together = set[str]().union(*(linked.get(name, {name}) for name in pair))
        linked.update(dict.fromkeys(together, together))
    groups = []
    for together in {id(group): group for group in linked.values()}.values():
        names = sorted(together, key=order.index)
        matrix = np.eye(len(names))
        for i, j in zip(*np.triu_indices(len(names), 1), strict=True):
            matrix[i, j] = matrix[j, i] = entries.get(frozenset((names[i], names[j])), 0.0)
        smallest = float(np.linalg.eigvalsh(matrix)[0])
        if smallest < 1e-10:
            raise StudyError(
                f"the correlations of {', '.join(names)} are not positive definite "
                f"(smallest eigenvalue {smallest:.3g}).",
                "make them smaller, or give those left out, which count as 0.",
                key="correlations",
            )
        groups.append((names, np.linalg.cholesky(matrix)))
    return groups


def _times(lower: np.ndarray, z: np.ndarray) -> np.ndarray:
    """w = L z for each row, added in order: the bits of a run do not depend on its neighbours."""
    w = np.zeros_like(z)
    for i in range(len(lower)):
        for j in range(i + 1):
            w[:, i] += lower[i, j] * z[:, j]
    return w


def _solve(lower: np.ndarray, w: np.ndarray) -> np.ndarray:
    """z = L^-1 w for each row, by forward substitution."""
    z = np.zeros_like(w)
    for i in range(len(lower)):
        rest = w[:, i].copy()
        for j in range(i):
            rest -= lower[i, j] * z[:, j]
        z[:, i] = rest / lower[i, i]
    return z
