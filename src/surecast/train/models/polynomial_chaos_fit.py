"""Sparse polynomial chaos of a dataset's scalars; equations in `polynomial_chaos`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.bases import Family
from surecast.study.errors import EstimationError
from surecast.train.data import TrainingData
from surecast.train.models.chaos import Course, Expansion, fit_expansion
from surecast.train.points import families, of_families
from surecast.train.scalars import ScalarSurrogate

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study
    from surecast.train.models.polynomial_chaos import PolynomialChaos


class Expansions:
    """Expansions of scalars in polynomials that are orthonormal under a law of inputs.

    Parameters
    ----------
    law : JointLaw
        Law of the inputs, every part of it continuous.
    expansions : dict
        Output -> its expansion.
    """

    def __init__(self, law: JointLaw, expansions: dict[str, Expansion]) -> None:
        self.law, self.expansions = law, expansions

    def points(self, inputs: xr.Dataset) -> np.ndarray:
        """Uniforms where the polynomials are Legendre's, standard normals where they are Hermite's."""
        return of_families(self.law, inputs, families(self.law))

    def evaluate(self, output: str, points: np.ndarray) -> np.ndarray:
        """One output at points, (run,)."""
        return self.expansions[output](points)

    def mean(self, output: str) -> float:
        """Exact mean under the inputs' law."""
        return self.expansions[output].mean

    def variance(self, output: str) -> float:
        """Exact variance under the inputs' law."""
        return self.expansions[output].variance

    def sobol(self, output: str, groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[float, float]]:
        """Exact first-order (closed) and total Sobol indices for groups of inputs.

        Raises
        ------
        EstimationError
            If a group splits inputs that a correlation links: the indices are not defined then.
        """
        found = {}
        for group, members in groups.items():
            for linked in self.law.dependent:
                if linked & set(members) and not linked <= set(members):
                    raise EstimationError(
                        f"The group {group!r} splits correlated inputs ({', '.join(sorted(linked))}).",
                        "put them into one group.",
                    )
            columns = [column for name in members for column in range(self.law.dimension)[self.law.columns[name]]]
            found[group] = self.expansions[output].sobol(columns)
        return found


class PolynomialChaosSurrogate(ScalarSurrogate):
    """Expansions in orthonormal polynomials, one for each scalar output."""

    def __init__(self, study: Study, name: str, settings: PolynomialChaos, expansions: dict[str, Expansion]) -> None:
        super().__init__(study, name, settings, list(expansions))
        self.expansions = expansions
        self.of_law = Expansions(study.joint_law(), expansions)
        self.mean, self.variance, self.sobol = self.of_law.mean, self.of_law.variance, self.of_law.sobol

    def points(self, inputs: xr.Dataset) -> np.ndarray:
        """See `Expansions.points`."""
        return self.of_law.points(inputs)

    def evaluate(self, output: str, points: np.ndarray) -> np.ndarray:
        """See `ScalarSurrogate.evaluate`."""
        return self.of_law.evaluate(output, points)

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
            expansions[output], course = fit_output(settings, points, values[:, column], kinds)
            dim = f"{output}_trial"
            variables[f"{output}_degree"] = (dim, np.array(course.degrees, dtype=np.int64), _about("degree tried"))
            variables[f"{output}_terms"] = (dim, np.array(course.terms, dtype=np.int64), _about("terms kept"))
            error = np.array(course.errors, dtype=np.float64)
            variables[f"{output}_error"] = (dim, error, _about("corrected leave-one-out error, share of the variance"))
    surrogate = PolynomialChaosSurrogate(study, name, settings, expansions)
    surrogate.history = xr.Dataset(variables)
    return surrogate


def fit_output(
    settings: PolynomialChaos, points: np.ndarray, values: np.ndarray, kinds: Sequence[Family]
) -> tuple[Expansion, Course]:
    """Expansion of one output's values (n,) at points (n, d), and how it was chosen."""
    return fit_expansion(
        points,
        values,
        kinds,
        degree=settings.degree,
        norm=settings.norm,
        most=settings.terms,
        selection=settings.selection,
    )


def _about(long_name: str) -> dict[str, str]:
    return {"units": "1", "long_name": long_name}
