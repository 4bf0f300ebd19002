"""One part of the design, simulated: what one job does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.design.imported import imported_outputs
from surecast.design.parts import find_part, select
from surecast.simulate import gates
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study import digest
from surecast.study.files import read_dataset, write_dataset

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


def simulate_part(
    study: Study, part: str, design_path: str | Path, output: str | Path, store: str | Path, workers: int = 1
) -> xr.Dataset:
    """Simulate the runs of one part and write them.

    Parameters
    ----------
    study : Study
        The study.
    part : str
        Name of the part, for example ``train-0003``.
    design_path : str or Path
        The design (NetCDF).
    output : str or Path
        The part's file (NetCDF): inputs, outputs, ``failed``, ``message``, ``identity`` and ``seed`` of
        each run, dimension ``run``.
    store : str or Path
        Folder of the run store: runs in it are not made again, new ones are added.
    workers : int
        Cores of the job: how many runs are made at once follows from them and from what a run needs (see `Truth`).

    Returns
    -------
    xarray.Dataset
        What was written.

    Raises
    ------
    SimulationError
        If more runs failed than ``failures.max_share`` of the whole design.
    DataError
        If the design's file is not what was written.
    """
    design = read_dataset(design_path)
    inputs = select(design, find_part(study.build_design(), part))
    truth = Truth(study, store=RunStore(store), workers=workers)
    try:
        outputs = _with_imported(study, truth, inputs)
    finally:
        truth.close()
    runs = inputs.merge(outputs, join="exact", compat="override", combine_attrs="override")
    runs["identity"] = ("run", truth.identities(inputs).astype(object), {"long_name": "identity of the run"})
    runs.attrs = {
        "long_name": f"runs of part {part}",
        "study": study.name,
        "part": part,
        "design": str(design.attrs["digest"]),
        "code": truth.code,
        "simulator": digest.canonical_json({"kind": study.simulator.kind, **truth.simulator.settings()}),
        "card": digest.canonical_json(truth.simulator.card()),
    }
    gates.stop_if_too_many(runs, design.sizes["run"], study.failures.max_share)
    # Fields of floats hardly shrink, and decompressing them is what assembling would spend its time on.
    write_dataset(output, runs, compress=False)
    return runs


def _with_imported(study: Study, truth: Truth, inputs: xr.Dataset) -> xr.Dataset:
    """Outputs of the runs, those that the user's table already holds taken from it."""
    import xarray as xr

    units = {name: out.unit(truth.simulator) or "1" for name, out in truth.outputs.items()}
    imported = imported_outputs(study, inputs, units)
    if imported is None:
        return truth(inputs)
    there = imported["computed"].values != 0
    pieces = []
    if there.any():
        given = imported.isel(run=there).drop_vars("computed")
        message = gates.messages(given, study.failures.largest)
        failed = xr.DataArray(message != "", dims="run")
        given = given.map(
            lambda array: array.astype(np.float32 if array.ndim > 1 else np.float64, keep_attrs=True).where(~failed),
            keep_attrs=True,
        )
        pieces.append(given.assign(failed=failed.astype(np.int8), message=("run", message)))
    if not there.all():
        pieces.append(truth(inputs.isel(run=~there)))
    joined = xr.concat(pieces, "run", join="outer", data_vars="all", coords="minimal", compat="override")
    order = np.argsort(np.concatenate([np.flatnonzero(there), np.flatnonzero(~there)]))
    return joined.isel(run=order)
