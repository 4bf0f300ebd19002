"""What trainings read of a dataset: good runs of a split, scalars in memory, fields block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.open import open_dataset
from surecast.study.errors import TrainingError
from surecast.study.files import read_json

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study

BLOCK = 64
"""Runs of fields in memory at once."""


class TrainingData:
    """A dataset as trainings see it.

    Parameters
    ----------
    study : Study
        The study.
    manifest : str or Path
        ``dataset.json``.
    """

    def __init__(self, study: Study, manifest: str | Path) -> None:
        self.study, self.path = study, Path(manifest)
        self.manifest: dict[str, Any] = read_json(manifest)
        self.dataset: xr.Dataset = open_dataset(manifest)

    def runs(self, split: str) -> np.ndarray:
        """Positions along ``run`` of the good runs of a split, in order.

        Raises
        ------
        TrainingError
            If there are none.
        """
        variable = self.dataset["split"]
        meanings = str(variable.attrs["flag_meanings"]).split()
        value = np.atleast_1d(variable.attrs["flag_values"])[meanings.index(split)]
        good = (variable.values == value) & (self.dataset["failed"].values == 0)
        found = np.flatnonzero(good)
        if not len(found):
            raise TrainingError(
                f"{self.path}: has no good {split} runs, which trainings need.",
                f"set design.{split} to 1 or more, or look at why the runs failed.",
            )
        return found

    def inputs(self, split: str) -> xr.Dataset:
        """Inputs of the good runs of a split, fields by their coefficients."""
        return self.dataset[list(self.study.inputs)].isel(run=self.runs(split)).load()

    def scalars(self, names: Sequence[str], split: str) -> np.ndarray:
        """Scalar outputs of the good runs of a split, float64 (run, output)."""
        picked = self.dataset[list(names)].isel(run=self.runs(split)).load()
        return np.stack([picked[name].values.astype(np.float64) for name in names], axis=1)

    def blocks(self, names: Sequence[str], split: str, size: int = BLOCK) -> Iterator[tuple[xr.Dataset, np.ndarray]]:
        """Inputs and field outputs (run, output, [y,] x), float32, of the good runs of a split, `size` at a time."""
        runs = self.runs(split)
        for start in range(0, len(runs), size):
            block = self.dataset[[*self.study.inputs, *names]].isel(run=runs[start : start + size]).load()
            yield block[list(self.study.inputs)], stacked(block, names)

    def scalar_outputs(self) -> list[str]:
        """The study's outputs of one number per run."""
        return [name for name in self.study.outputs if self.dataset[name].ndim == 1]

    def field_outputs(self) -> list[str]:
        """The study's outputs over (y, x) or (x)."""
        return [
            name for name in self.study.outputs if tuple(self.dataset[name].dims) in (("run", "y", "x"), ("run", "x"))
        ]

    def chosen(self, asked: Sequence[str] | None, present: Sequence[str], what: str) -> list[str]:
        """The outputs asked for, all that are `present` if none are named.

        Raises
        ------
        TrainingError
            If there are none, or one is asked for that is not present.
        """
        if not present:
            raise TrainingError(f"The study has no {what} to learn.", "add one to outputs, or remove the surrogate.")
        for name in asked or ():
            if name not in present:
                raise TrainingError(f"{name!r} is none of the study's {what}s.", f"use {', '.join(present)}.")
        return list(asked or present)

    def statistics(self, name: str) -> tuple[float, float]:
        """Mean and standard deviation over the training split, as the manifest states them; 1 for a constant."""
        stated = self.manifest["statistics"][name]
        return float(stated["mean"]), float(stated["std"]) or 1.0


def stacked(values: Mapping[Any, Any], names: Sequence[str]) -> np.ndarray:
    """Fields of the same grid side by side, float32 (run, field, [y,] x), from a Dataset or a batch of arrays."""
    return np.stack([np.asarray(values[name], dtype=np.float32) for name in names], axis=1)


def labelled_inputs(law: JointLaw, batch: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Inputs of a batch as the design gives them, from arrays."""
    import xarray as xr

    return xr.Dataset({name: (("run", f"{name}_term")[: batch[name].ndim], batch[name]) for name in law.names})
