"""The design of a study: which runs to make, one variable per input, numbered for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.design.design import SPLITS
from surecast.study import digest, seeds
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


def make_design(study: Study) -> xr.Dataset:
    """Inputs of every run of a study.

    Returns
    -------
    xarray.Dataset
        Dimension ``run``; one variable per input with units, long name and law in its attributes;
        ``seed`` (run,), the integer seed of each run; coordinates ``run`` (test runs first, then
        validation, then training, so that raising ``train`` renumbers none), ``split`` and
        ``index_in_split``. The size of parts leaves no trace in it.

    Raises
    ------
    StudyError
        If the design does not fit the inputs.
    DataError
        If a law returned a value that is not finite.
    """
    import xarray as xr

    design, law = study.build_design(), study.joint_law()
    pieces = []
    for split, count in design.counts().items():
        if not count:
            continue
        piece = design.draw(law, study.seed, split, count, study.folder)
        index = np.arange(count, dtype=np.int64)
        run_seeds = np.array([seeds.integer_seed(study.seed, "run", split, int(i)) for i in index], dtype=np.int64)
        pieces.append(
            piece.drop_vars("run", errors="ignore")
            .assign(seed=("run", run_seeds))
            .assign_coords(split=("run", np.full(count, split)), index_in_split=("run", index))
        )
    dataset = xr.concat(pieces, "run", combine_attrs="override", join="override", coords="different", compat="equals")
    dataset = dataset.assign_coords(run=("run", np.arange(dataset.sizes["run"], dtype=np.int64)))
    _describe(dataset)
    _check_finite(dataset, law.names)
    settings = {key: value for key, value in design.settings().items() if key != "runs_per_part"}
    dataset.attrs = {
        "long_name": "design: inputs of every run",
        "kind": str(study.design.kind),
        "settings": digest.canonical_json(settings),
        "study_seed": study.seed,
    }
    return dataset


def _describe(dataset: xr.Dataset) -> None:
    named = {
        "seed": "seed of the run",
        "run": "number of the run",
        "split": "what the run is for: " + ", ".join(SPLITS),
        "index_in_split": "number of the run within its split",
    }
    for name, text in named.items():
        dataset[name].attrs = {"long_name": text, "units": "1"}


def _check_finite(dataset: xr.Dataset, names: list[str]) -> None:
    for name in names:
        values = dataset[name].values
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            run = int(np.argwhere(~np.isfinite(values))[0][0])
            raise DataError(
                f"input {name!r} of run {run} is not finite.", f"look at the law of {name!r}: its tails may overflow."
            )
