"""A study whose runs are known in closed form: u(x) = a sin(pi x) + b, one of which fails on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surecast.assemble import dataset, layout, part_files
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
    """u(x) = a sin(pi x) + b."""
    a, b = inputs["a"], inputs["b"]
    if (b < LIMIT).any():
        raise ValueError("b is too small")
    x = xr.DataArray(np.linspace(0, 1, 32), dims="x", attrs={"units": "m", "long_name": "position"})
    u = (a * np.sin(np.pi * x) + b).transpose("run", "x").assign_coords(x=x)
    u.attrs = {"units": "m", "long_name": "height"}
    top = (a + b).assign_attrs(units="m", long_name="top")
    # Above 0.98 the run fails: some do among any fifty.
    return xr.Dataset({"u": u.where(a < 0.98), "top": top})
'''


def content(**design: Any) -> dict[str, Any]:
    """The study as plain values."""
    return {
        "simulator": {"kind": "waves:waves"},
        "inputs": {
            "a": {"kind": "uniform", "low": 0, "high": 1},
            "b": {"kind": "norm", "loc": 2, "scale": 0.5, "units": "m"},
        },
        "outputs": {"u": {"units": "m", "dims": ["x"]}, "top": {"units": "m"}},
        "design": {"kind": "sobol", "train": 64, "validation": 8, "test": 16, "runs_per_part": 16, **design},
        "failures": {"max_share": 1.0},
        "dataset": {"refined_runs": 0, "chunk_mib": 1, "shard_mib": 3},
        "seed": 5,
    }


class Made:
    """A study assembled in a folder."""

    def __init__(self, folder: Path, raises_below: float = -np.inf, **design: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "waves.py").write_text(SIMULATOR.replace("LIMIT", f"float('{raises_below}')"))
        self.folder = folder
        self.study = Study.from_content(content(**design), folder / "made.yaml")
        self.paths = Paths("made", folder / "results")
        self.design = make_design(self.study)
        write_dataset(self.paths.design, self.design)
        self.parts = [self.paths.part(part.name) for part in parts(self.study.build_design())]
        for part in self.parts:
            simulate_part(self.study, part.stem, self.paths.design, part, self.paths.store)

    def assemble(self, workers: int = 1) -> dict[str, Any]:
        """Assemble, and return the manifest."""
        self.manifest = assemble(
            self.study, self.paths.design, self.parts, self.paths.dataset, self.paths.manifest, workers
        )
        return self.manifest

    def truth(self) -> np.ndarray:
        """The field u of every run, float32, NaN where the run fails."""
        a, b = (self.design[name].values[:, None] for name in ("a", "b"))
        u = a * np.sin(np.pi * np.linspace(0, 1, 32)) + b
        return np.where(a < 0.98, u, np.nan).astype(np.float32)

    @property
    def shard(self) -> Path:
        """The file that holds the field."""
        return self.paths.dataset / "u" / "c" / "0" / "0"


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Made]:
    """Make a study in a folder of its own."""

    def make(name: str = "one", raises_below: float = -np.inf, **design: Any) -> Made:
        return Made(tmp_path / name, raises_below, **design)

    return make


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes a thousand times smaller: nothing is small enough for memory, and there are many chunks and shards."""
    monkeypatch.setattr(layout, "MIB", 1024)
    monkeypatch.setattr(dataset, "_SMALL", 0)
    monkeypatch.setattr(part_files, "_SLAB", 700)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One study that is assembled already, for tests that only read it."""
    made = Made(tmp_path_factory.mktemp("assembled"))
    made.assemble()
    return made
