"""Datasets for cards: one of every form of output, known in closed form, and a small one of a simulator here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.files import write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths

SIMULATOR = '''
import numpy as np
import xarray as xr


def waves(inputs):
    """u = a cos(x) + t <y>."""
    a = inputs["a"]
    x = xr.DataArray(np.linspace(0, 3, 300), dims="x", attrs={"units": "m", "long_name": "position"})
    y = xr.DataArray(np.linspace(0, 1, 4), dims="y", attrs={"units": "m", "long_name": "height"})
    z = xr.DataArray(np.linspace(0, 1, 3), dims="z", attrs={"units": "m", "long_name": "depth"})
    t = xr.DataArray(np.linspace(0, 1, 9), dims="time", attrs={"units": "s", "long_name": "time"})
    found = {
        "frames": a * np.cos(x) + t * y,
        "course": a * np.cos(x) + t,
        "end": a * np.cos(x),
        "solid": a * x + y * z,
        "height": a,
        "count": np.floor(a * 10),
        "tail": np.exp(-40 * a),
        "same": 0 * a + 2,
    }
    data = xr.Dataset(found).assign_coords(x=x, y=y, z=z, time=t).where(a < 0.9)
    for name, variable in data.items():
        variable.attrs = {"units": "m2/s", "long_name": f"the {name}"}
    return data.transpose("run", "time", "z", "y", "x")
'''
FIELDS = {"frames": ["time", "y", "x"], "course": ["time", "x"], "end": ["x"], "solid": ["z", "y", "x"]}
SCALARS = ("height", "count", "tail", "same")


def made(folder: Path, content: dict[str, Any]) -> Path:
    """Make the dataset of a study; the path of its manifest."""
    folder.mkdir()
    (folder / "waves.py").write_text(SIMULATOR)
    study = Study.from_content(content, folder / "card.yaml")
    paths = Paths("card", folder / "results")
    write_dataset(paths.design, make_design(study))
    files = [paths.part(part.name) for part in parts(study.build_design())]
    for path in files:
        simulate_part(study, path.stem, paths.design, path, paths.store)
    assemble(study, paths.design, files, paths.dataset, paths.manifest)
    return paths.manifest


SMALL: dict[str, Any] = {
    "simulator": {"kind": "burgers", "points": 32, "steps": 20},
    "inputs": {
        "initial": {
            "kind": "gaussian_field",
            "variance": 0.1,
            "length": 0.5,
            "terms": 3,
            "periodic": True,
            "dimensions": 1,
        },
        "viscosity": {"kind": "uniform", "low": 0.05, "high": 0.1, "units": "m2/s"},
    },
    "outputs": {"solution": {"kind": "variable", "units": "m/s"}},
    "design": {"kind": "sobol", "train": 4, "validation": 2, "test": 2},
    "seed": 1,
}
