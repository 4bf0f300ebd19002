"""What a study asks of a simulation: fields as they are, and scalars computed from them.

Each output is defined once and computed twice: from the simulation, and from predicted fields by a form
that is not sensitive to how well their boundary cells are predicted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.simulator import Simulator
from surecast.study.component import Component
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr


class Reduction(Component):
    """``{over: time, by: max}``: a trajectory or field becomes one number per run."""

    over: str | list[str] = Field(description="Dimension or dimensions that go.")
    by: Literal["max", "min", "mean", "last", "first"] = Field(description="How they go.")

    def dims(self) -> list[str]:
        """The dimensions that go."""
        return [self.over] if isinstance(self.over, str) else list(self.over)

    def apply(self, array: xr.DataArray) -> xr.DataArray:
        """The reduced array; NaN stays NaN."""
        if self.by in ("last", "first"):
            return array.isel(dict.fromkeys(self.dims(), -1 if self.by == "last" else 0), drop=True)
        return _reduced(array, self.dims(), self.by)


class Output(Component):
    """One named output of a study."""

    units: str | None = Field(default=None, description="Unit in which it is given; default: the simulator's.")

    @abstractmethod
    def from_simulation(self, inputs: xr.Dataset, raw: xr.Dataset) -> xr.DataArray:
        """The output of every run, dimension ``run`` first, from the raw outputs of `Simulator.run`.

        Raises
        ------
        SimulationError
            If the simulator did not return what the output needs.
        """

    @abstractmethod
    def from_prediction(self, inputs: xr.Dataset, fields: xr.Dataset, simulator: Simulator) -> xr.DataArray | None:
        """The output from predicted fields under their names in the simulation (see `as_simulated`).

        None if those fields are not enough. `fields` may be on another grid than the simulator's.
        """

    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Raw outputs that `from_simulation` needs."""

    @abstractmethod
    def dimensions(self, simulator: Simulator) -> tuple[str, ...]:
        """Dimensions besides ``run``."""

    def is_field(self, simulator: Simulator) -> bool:
        """Whether it has dimensions besides ``run``."""
        return bool(self.dimensions(simulator))

    def unit(self, simulator: Simulator) -> str | None:
        """Its unit; None if only a run can tell."""
        known = [info["units"] for name, info in simulator.variables().items() if name in self.needs()]
        return self.units if self.units is not None else (known[0] if known else None)

    def check(self, simulator: Simulator) -> None:
        """Raise `SimulationError` if the simulator is known not to return what the output needs."""
        known = simulator.variables()
        for name in self.needs():
            if known and name not in known:
                raise SimulationError(f"the simulator returns no {name!r}.", f"use one of {', '.join(known)}.")

    def _raw(self, raw: xr.Dataset, name: str) -> xr.DataArray:
        if name not in raw:
            present = ", ".join(str(key) for key in raw.data_vars if key != "failure")
            raise SimulationError(f"the simulator returned no {name!r}.", f"use one of: {present}.")
        return raw[name]

    def _in_units(self, array: xr.DataArray, attributes: Mapping[Any, Any], long_name: str) -> xr.DataArray:
        """The array in the unit asked for, with its attributes."""
        given = str(attributes.get("units", "")) or None
        unit = self.units if self.units is not None else (given or "1")
        if given is not None and given != unit:
            from surecast.study.units import convert

            array = array.copy(data=np.asarray(convert(array.values, given, unit)))
        array.attrs = {"units": unit, "long_name": long_name}
        return array


class Variable(Output):
    """A raw output as it is, or its slice and reduction."""

    of: str = Field(description="The simulator's variable; in a study file the output's own name if left out.")
    dims: list[str] = Field(
        default=[], description="Dimensions besides run, where the simulator is a function and cannot declare them."
    )
    at: dict[str, float] = Field(default={}, description="Slice: a coordinate value for each dimension, {time: 1.0}.")
    reduce: Reduction | None = Field(default=None, description="Reduction to fewer dimensions.")

    def needs(self) -> tuple[str, ...]:
        """The variable."""
        return (self.of,)

    def dimensions(self, simulator: Simulator) -> tuple[str, ...]:
        """Dimensions that slice and reduction leave."""
        info = simulator.variables().get(self.of)
        dims = tuple(self.dims) if info is None else info["dims"]
        gone = set(self.at) | set(self.reduce.dims() if self.reduce else [])
        return tuple(dim for dim in dims if dim not in gone)

    def from_simulation(self, inputs: xr.Dataset, raw: xr.Dataset) -> xr.DataArray:
        """See `Output.from_simulation`."""
        return self._from(self._raw(raw, self.of))

    def from_prediction(self, inputs: xr.Dataset, fields: xr.Dataset, simulator: Simulator) -> xr.DataArray | None:
        """See `Output.from_prediction`."""
        return self._from(fields[self.of]) if self.of in fields else None

    def _from(self, array: xr.DataArray) -> xr.DataArray:
        attributes = array.attrs
        lost = (set(self.at) | set(self.reduce.dims() if self.reduce else [])) - set(map(str, array.dims))
        if lost:
            raise SimulationError(
                f"{self.of} has no dimension {sorted(lost)[0]!r}.", f"it has {', '.join(map(str, array.dims))}."
            )
        for dim, value in self.at.items():
            try:
                array = array.sel({dim: value}, method="nearest", tolerance=1e-9 * max(1.0, abs(value)), drop=True)
            except KeyError as error:
                values = ", ".join(f"{item:g}" for item in array[dim].values[:8])
                raise SimulationError(
                    f"{self.of} is not given at {dim} = {value:g}.", f"it is at {values} ..."
                ) from error
        if self.reduce is not None:
            array = self.reduce.apply(array)
        return self._in_units(array.transpose("run", ...), attributes, str(attributes.get("long_name", self.of)))


