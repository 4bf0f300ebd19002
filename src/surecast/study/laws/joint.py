r"""The joint law of all inputs: independent, save for Gaussian copulas between continuous ones.

    log f(x) = sum_i log f_i(x_i) + sum_g log c_g,    c_g the density of the copula of each group of linked inputs

(`surecast.study.laws.copula`). Behind a run stand `dimension` independent uniforms, or standard normals
where every law is continuous.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.copula import Copula, copulas
from surecast.study.laws.gaussian_field import GaussianField
from surecast.study.laws.law import Law, inside
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
    epistemic : list of str
        Inputs that are one unknown value each, see `surecast.study.laws.given`.

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
        self.copulas: list[Copula] = copulas(self.laws, correlations)
        self.dependent: list[set[str]] = [set(copula.names) for copula in self.copulas]
        self.epistemic: list[str] = [name for name, law in self.laws.items() if law.role == "epistemic"]

    @property
    def periodic(self) -> bool:
        """Whether the domain of the fields is: there are Gaussian fields among the inputs, and all are periodic."""
        fields = [law for law in self.laws.values() if isinstance(law, GaussianField)]
        return bool(fields) and all(law.periodic for law in fields)

    def from_uniform(self, u: np.ndarray) -> xr.Dataset:
        """Inputs from independent uniforms ``(n, dimension)``: dimension ``run``, one variable per input."""
        from scipy.special import ndtri

        u = self._matrix(u)
        values = {name: law.from_uniform(u[:, self.columns[name]]) for name, law in self.laws.items()}
        for copula in self.copulas:
            w = copula.dependent(ndtri(inside(u[:, self._columns(copula)])))
            values |= {name: self.laws[name].from_normal(w[:, [i]]) for i, name in enumerate(copula.names)}
        return self._dataset(values)

    def to_uniform(self, inputs: xr.Dataset) -> np.ndarray:
        """Independent uniforms ``(n, dimension)`` that give these inputs."""
        from scipy.special import ndtr

        u = np.empty((inputs.sizes["run"], self.dimension))
        for name, law in self.laws.items():
            u[:, self.columns[name]] = law.to_uniform(self._values(inputs, name))
        for copula in self.copulas:
            u[:, self._columns(copula)] = ndtr(copula.independent(self._normals(inputs, copula)))
        return u

    def from_normal(self, z: np.ndarray) -> xr.Dataset:
        """Inputs from independent standard normals ``(n, dimension)``.

        Raises
        ------
        EstimationError
            If a law is discrete.
        """
        self.require_continuous("a map from standard normals")
        w = self._matrix(z).copy()
        for copula in self.copulas:
            w[:, self._columns(copula)] = copula.dependent(w[:, self._columns(copula)])
        return self._dataset({name: law.from_normal(w[:, self.columns[name]]) for name, law in self.laws.items()})

    def to_normal(self, inputs: xr.Dataset) -> np.ndarray:
        """Independent standard normals ``(n, dimension)`` that give these inputs; see `from_normal`."""
        self.require_continuous("a map to standard normals")
        z = np.empty((inputs.sizes["run"], self.dimension))
        for name, law in self.laws.items():
            z[:, self.columns[name]] = law.to_normal(self._values(inputs, name))
        for copula in self.copulas:
            z[:, self._columns(copula)] = copula.independent(z[:, self._columns(copula)])
        return z

    def log_density(self, inputs: xr.Dataset) -> np.ndarray:
        """Logarithm of the joint density (of the probability, for discrete inputs), shape ``(n,)``."""
        total = np.zeros(inputs.sizes["run"])
        for name, law in self.laws.items():
            total += law.log_density(self._values(inputs, name))
        for copula in self.copulas:
            total += copula.log_density(self._normals(inputs, copula))
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

    def _columns(self, copula: Copula) -> list[int]:
        return [self.columns[name].start for name in copula.names]

    def _normals(self, inputs: xr.Dataset, copula: Copula) -> np.ndarray:
        """The dependent normals w behind linked inputs, one column each."""
        return np.concatenate([self.laws[name].to_normal(self._values(inputs, name)) for name in copula.names], axis=1)

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
