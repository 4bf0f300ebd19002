"""A surrogate of scalars from runs at hand: the fits of the stage without a study or a dataset on disk.

For notebooks, and for what refits within a stage (active refinement of a rare event, cross-fitting). The same fits and
the same settings as a study's surrogates ``gaussian_process`` and ``polynomial_chaos``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study import kinds
from surecast.study.errors import TrainingError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.train.models.polynomial_chaos_fit import Expansions
    from surecast.train.models.process import Process

KINDS = ("gaussian_process", "polynomial_chaos")
"""Surrogates that learn scalars from runs at hand."""


class FittedProcesses:
    """Gaussian processes of scalars, as a model from inputs to outputs."""

    def __init__(self, law: JointLaw, processes: Mapping[str, Process]) -> None:
        self.law, self.processes, self.outputs = law, dict(processes), tuple(processes)

    def __call__(self, inputs: xr.Dataset, outputs: Sequence[str] | None = None) -> xr.Dataset:
        """Predict scalars, dimension ``run``."""
        points = self.law.to_normal(inputs)
        return _labelled({name: self.processes[name].mean(points) for name in outputs or self.outputs})

    def standard_deviation(self, inputs: xr.Dataset, outputs: Sequence[str] | None = None) -> xr.Dataset:
        """How unsure each prediction is."""
        points = self.law.to_normal(inputs)
        return _labelled({name: self.processes[name].deviation(points) for name in outputs or self.outputs})


class FittedExpansions:
    """Polynomial chaos expansions of scalars, as a model from inputs to outputs that knows its own statistics."""

    def __init__(self, of_law: Expansions) -> None:
        self.of_law, self.outputs = of_law, tuple(of_law.expansions)
        self.mean, self.variance, self.sobol = of_law.mean, of_law.variance, of_law.sobol

    def __call__(self, inputs: xr.Dataset, outputs: Sequence[str] | None = None) -> xr.Dataset:
        """Predict scalars, dimension ``run``."""
        points = self.of_law.points(inputs)
        return _labelled({name: self.of_law.evaluate(name, points) for name in outputs or self.outputs})


def fit_scalars(
    spec: str | Mapping[str, Any], law: JointLaw, inputs: xr.Dataset, outputs: xr.Dataset
) -> FittedProcesses | FittedExpansions:
    """Fit every scalar of `outputs`.

    Parameters
    ----------
    spec : str or mapping
        ``gaussian_process`` or ``polynomial_chaos``, or ``{kind: ..., settings}`` as in a study file.
    law : JointLaw
        Law of the inputs, every part of it continuous.
    inputs, outputs : xarray.Dataset
        The runs, dimension ``run``; runs with a value that is not finite are left out.

    Raises
    ------
    TrainingError
        If the kind is another, or fewer than three runs finished.
    EstimationError
        If a law is discrete.
    """
    from threadpoolctl import threadpool_limits

    given = {"kind": spec} if isinstance(spec, str) else dict(spec)
    kind = str(given.pop("kind", ""))
    if kind not in KINDS:
        raise TrainingError(f"{kind!r} cannot be fitted to runs at hand.", f"use {' or '.join(KINDS)}.")
    settings = kinds.resolve("surrogate", kind)(**given)
    law.require_continuous(f"the surrogate {kind}")
    values = {str(name): np.asarray(outputs[name].values, dtype=np.float64) for name in outputs.data_vars}
    done = np.isfinite(np.stack(list(values.values()))).all(axis=0)
    if done.sum() < 3:
        raise TrainingError(f"only {done.sum()} runs finished: too few to fit.", "give more runs.")
    inputs = inputs.isel(run=np.flatnonzero(done))
    values = {name: value[done] for name, value in values.items()}
    with threadpool_limits(1):
        if kind == "gaussian_process":
            from surecast.train.models.gaussian_process_fit import fit_output

            points = law.to_normal(inputs)
            return FittedProcesses(law, {name: fit_output(settings, points, y, name)[0] for name, y in values.items()})
        from surecast.train.models.polynomial_chaos_fit import Expansions
        from surecast.train.models.polynomial_chaos_fit import fit_output as fit_chaos
        from surecast.train.points import families, of_families

        families_of = families(law)
        points = of_families(law, inputs, families_of)
        expansions = {name: fit_chaos(settings, points, y, families_of)[0] for name, y in values.items()}
        return FittedExpansions(Expansions(law, expansions))


def _labelled(values: Mapping[str, np.ndarray]) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset({name: ("run", value, {"units": "1", "long_name": name}) for name, value in values.items()})
