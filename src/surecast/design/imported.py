"""Outputs that a table design brings along: those runs are imported, never repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


def imported_outputs(study: Study, runs: xr.Dataset, units: dict[str, str]) -> xr.Dataset | None:
    """Outputs of a part's runs that the user's table already holds.

    Parameters
    ----------
    study : Study
        The study.
    runs : xarray.Dataset
        Runs of one split, as `surecast.design.parts.select` gives them.
    units : dict
        Unit of each of the study's outputs; the table's values are converted to it.

    Returns
    -------
    xarray.Dataset or None
        One variable per output with the ``run`` dimension of `runs`, and ``computed`` (run,) int8, 1 where
        every output is there; None if the design holds no outputs.
    """
    split = str(runs["split"].values[0])
    index = runs["index_in_split"].values
    found = study.build_design().imported(
        study.joint_law(), study.seed, split, int(index.max()) + 1, list(study.outputs), units, study.folder
    )
    if found is None:
        return None
    return found.isel(run=index).assign_coords({name: runs[name] for name in ("run", "split", "index_in_split")})
