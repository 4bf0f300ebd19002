"""Inputs as points of independent variables, in which polynomials are orthonormal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.study.bases import Family

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw


def names(law: JointLaw) -> list[str]:
    """The input that each column belongs to."""
    return [name for name in law.names for _ in range(law.columns[name].stop - law.columns[name].start)]


def families(law: JointLaw) -> list[Family]:
    """Polynomials of each column: Legendre for independent uniform inputs, Hermite for all else."""
    linked = set().union(*law.dependent) if law.dependent else set()
    found: list[Family] = []
    for name in names(law):
        uniform = law.laws[name].kind() == "uniform" and name not in linked
        found.append("legendre" if uniform else "hermite")
    return found


def of_families(law: JointLaw, inputs: xr.Dataset, kinds: list[Family]) -> np.ndarray:
    """Points (run, dimension): uniforms in Legendre columns, standard normals in Hermite columns."""
    uniform = np.array([kind == "legendre" for kind in kinds])
    if uniform.all():
        return law.to_uniform(inputs)
    points = law.to_normal(inputs)
    if uniform.any():
        points[:, uniform] = law.to_uniform(inputs)[:, uniform]
    return points
