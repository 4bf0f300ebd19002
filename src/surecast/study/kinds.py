"""The table of kinds: what a study names by `kind`, as text that is imported only when it is used.

A kind that holds a colon, `my_package.my_module:my_name`, is the user's own: it is looked for in the
study's folder first and needs no registration.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from surecast.study.errors import ComponentError
from surecast.study.nearest import suggestion

TABLES: dict[str, dict[str, str]] = {
    # Beside these, every continuous distribution of scipy.stats by its name (laws/continuous.py).
    "laws": {
        "uniform": "surecast.study.laws.continuous:Uniform",
        "normal": "surecast.study.laws.continuous:Normal",
        "gaussian_field": "surecast.study.laws.gaussian_field:GaussianField",
        "integer": "surecast.study.laws.integer:Integer",
        "categorical": "surecast.study.laws.categorical:Categorical",
        "empirical": "surecast.study.laws.empirical:Empirical",
    },
    "simulator": {
        "groundwater": "surecast.simulate.groundwater:Groundwater",
        "burgers": "surecast.simulate.burgers:Burgers",
        "burgers_exact": "surecast.simulate.burgers_exact:BurgersExact",
        "korteweg_de_vries": "surecast.simulate.korteweg_de_vries:KortewegDeVries",
        "kuramoto_sivashinsky": "surecast.simulate.kuramoto_sivashinsky:KuramotoSivashinsky",
        "allen_cahn": "surecast.simulate.allen_cahn:AllenCahn",
        "navier_stokes": "surecast.simulate.navier_stokes:NavierStokes",
        "gray_scott": "surecast.simulate.gray_scott:GrayScott",
        "brusselator": "surecast.simulate.brusselator:Brusselator",
        "advection_diffusion": "surecast.simulate.advection_diffusion:AdvectionDiffusion",
        "lid_driven_cavity": "surecast.simulate.lid_driven_cavity:LidDrivenCavity",
        "tube": "surecast.simulate.tube:Tube",
        "cylinder": "surecast.simulate.cylinder:Cylinder",
        "boussinesq": "surecast.simulate.boussinesq:Boussinesq",
        "advection": "surecast.simulate.advection:Advection",
        "diffusion": "surecast.simulate.diffusion:Diffusion",
        "wave": "surecast.simulate.wave:Wave",
        "stochastic_heat": "surecast.simulate.stochastic_heat:StochasticHeat",
        "porous_medium": "surecast.simulate.porous_medium:PorousMedium",
        "stefan": "surecast.simulate.stefan:Stefan",
        "diffusion_sorption": "surecast.simulate.diffusion_sorption:DiffusionSorption",
        "heat": "surecast.simulate.heat:Heat",
        "poisson_2d": "surecast.simulate.poisson_2d:Poisson2D",
        "helmholtz": "surecast.simulate.helmholtz:Helmholtz",
        "shallow_water": "surecast.simulate.shallow_water:ShallowWater",
        "euler": "surecast.simulate.euler:Euler",
        "darcy": "surecast.simulate.darcy:Darcy",
        "joule_heating": "surecast.simulate.joule_heating:JouleHeating",
        "linear_elasticity": "surecast.simulate.elasticity:LinearElasticity",
        "helmholtz_medium": "surecast.simulate.helmholtz_medium:HelmholtzMedium",
        "cooled_plate": "surecast.simulate.cooled_plate:CooledPlate",
        "ornstein_uhlenbeck": "surecast.simulate.ornstein_uhlenbeck:OrnsteinUhlenbeck",
        "geometric_brownian_motion": "surecast.simulate.geometric_brownian_motion:GeometricBrownianMotion",
        "double_well": "surecast.simulate.double_well:DoubleWell",
        "cox_ingersoll_ross": "surecast.simulate.cox_ingersoll_ross:CoxIngersollRoss",
        "fractional_ornstein_uhlenbeck": (
            "surecast.simulate.fractional_ornstein_uhlenbeck:FractionalOrnsteinUhlenbeck"
        ),
        "heston": "surecast.simulate.heston:Heston",
        "problem": "surecast.simulate.problems.simulator:ProblemSimulator",
        "right_hand_side": "surecast.simulate.right_hand_side:RightHandSide",
        "command": "surecast.simulate.command:Command",
        "umbridge": "surecast.simulate.umbridge:UMBridge",
    },
    "output": {
        "variable": "surecast.simulate.outputs:Variable",
        "maximum": "surecast.simulate.outputs:Maximum",
        "minimum": "surecast.simulate.outputs:Minimum",
        "mean": "surecast.simulate.outputs:Mean",
        "boundary_flux": "surecast.simulate.outputs:BoundaryFlux",
    },
    "design": {
        "monte_carlo": "surecast.design.monte_carlo:MonteCarlo",
        "latin_hypercube": "surecast.design.latin_hypercube:LatinHypercube",
        "sobol": "surecast.design.sobol:Sobol",
        "determinantal": "surecast.design.determinantal:Determinantal",
        "volume_sampling": "surecast.design.determinantal:VolumeSampling",
        "table": "surecast.design.table:Table",
    },
    "surrogate": {
        "fno": "surecast.train.models.fno:FNO",
        "unet": "surecast.train.models.unet:UNet",
        "gaussian_process": "surecast.train.models.gaussian_process:GaussianProcess",
        "polynomial_chaos": "surecast.train.models.polynomial_chaos:PolynomialChaos",
        "pod_ridge": "surecast.train.models.pod_ridge:PODRidge",
    },
    "question": {
        "moments": "surecast.quantify.moments:Moments",
        "expectations": "surecast.quantify.expectations:Expectations",
        "exceedance": "surecast.quantify.exceedance:Exceedance",
        "quantiles": "surecast.quantify.quantiles:Quantiles",
        "tail": "surecast.quantify.tail:Tail",
        "sobol": "surecast.quantify.sobol:Sobol",
        "what_if": "surecast.quantify.what_if:WhatIf",
        "given_data": "surecast.quantify.given_data:GivenData",
    },
    "estimator": {
        "monte_carlo": "surecast.quantify.estimators.monte_carlo:MonteCarlo",
        "active_sampling": "surecast.quantify.estimators.active_sampling:ActiveSampling",
        "tail_sampling": "surecast.quantify.estimators.tail_sampling:TailSampling",
        "latin_hypercube": "surecast.quantify.estimators.latin_hypercube:LatinHypercube",
        "scrambled_sobol": "surecast.quantify.estimators.scrambled_sobol:ScrambledSobol",
        "rank_statistics": "surecast.quantify.estimators.rank_statistics:RankStatistics",
        "binning": "surecast.quantify.estimators.binning:Binning",
        "control_variates": "surecast.quantify.estimators.control_variates:ControlVariates",
        "multilevel": "surecast.quantify.estimators.multilevel:Multilevel",
        "multifidelity": "surecast.quantify.estimators.multifidelity:Multifidelity",
        "approximate_control_variates": (
            "surecast.quantify.estimators.approximate_control_variates:ApproximateControlVariates"
        ),
        "surrogate_decomposition": "surecast.quantify.estimators.surrogate_decomposition:SurrogateDecomposition",
        "importance_sampling": "surecast.quantify.estimators.importance_sampling:ImportanceSampling",
        "cross_entropy": "surecast.quantify.estimators.cross_entropy:CrossEntropy",
        "adaptive_importance_sampling": (
            "surecast.quantify.estimators.adaptive_importance_sampling:AdaptiveImportanceSampling"
        ),
        "aiscv": "surecast.quantify.estimators.aiscv:Aiscv",
        "subset_simulation": "surecast.quantify.estimators.subset_simulation:SubsetSimulation",
    },
}

USER_FUNCTION = "surecast.simulate.function:FunctionSimulator"
"""Wraps a user's function that is named as simulator."""

