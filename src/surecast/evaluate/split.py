"""The runs of one split of a dataset, with the failed ones counted and left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr


def good_runs(dataset: xr.Dataset, split: str) -> tuple[xr.Dataset, int]:
    """The runs of a split that did not fail (still lazy), and the number of those that did.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `surecast.assemble.open.open_dataset`: coordinate ``split`` with flag meanings, ``failed`` (run).
    split : {"train", "validation", "test"}
        Which split.

    Raises
    ------
    DataError
        If the split has no run that did not fail: there is nothing to judge by.
    """
    wanted = in_split(dataset, split)
    failed = np.asarray(dataset["failed"].values).astype(bool)
    keep = np.flatnonzero(wanted & ~failed)
    if not keep.size:
        raise DataError(
            f"the dataset has no {split} run that did not fail ({int(wanted.sum())} runs in this split).",
            f"set design.{split} to 20 runs or more, or look at why the runs failed.",
        )
    return dataset.isel(run=keep), int(np.sum(wanted & failed))


def in_split(dataset: xr.Dataset, *splits: str) -> np.ndarray:
    """Which runs belong to one of these splits, failed or not, (run,)."""
    meanings = str(dataset["split"].attrs["flag_meanings"]).split()
    flags = dict(zip(meanings, np.atleast_1d(dataset["split"].attrs["flag_values"]).tolist(), strict=True))
    return np.isin(dataset["split"].values, [flags[split] for split in splits])


def fields_and_scalars(truth: xr.Dataset, outputs: list[str]) -> tuple[list[str], list[str]]:
    """The outputs that have dimensions beside ``run``, and those that have none."""
    fields = [name for name in outputs if truth[name].ndim > 1]
    return fields, [name for name in outputs if truth[name].ndim == 1]
