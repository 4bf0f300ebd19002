"""Surrogates that predict fields: scalars follow from the fields by the study's own definitions of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.outputs import as_simulated
from surecast.train.grids import Axis
from surecast.train.surrogate import Surrogate, SurrogateSettings

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study
    from surecast.train.data import TrainingData

TOGETHER = 256
"""Runs whose fields are in memory at once where only scalars are asked for."""


class FieldSurrogate(Surrogate):
    """A surrogate that predicts fields.

    Parameters
    ----------
    study, name, settings
        See `Surrogate`.
    fields : list of str
        Field outputs that it predicts.
    axes : tuple of Axis
        The dataset's grid (and the surrogate's own).
    """

    def __init__(
        self, study: Study, name: str, settings: SurrogateSettings, fields: list[str], axes: tuple[Axis, ...]
    ) -> None:
        self.fields, self.axes = fields, axes
        super().__init__(study, name, settings, fields)
        self.outputs = (*fields, *self._scalars())

    @abstractmethod
    def predict_fields(self, inputs: xr.Dataset) -> np.ndarray:
        """Fields on the dataset's grid, float32 (run, field, [y,] x), the bits of a run whatever its neighbours."""

    def predict(self, inputs: xr.Dataset, outputs: tuple[str, ...]) -> xr.Dataset:
        """See `Surrogate.predict`."""
        import xarray as xr

        blocks = []
        for start in range(0, max(1, inputs.sizes["run"]), TOGETHER):
            block = inputs.isel(run=slice(start, start + TOGETHER))
            fields = self._labelled(self.predict_fields(block))
            derived = {name: self._derived(name, block, fields) for name in outputs if name not in self.fields}
            missing = [name for name, value in derived.items() if value is None]
            if missing:  # excluded by __init__, which asked the same question
                raise AssertionError(f"{missing} cannot be computed from {self.fields}")
            blocks.append(
                xr.Dataset({name: fields[name] if name in self.fields else derived[name] for name in outputs})
            )
        return blocks[0] if len(blocks) == 1 else xr.concat(blocks, dim="run")

    def _labelled(self, values: np.ndarray) -> xr.Dataset:
        import xarray as xr

        dims = ("run", *(axis.name for axis in self.axes))
        coordinates = {axis.name: np.asarray(axis.fine) for axis in self.axes}
        simulator = self.study.build_simulator()
        variables = {}
        for position, name in enumerate(self.fields):
            output = self.study.build_output(name)
            attributes = {"units": output.unit(simulator) or "1", "long_name": name.replace("_", " ")}
            variables[name] = (dims, values[:, position], attributes)
        return xr.Dataset(variables, coordinates)

    def _derived(self, name: str, inputs: xr.Dataset, fields: xr.Dataset) -> xr.DataArray | None:
        outputs = {field: self.study.build_output(field) for field in self.fields}
        value: xr.DataArray | None = self.study.build_output(name).from_prediction(
            inputs, as_simulated(outputs, fields), self.study.build_simulator()
        )
        return None if value is None else value.astype(np.float64).drop_vars("run", errors="ignore")

    def _scalars(self) -> list[str]:
        """Scalar outputs that the predicted fields are enough for."""
        simulator = self.study.build_simulator()
        law = self.study.joint_law()
        probe = law.from_uniform(np.full((1, law.dimension), 0.5))
        shape = (1, len(self.fields), *(len(axis.fine) for axis in self.axes))
        fields = self._labelled(np.zeros(shape, dtype=np.float32))
        return [
            name
            for name in self.study.outputs
            if name not in self.fields
            and not self.study.build_output(name).is_field(simulator)
            and self._derived(name, probe, fields) is not None
        ]


def grid(data: TrainingData, fields: Sequence[str], cells: int | None) -> tuple[Axis, ...]:
    """The axes of the fields to learn, with `cells` points each on the surrogate's own grid (None: the dataset's).

    An axis is periodic where the fields among the inputs are.

    Raises
    ------
    TrainingError
        If an axis is not uniform, or `cells` does not suit it.
    """
    periodic = data.study.joint_law().periodic
    dims = data.dataset[fields[0]].dims[1:]
    axes = []
    for dim in map(str, dims):
        fine = tuple(float(value) for value in data.dataset[dim].values)
        axes.append(Axis(dim, fine, len(fine) if cells is None else cells, periodic))
    return tuple(axes)
