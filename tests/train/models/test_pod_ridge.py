from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.files import write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths
from surecast.train.data import TrainingData
from surecast.train.train import train

MODEL = """
import numpy as np
import xarray as xr

def line(inputs):
    points = xr.DataArray(np.linspace(0, 1, 6), dims="x", attrs={"units": "m"})
    field = (inputs["slope"] * points + inputs["start"]).transpose("run", "x")
    return xr.Dataset({"field": field.assign_attrs(units="1")}, {"x": points})
"""
UNIFORM = {"kind": "uniform", "low": 0.0, "high": 1.0}
CONTENT: dict[str, Any] = {
    "seed": 5,
    "simulator": {"kind": "model:line"},
    "inputs": {"slope": UNIFORM, "start": UNIFORM},
    "outputs": {"field": {"kind": "variable", "dims": ["x"], "units": "1"}},
    "design": {"kind": "monte_carlo", "train": 24, "validation": 4, "test": 8},
    "dataset": {"refined_runs": 0},
    "surrogates": {"pod": {"kind": "pod_ridge", "modes": 16}},
}


def test_a_field_of_fewer_values_than_modes_has_a_component_for_each(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    study = Study.from_content(CONTENT, tmp_path / "lines.yaml")
    paths = Paths(study.name, tmp_path / "results")
    write_dataset(paths.design, make_design(study))
    names = [part.name for part in parts(study.build_design())]
    for part in names:
        simulate_part(study, part, paths.design, paths.part(part), paths.store)
    assemble(study, paths.design, [paths.part(part) for part in names], paths.dataset, paths.manifest)
    pod = train(study, "pod", 0, paths.manifest, tmp_path / "seed0.json", tmp_path / "checkpoints")
    assert pod.history is not None
    assert pod.history.sizes["mode"] == 6
    data = TrainingData(study, paths.manifest)
    inputs = data.inputs("test")
    truth = inputs["slope"].values[:, None] * np.linspace(0, 1, 6) + inputs["start"].values[:, None]
    assert np.abs(pod(inputs)["field"].values - truth).max() < 1e-3