class OverField(Output):
    """A number computed from all values of one field."""

    of: str = Field(description="The simulator's variable.")

    def needs(self) -> tuple[str, ...]:
        """The variable."""
        return (self.of,)

    def dimensions(self, simulator: Simulator) -> tuple[str, ...]:
        """None."""
        return ()

    def from_simulation(self, inputs: xr.Dataset, raw: xr.Dataset) -> xr.DataArray:
        """See `Output.from_simulation`."""
        return self._from(self._raw(raw, self.of))

    def from_prediction(self, inputs: xr.Dataset, fields: xr.Dataset, simulator: Simulator) -> xr.DataArray | None:
        """See `Output.from_prediction`."""
        return self._from(fields[self.of]) if self.of in fields else None

    def _from(self, array: xr.DataArray) -> xr.DataArray:
        by = type(self).__name__.lower()
        dims = [str(dim) for dim in array.dims if dim != "run"]
        if not dims:
            raise SimulationError(f"{self.of} is one number per run: it has no {by}.", "use kind: variable.")
        name = str(array.attrs.get("long_name", self.of))
        reduced = _reduced(array, dims, {"maximum": "max", "minimum": "min", "mean": "mean"}[by])
        return self._in_units(reduced, array.attrs, f"{by} of {name}")


class Maximum(OverField):
    """Largest value of a field over its cells (and times)."""


class Minimum(OverField):
    """Smallest value of a field over its cells (and times)."""


class Mean(OverField):
    """Mean of a field over its cells (and times), all of the same weight."""


class BoundaryFlux(Output):
    """Flow out through the left or right side of the unit square, the sum of the fluxes through its faces.

    From predicted fields by the volume form, which uses every cell instead of the boundary's. With
    div q = f and no flow through the bottom and top,

        flow out through the right side =  integral of q_x + integral of x f
        flow out through the left side  = -integral of q_x + integral of (1 - x) f,

    which holds exactly for the finite volumes too, with q_x the mean of a cell's two faces and x its
    centre: multiply the balance of each cell by x (or 1 - x) and sum by parts.
    """

    side: Literal["left", "right"] = Field(description="Side through which the flow leaves: left or right.")

    def needs(self) -> tuple[str, ...]:
        """``boundary_flux`` by side."""
        return ("boundary_flux",)

    def dimensions(self, simulator: Simulator) -> tuple[str, ...]:
        """None."""
        return ()

    def from_simulation(self, inputs: xr.Dataset, raw: xr.Dataset) -> xr.DataArray:
        """See `Output.from_simulation`."""
        flux = self._raw(raw, "boundary_flux")
        return self._in_units(flux.sel(side=self.side, drop=True), flux.attrs, f"flow out through the {self.side} side")

    def from_prediction(self, inputs: xr.Dataset, fields: xr.Dataset, simulator: Simulator) -> xr.DataArray | None:
        """See `Output.from_prediction`."""
        if "flux_x" not in fields:
            return None
        flux = fields["flux_x"].transpose("run", "y", "x")
        grid = {dim: np.asarray(flux[dim].values, dtype=np.float64) for dim in ("y", "x")}
        source = simulator.source(inputs, grid)
        if source is None:
            return None
        outward, distance = (1.0, grid["x"]) if self.side == "right" else (-1.0, 1 - grid["x"])
        supplied = (source.transpose("run", "y", "x").values * distance).mean(axis=(1, 2))
        through = flux.values.astype(np.float64).mean(axis=(1, 2))
        result = flux.isel(x=0, y=0, drop=True).copy(data=outward * through + supplied)
        units = simulator.variables()["boundary_flux"]["units"]
        return self._in_units(result, {"units": units}, f"flow out through the {self.side} side")


def as_simulated(outputs: Mapping[str, Output], predicted: xr.Dataset) -> xr.Dataset:
    """Predicted outputs under the names that the simulator gives them, for `Output.from_prediction`.

    Parameters
    ----------
    outputs : mapping of str to Output
        Outputs of the study by name.
    predicted : xarray.Dataset
        Predicted outputs by their names in the study; those that are a raw output as it is are kept.
    """
    import xarray as xr

    fields = {
        output.of: predicted[name]
        for name, output in outputs.items()
        if name in predicted and isinstance(output, Variable) and not output.at and output.reduce is None
    }
    return xr.Dataset(fields)


def _reduced(array: xr.DataArray, dims: list[str], by: str) -> xr.DataArray:
    reduced: xr.DataArray = getattr(array, by)(dims, skipna=False)
    return reduced
