"""Sparse polynomial chaos of a dataset's scalars; equations in `polynomial_chaos`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import EstimationError
from surecast.train.data import TrainingData
from surecast.train.models.chaos import Expansion, fit_expansion
from surecast.train.points import families, of_families
from surecast.train.scalars import ScalarSurrogate

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study
    from surecast.train.models.polynomial_chaos import PolynomialChaos


class PolynomialChaosSurrogate(ScalarSurrogate):
    """Expansions in orthonormal polynomials, one for each scalar output."""

    def __init__(self, study: Study, name: str, settings: PolynomialChaos, expansions: dict[str, Expansion]) -> None:
        super().__init__(study, name, settings, list(expansions))
        self.expansions = expansions

    def points(self, inputs: xr.Dataset) -> np.ndarray:
        """Uniforms where the polynomials are Legendre's, standard normals where they are Hermite's."""
        law = self.study.joint_law()
        return of_families(law, inputs, families(law))

    def evaluate(self, output: str, points: np.ndarray) -> np.ndarray:
        """See `ScalarSurrogate.evaluate`."""
        return self.expansions[output](points)

    def mean(self, output: str) -> float:
        """Exact mean of the surrogate under the inputs' law."""
        return self.expansions[output].mean

    def variance(self, output: str) -> float:
        """Exact variance of the surrogate under the inputs' law."""
        return self.expansions[output].variance

    def sobol(self, output: str, groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
        """Exact first-order (closed) and total Sobol indices of the surrogate for groups of inputs.

        Raises
        ------
        EstimationError
            If a group splits inputs that a correlation links: the indices are not defined then.
        """
        law = self.study.joint_law()
        found = {}
        for group, members in groups.items():
            for linked in law.dependent:
                if linked & set(members) and not linked <= set(members):
                    raise EstimationError(
                        f"The group {group!r} splits correlated inputs ({', '.join(sorted(linked))}).",
                        "put them into one group.",
                    )
            columns = [column for name in members for column in range(law.dimension)[law.columns[name]]]
            found[group] = self.expansions[output].sobol(columns)
        return found

    def record(self) -> dict[str, Any]:
        """See `Surrogate.record`."""
        kinds = next(iter(self.expansions.values())).families
        return {"outputs": list(self.expansions), "families": list(kinds)}

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Surrogate.tensors`."""
        arrays = {}
        for output, expansion in self.expansions.items():
            arrays[f"{output}.indices"] = expansion.indices
            arrays[f"{output}.coefficients"] = expansion.coefficients
        return arrays


def fit(settings: PolynomialChaos, study: Study, name: str, manifest: Path) -> PolynomialChaosSurrogate:
    """See `SurrogateSettings.fit`."""
    import xarray as xr
    from threadpoolctl import threadpool_limits

    data = TrainingData(study, manifest)
    outputs = data.chosen(settings.outputs, data.scalar_outputs(), "scalar output")
    law = study.joint_law()
    law.require_continuous(f"the polynomial chaos {name!r}")
    kinds = families(law)
    points = of_families(law, data.inputs("train"), kinds)
    values = data.scalars(outputs, "train")
    expansions: dict[str, Expansion] = {}
    variables: dict[str, Any] = {}
    with threadpool_limits(1):
        for column, output in enumerate(outputs):
            expansions[output], course = fit_expansion(
                points,
                values[:, column],
                kinds,
                degree=settings.degree,
                norm=settings.norm,
                most=settings.terms,
                selection=settings.selection,
            )
            dim = f"{output}_trial"
            variables[f"{output}_degree"] = (dim, np.array(course.degrees, dtype=np.int64), _about("degree tried"))
            variables[f"{output}_terms"] = (dim, np.array(course.terms, dtype=np.int64), _about("terms kept"))
            error = np.array(course.errors, dtype=np.float64)
            variables[f"{output}_error"] = (dim, error, _about("corrected leave-one-out error, share of the variance"))
    surrogate = PolynomialChaosSurrogate(study, name, settings, expansions)
    surrogate.history = xr.Dataset(variables)
    return surrogate


def _about(long_name: str) -> dict[str, str]:
    return {"units": "1", "long_name": long_name}
