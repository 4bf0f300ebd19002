"""A small aquifer and a small Burgers study, simulated and assembled once for all tests of trainings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.files import write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths

AQUIFER = {
    "seed": 3,
    "simulator": {"kind": "groundwater", "cells": 16},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 0.5, "length": 0.5, "terms": 4},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {
        "pressure": {"kind": "variable"},
        "flux_x": {"kind": "variable"},
        "flux_y": {"kind": "variable"},
        "outflow": {"kind": "boundary_flux", "side": "right", "units": "m2/day"},
        "peak": {"kind": "maximum", "of": "pressure", "units": "m"},
    },
    "design": {"kind": "sobol", "train": 64, "validation": 16, "test": 32, "runs_per_part": 56},
    "dataset": {"refined_runs": 0},
    "surrogates": {
        "fno": {"kind": "fno", "cells": 8, "width": 6, "modes": 3, "layers": 2, "padding": 2},
        "unet": {"kind": "unet", "width": 4, "levels": 2},
        "gp": {"kind": "gaussian_process", "iterations": 15},
        "chaos": {"kind": "polynomial_chaos"},
        "pod": {"kind": "pod_ridge", "modes": 24},
    },
    "training": {"steps": 30, "batch": 8, "seeds": [0, 1], "interval": 10, "device": "cpu"},
}

BURGERS = {
    "seed": 3,
    "simulator": {"kind": "burgers", "points": 64, "time": 0.2, "steps": 20},
    "inputs": {
        "initial": {
            "kind": "gaussian_field",
            "dimensions": 1,
            "periodic": True,
            "variance": 0.1,
            "length": 0.3,
            "terms": 5,
        },
        "viscosity": {"kind": "loguniform", "a": 0.02, "b": 0.05, "units": "m2/s"},
    },
    "outputs": {"solution": {"kind": "variable"}},
    "design": {"kind": "sobol", "train": 32, "validation": 8, "test": 8, "runs_per_part": 48},
    "dataset": {"refined_runs": 0},
    "surrogates": {
        "fno": {"kind": "fno", "cells": 32, "width": 6, "modes": 4, "layers": 2},
        "unet": {"kind": "unet", "cells": 32, "width": 4, "levels": 2},
        "pod": {"kind": "pod_ridge", "modes": 16},
    },
    "training": {"steps": 80, "batch": 8, "seeds": [0], "interval": 20, "device": "cpu"},
}


class Made(NamedTuple):
    """A study and where its dataset lies."""

    study: Study
    manifest: Path


def make(content: dict, folder: Path, name: str) -> Made:
    """Simulate and assemble a study in a folder."""
    study = Study.from_content(content, folder / f"{name}.yaml")
    paths = Paths(study.name, folder / "results")
    write_dataset(paths.design, make_design(study))
    names = [part.name for part in parts(study.build_design())]
    for part in names:
        simulate_part(study, part, paths.design, paths.part(part), paths.store)
    assemble(study, paths.design, [paths.part(part) for part in names], paths.dataset, paths.manifest)
    return Made(study, paths.manifest)


@pytest.fixture(scope="session")
def aquifer(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(AQUIFER, tmp_path_factory.mktemp("aquifer"), "aquifer")


@pytest.fixture(scope="session")
def burgers(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(BURGERS, tmp_path_factory.mktemp("burgers"), "burgers")
