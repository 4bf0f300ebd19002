"""Digests of what a study found, so that two complete runs can be compared: `python digests.py results/smoke`.

Digests are of decoded values. How the runs were cut into parts, and what was measured with a clock, do not count.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from surecast.assemble.open import open_dataset
from surecast.study import digest
from surecast.study.files import read_dataset

TIMED = "seconds"


def digests(root: Path) -> dict[str, str]:
    """Digest of the design, all runs, the dataset, each training's weights and each estimate of a study."""
    found = {"design": values(read_dataset(root / "design.nc"))}
    found["runs"] = values(all_runs(root))
    found["dataset"] = values(open_dataset(root / "dataset.json").load())
    for path in sorted(root.glob("surrogates/*/*.safetensors")):
        found[str(path.relative_to(root))] = digest.of_file(path)
    for path in sorted([*root.glob("evaluation/*.nc"), *root.glob("estimates/*.nc")]):
        found[str(path.relative_to(root))] = values(read_dataset(path))
    for path in sorted(root.glob("estimates/*.csv")):
        found[str(path.relative_to(root))] = digest.of_file(path)
    return found


def all_runs(root: Path) -> xr.Dataset:
    """The runs of all parts in the order of their numbers."""
    parts = [read_dataset(path) for path in sorted(root.glob("runs/*.nc"))]
    runs = xr.concat(parts, "run", join="outer", coords="different", compat="equals", combine_attrs="drop")
    return runs.isel(run=np.argsort(runs["run"].values))


def values(dataset: xr.Dataset) -> str:
    """Digest of the decoded values of every variable whose name does not say that it was timed."""
    names = sorted(str(name) for name in dataset.variables if TIMED not in str(name))
    return digest.of_json({name: digest.of_array(dataset[name].values) for name in names})


if __name__ == "__main__":
    for name, value in digests(Path(sys.argv[1])).items():
        print(value, name)
