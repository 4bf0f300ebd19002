"""Input channels of a network: realised fields, scalar inputs as constant channels, coordinates; all of order one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import TrainingError
from surecast.study.laws.gaussian_field import GaussianField
from surecast.train.grids import Axis

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.train.data import TrainingData


@dataclass(frozen=True)
class Channels:
    """From a Dataset of inputs to the input channels of a network.

    Parameters
    ----------
    law : JointLaw
        Joint law of the inputs; it realises the fields on the network's own grid.
    axes : tuple of Axis
        The network's grid.
    normalisation : dict of str to (float, float)
        Mean and standard deviation of each input (of a field: over runs and space) in the training split.
    """

    law: JointLaw
    axes: tuple[Axis, ...]
    normalisation: dict[str, tuple[float, float]]

    @classmethod
    def of_dataset(cls, data: TrainingData, axes: tuple[Axis, ...]) -> Channels:
        """Channels normalised by the dataset's statistics."""
        law = data.study.joint_law()
        for name, component in law.laws.items():
            if isinstance(component, GaussianField) and component.dimensions != len(axes):
                raise TrainingError(
                    f"The input {name!r} has {component.dimensions} dimensions, the fields to learn have {len(axes)}.",
                    "learn fields over the same dimensions.",
                )
        stated = {name: data.statistics(cls.variable(law, name)) for name in law.names}
        return cls(law, axes, stated)

    @staticmethod
    def variable(law: JointLaw, name: str) -> str:
        """The dataset's variable whose statistics normalise an input."""
        return f"{name}_field" if isinstance(law.laws[name], GaussianField) else name

    @property
    def fields(self) -> list[str]:
        """Inputs that are fields."""
        return [name for name in self.law.names if isinstance(self.law.laws[name], GaussianField)]

    @property
    def scalars(self) -> list[str]:
        """Inputs of one number per run."""
        return [name for name in self.law.names if name not in self.fields]

    @property
    def count(self) -> int:
        """Number of channels."""
        return len(self.law.names) + sum(not axis.periodic for axis in self.axes)

    def scaled_scalars(self, inputs: xr.Dataset) -> np.ndarray:
        """Normalised scalar inputs, float64 (run, scalar)."""
        columns = []
        for name in self.scalars:
            mean, deviation = self.normalisation[name]
            columns.append((inputs[name].values.astype(np.float64) - mean) / deviation)
        return np.stack(columns, axis=1) if columns else np.empty((inputs.sizes["run"], 0))

    def __call__(self, inputs: xr.Dataset) -> np.ndarray:
        """Input channels, float32 (run, channel, [y,] x): fields, scalars, coordinates of axes not periodic."""
        runs, cells = inputs.sizes["run"], tuple(axis.cells for axis in self.axes)
        grid = {axis.name: axis.coarse for axis in self.axes}
        channels = np.empty((runs, self.count, *cells), dtype=np.float32)
        realised = self.law.realise(inputs[self.fields], dict.fromkeys(self.fields, grid))
        for position, name in enumerate(self.fields):
            mean, deviation = self.normalisation[name]
            channels[:, position] = (realised[name].values - mean) / deviation
        position = len(self.fields)
        for column in self.scaled_scalars(inputs).T:
            channels[:, position] = column.reshape(-1, *(1,) * len(cells))
            position += 1
        for number, axis in enumerate(self.axes):
            if not axis.periodic:
                # From -1 to 1; on a periodic axis no point is different from another.
                unit = np.linspace(-1.0, 1.0, axis.cells)
                channels[:, position] = unit.reshape(*(1,) * number, -1, *(1,) * (len(cells) - 1 - number))
                position += 1
        return channels

    def record(self) -> dict[str, Any]:
        """What `from_record` needs besides the law, as JSON values."""
        axes = [
            {"name": axis.name, "fine": list(axis.fine), "cells": axis.cells, "periodic": axis.periodic}
            for axis in self.axes
        ]
        return {"axes": axes, "normalisation": {name: list(pair) for name, pair in self.normalisation.items()}}

    @classmethod
    def from_record(cls, law: JointLaw, record: dict[str, Any]) -> Channels:
        """Inverse of `record`."""
        axes = tuple(
            Axis(axis["name"], tuple(axis["fine"]), axis["cells"], axis["periodic"]) for axis in record["axes"]
        )
        return cls(law, axes, {name: (pair[0], pair[1]) for name, pair in record["normalisation"].items()})
