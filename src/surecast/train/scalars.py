"""Surrogates of scalars: one fit for each output, from points of independent variables to numbers."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from surecast.train.surrogate import Surrogate

if TYPE_CHECKING:
    import xarray as xr


class ScalarSurrogate(Surrogate):
    """A surrogate that predicts scalar outputs, each by a function of its own."""

    @abstractmethod
    def points(self, inputs: xr.Dataset) -> np.ndarray:
        """Points (run, dimension) that the functions take."""

    @abstractmethod
    def evaluate(self, output: str, points: np.ndarray) -> np.ndarray:
        """One output at points, float64 (run,); the bits of a run whatever its neighbours."""

    def predict(self, inputs: xr.Dataset, outputs: tuple[str, ...]) -> xr.Dataset:
        """See `Surrogate.predict`."""
        points = self.points(inputs)
        return self.labelled({name: self.evaluate(name, points) for name in outputs})

    def labelled(self, values: dict[str, np.ndarray]) -> xr.Dataset:
        """Values (run,) by output, with units and long names."""
        import xarray as xr

        simulator = self.study.build_simulator()
        variables = {}
        for name, value in values.items():
            unit = self.study.build_output(name).unit(simulator) or "1"
            variables[name] = ("run", value, {"units": unit, "long_name": name.replace("_", " ")})
        return xr.Dataset(variables)
