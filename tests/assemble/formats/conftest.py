"""Two assembled studies: fields that move, of a function, and a steady aquifer whose input is a field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.files import write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths

MOVING = '''
import numpy as np
import xarray as xr


def moving(inputs):
    """u = a sin(x + t) + y, v = a cos(x) - t y; runs with a > 0.9 fail."""
    a = inputs["a"]
    time = xr.DataArray(np.linspace(0, 2, 5), dims="time", attrs={"units": "s", "long_name": "time"})
    y = xr.DataArray(np.linspace(0, 1, 4), dims="y", attrs={"units": "m", "long_name": "height"})
    x = xr.DataArray(np.linspace(0, 3, 3), dims="x", attrs={"units": "m", "long_name": "position"})
    u = (a * np.sin(x + time) + y).transpose("run", "time", "y", "x").where(a <= 0.9)
    v = (a * np.cos(x) - time * y).transpose("run", "time", "y", "x").where(a <= 0.9)
    u.attrs, v.attrs = {"units": "m/s", "long_name": "first"}, {"units": "Pa", "long_name": "second"}
    total = u.mean(["y", "x"]).assign_attrs(units="m/s", long_name="mean")
    top = u.max(["time", "y", "x"]).assign_attrs(units="m/s", long_name="largest")
    return xr.Dataset({"u": u, "v": v, "total": total, "top": top}).assign_coords(time=time, y=y, x=x)
'''

MOVING_STUDY = {
    "simulator": {"kind": "moving:moving"},
    "inputs": {
        "a": {"kind": "uniform", "low": 0, "high": 1, "units": "m/s"},
        "n": {"kind": "integer", "low": 3, "high": 3},
    },
    "outputs": {
        "u": {"units": "m/s", "dims": ["time", "y", "x"]},
        "v": {"units": "Pa", "dims": ["time", "y", "x"]},
        "total": {"units": "m/s", "dims": ["time"]},
        "top": {"units": "m/s"},
    },
    "design": {"kind": "sobol", "train": 16, "validation": 4, "test": 8},
    "failures": {"max_share": 1.0},
    "dataset": {"refined_runs": 0},
    "seed": 5,
}

STEADY_STUDY = {
    "simulator": {"kind": "groundwater", "cells": 8},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 0.5, "length": 0.5, "terms": 4},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {"pressure": {"units": "m"}, "flux_x": {}, "outflow": {"kind": "boundary_flux", "side": "right"}},
    "design": {"kind": "sobol", "train": 8, "validation": 2, "test": 4},
    "dataset": {"refined_runs": 0},
    "seed": 6,
}


def assembled(folder: Path, name: str, content: dict[str, Any]) -> Path:
    """Make a study in a folder; its manifest."""
    study = Study.from_content(content, folder / f"{name}.yaml")
    paths = Paths(name, folder / "results")
    write_dataset(paths.design, make_design(study))
    files = [paths.part(part.name) for part in parts(study.build_design())]
    for file in files:
        simulate_part(study, file.stem, paths.design, file, paths.store)
    assemble(study, paths.design, files, paths.dataset, paths.manifest)
    return paths.manifest


@pytest.fixture(scope="session")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of two fields (time, y, x) of 5, 4 and 3 points, a series, a number, and runs that failed."""
    folder = tmp_path_factory.mktemp("moving")
    (folder / "moving.py").write_text(MOVING)
    return assembled(folder, "moving", MOVING_STUDY)


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of an aquifer of 8 x 8 cells: an input on the grid, two fields and a number."""
    return assembled(tmp_path_factory.mktemp("steady"), "steady", STEADY_STUDY)
