"""Input channels of a network: realised fields, scalar inputs as constant channels, coordinates; all of order one.

Where the simulator states a symmetry (`Simulator.similarity`), the channels are those of the scaled run, and each
field to learn has a scale of its own in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.simulate.outputs import Variable
from surecast.simulate.simulator import Simulator
from surecast.study.errors import TrainingError
from surecast.study.laws.gaussian_field import GaussianField
from surecast.train.grids import Axis

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw
    from surecast.study.model import Study
    from surecast.train.data import TrainingData

BLOCK = 64
"""Runs realised at once where only numbers of the scaled runs are kept."""


@dataclass(frozen=True)
class Sample:
    """What a network sees of some runs.

    Attributes
    ----------
    channels : numpy.ndarray
        Input channels, float32 (run, channel, [y,] x).
    scalars : numpy.ndarray
        Normalised scalar inputs, float64 (run, scalar).
    scales : numpy.ndarray
        Scale of each field to learn, float64 (run, field, 1 ...), as many dimensions as the fields.
    """

    channels: np.ndarray
    scalars: np.ndarray
    scales: np.ndarray


@dataclass(frozen=True)
class Channels:
    """From a Dataset of inputs to the input channels of a network.

    Parameters
    ----------
    study : Study
        The study; its joint law realises the fields on the network's own grid.
    fields_out : tuple of str
        Field outputs to learn.
    axes : tuple of Axis
        The network's grid.
    normalisation : dict of str to (float, float)
        Mean and standard deviation of each (scaled) input in the training split; of a field over runs and space.
    """

    study: Study
    fields_out: tuple[str, ...]
    axes: tuple[Axis, ...]
    normalisation: dict[str, tuple[float, float]]

    @property
    def law(self) -> JointLaw:
        """Joint law of the inputs."""
        return self.study.joint_law()

    @classmethod
    def of_dataset(cls, data: TrainingData, fields_out: Sequence[str], axes: tuple[Axis, ...]) -> Channels:
        """Channels normalised by the dataset's statistics, or by those of the scaled runs of its training split."""
        law = data.study.joint_law()
        for name, component in law.laws.items():
            if isinstance(component, GaussianField) and component.dimensions != len(axes):
                raise TrainingError(
                    f"The input {name!r} has {component.dimensions} dimensions, the fields to learn have {len(axes)}.",
                    "learn fields over the same dimensions.",
                )
        plain = cls(data.study, tuple(fields_out), axes, dict.fromkeys(law.names, (0.0, 1.0)))
        inputs = data.inputs("train")
        if not plain.scaled(inputs.isel(run=slice(0, 1)))[1]:
            return replace(plain, normalisation={n: data.statistics(cls.variable(law, n)) for n in law.names})
        sums = np.zeros((3, len(law.names)))
        for start in range(0, inputs.sizes["run"], BLOCK):
            block = plain.scaled(inputs.isel(run=slice(start, start + BLOCK)))[0]
            values = [block[name].values.astype(np.float64) for name in law.names]
            sums += [[v.size for v in values], [v.sum() for v in values], [(v * v).sum() for v in values]]
        mean = sums[1] / sums[0]
        deviation = np.sqrt(np.maximum(sums[2] / sums[0] - mean**2, 0.0))
        deviation = np.where(deviation > 1e-9 * np.maximum(1.0, np.abs(mean)), deviation, 1.0)
        pairs = zip(mean.tolist(), deviation.tolist(), strict=True)
        return replace(plain, normalisation=dict(zip(law.names, pairs, strict=True)))

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

    def scaled(self, inputs: xr.Dataset) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
        """Inputs of the scaled runs, fields realised on the network's grid, and the scales of raw fields."""
        grid = {axis.name: axis.coarse for axis in self.axes}
        realised = self.law.realise(inputs[list(self.law.names)], dict.fromkeys(self.fields, grid))
        return self.study.build_simulator().similarity(realised)

    def numbers(self, inputs: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Scalars and scales of a `Sample`, the same bits, without its channels.

        Fields are realised only where the simulator states a symmetry, and never more than `BLOCK` runs at once.
        """
        if type(self.study.build_simulator()).similarity is Simulator.similarity:
            return self._numbers(inputs, {})
        starts = range(0, max(1, inputs.sizes["run"]), BLOCK)
        blocks = [self._numbers(*self.scaled(inputs.isel(run=slice(start, start + BLOCK)))) for start in starts]
        return np.concatenate([scalars for scalars, _ in blocks]), np.concatenate([scales for _, scales in blocks])

    def __call__(self, inputs: xr.Dataset) -> Sample:
        """Channels in the order fields, scalars, coordinates of axes not periodic; scalars; scales."""
        runs, cells = inputs.sizes["run"], tuple(axis.cells for axis in self.axes)
        scaled, factors = self.scaled(inputs)
        scalars, scales = self._numbers(scaled, factors)
        channels = np.empty((runs, self.count, *cells), dtype=np.float32)
        for position, name in enumerate(self.fields):
            channels[:, position] = self._normal(scaled, name)
        position = len(self.fields)
        for column in scalars.T:
            channels[:, position] = column.reshape(-1, *(1,) * len(cells))
            position += 1
        for number, axis in enumerate(self.axes):
            if not axis.periodic:
                # From -1 to 1; on a periodic axis no point is different from another.
                unit = np.linspace(-1.0, 1.0, axis.cells)
                channels[:, position] = unit.reshape(*(1,) * number, -1, *(1,) * (len(cells) - 1 - number))
                position += 1
        return Sample(channels, scalars, scales)

    def _normal(self, scaled: xr.Dataset, name: str) -> np.ndarray:
        mean, deviation = self.normalisation[name]
        return np.asarray((scaled[name].transpose("run", ...).values.astype(np.float64) - mean) / deviation)

    def _numbers(self, scaled: xr.Dataset, factors: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        runs, ones = scaled.sizes["run"], (1,) * len(self.axes)
        columns = [self._normal(scaled, name) for name in self.scalars]
        scales = np.ones((runs, len(self.fields_out), *ones))
        for number, name in enumerate(self.fields_out):
            output = self.study.build_output(name)
            # What a reduction over further axes does to a field, it does to the scaled one.
            if isinstance(output, Variable) and output.of in factors:
                scales[:, number] = factors[output.of].reshape(-1, *ones)
        return np.stack(columns, axis=1) if columns else np.empty((runs, 0)), scales

    def record(self) -> dict[str, Any]:
        """What `from_record` needs besides the study, as JSON values."""
        axes = [
            {"name": axis.name, "fine": list(axis.fine), "cells": axis.cells, "periodic": axis.periodic}
            for axis in self.axes
        ]
        return {
            "fields": list(self.fields_out),
            "axes": axes,
            "normalisation": {name: list(pair) for name, pair in self.normalisation.items()},
        }

    @classmethod
    def from_record(cls, study: Study, record: dict[str, Any]) -> Channels:
        """Inverse of `record`."""
        axes = tuple(
            Axis(axis["name"], tuple(axis["fine"]), axis["cells"], axis["periodic"]) for axis in record["axes"]
        )
        normalisation = {name: (pair[0], pair[1]) for name, pair in record["normalisation"].items()}
        return cls(study, tuple(record["fields"]), axes, normalisation)