SCIPY_LAW = "surecast.study.laws.continuous:Continuous"


def names(table: str) -> list[str]:
    """The valid names of a table, without the user's own."""
    found = set(TABLES[table])
    if table == "laws":
        from surecast.study.laws.continuous import distribution_names

        found |= set(distribution_names())
    return sorted(found)


def target(table: str, kind: str) -> str:
    """Where a kind is defined, ``module:name`` (for digests of code), without importing it.

    An unknown name in the table of laws is taken as a distribution of scipy.stats; `resolve` refuses it if it is none.

    Raises
    ------
    ComponentError
        If the table holds no such name.
    """
    if ":" in kind:
        return kind
    if kind in TABLES[table]:
        return TABLES[table][kind]
    if table == "laws":
        return SCIPY_LAW
    raise ComponentError(f"there is no {_noun(table)} of kind {kind!r}.", suggestion(kind, names(table)))


def resolve(table: str, kind: str, folder: str | Path | None = None) -> Any:
    """The class (or the user's function) that a kind names.

    Parameters
    ----------
    table : str
        One of the keys of `TABLES`.
    kind : str
        A name in the table, or ``module:name``.
    folder : str or Path, optional
        Where the user's modules are looked for first.

    Raises
    ------
    ComponentError
        If the name is unknown (the nearest one is given), or its module cannot be imported.
    """
    if ":" in kind:
        return _user(kind, folder)
    if table == "laws" and kind not in TABLES["laws"]:
        from surecast.study.laws.continuous import distribution_class, is_distribution

        if not is_distribution(kind):
            raise ComponentError(f"there is no law of kind {kind!r}.", suggestion(kind, names(table)))
        return distribution_class(kind)
    return resolve_target(target(table, kind))


def resolve_target(text: str) -> Any:
    """What a row of the tables names, ``module:name``."""
    module, _, name = text.partition(":")
    return getattr(importlib.import_module(module), name)


def _noun(table: str) -> str:
    return "law" if table == "laws" else table


def _user(kind: str, folder: str | Path | None) -> Any:
    module_name, _, name = kind.partition(":")
    if not all(part.isidentifier() for part in [*module_name.split("."), name]):
        raise ComponentError(
            f"{kind!r} is not of the form module:name.", "write for example `my_module:my_function`, without '.py'."
        )
    try:
        module = _import(module_name, folder)
    except (Exception, SystemExit) as error:  # a user's module may raise anything while it is imported
        raise ComponentError(
            f"module {module_name!r} cannot be imported ({type(error).__name__}: {error}).",
            f"put {module_name.replace('.', '/')}.py beside the study file or install its package, "
            f"and try `python -c 'import {module_name}'` there.",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        own = [item for item in vars(module) if not item.startswith("_")]
        raise ComponentError(f"module {module_name!r} has no {name!r}.", suggestion(name, own)) from error


def _import(name: str, folder: str | Path | None) -> ModuleType:
    """Import a module, the study's folder first, even where another study's module of that name is loaded."""
    if folder is None:
        return importlib.import_module(name)
    folder = Path(folder).resolve()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    top = name.partition(".")[0]
    own = [path for path in (folder / f"{top}.py", folder / top) if path.exists()]
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if own and loaded is not None and folder not in Path(loaded).resolve().parents:
        for other in [item for item in sys.modules if item == top or item.startswith(f"{top}.")]:
            del sys.modules[other]
        sys.path.remove(str(folder))
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    # Checking a study leaves no file in its folder, not even compiled bytes.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = writes
