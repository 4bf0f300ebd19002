"""The user's own simulator: a Python callable named ``module:function`` in the study file.

    def ishigami(inputs, a=7.0, b=0.1):
        x1, x2, x3 = inputs["x1"], inputs["x2"], inputs["x3"]
        return xr.Dataset({"response": np.sin(x1) + a * np.sin(x2) ** 2 + b * x3**4 * np.sin(x1)})

It is called with an xarray Dataset of inputs (dimension ``run``) and returns a Dataset with the same
``run``. What the study says beside ``kind`` is passed as keyword arguments. A run's result must not
depend on the other runs of a call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, JsonValue, PrivateAttr, ValidationInfo, model_validator

from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study import kinds
from surecast.study.errors import ComponentError, SimulationError

if TYPE_CHECKING:
    import xarray as xr


class FunctionSimulator(Simulator):
    """A user's callable as a simulator.

    A call that raises is repeated run by run, so that only the runs that raise are failed ones. A callable
    with an attribute ``stochastic = True``, or with `stochastic: true` beside its `kind`, finds the variable
    ``seed`` (run,) among its inputs, and must draw its random numbers from that alone.
    """

    function: str = Field(description="The callable, as module:function.")
    arguments: dict[str, JsonValue] = Field(default={}, description="Keyword arguments, checked against its signature.")
    seeded: bool | None = Field(
        default=None,
        description="Whether it draws random numbers from `seed` (`stochastic` in a study file); else it says so.",
    )
    runs_per_call: int = Field(default=64, ge=1, description="Runs given to one call at most.")

    _folder: Path | None = PrivateAttr(default=None)  # where the study lies: its modules are found there

    @model_validator(mode="after")
    def _importable(self, info: ValidationInfo) -> FunctionSimulator:
        self._folder = (info.context or {}).get("folder")
        self.check()
        return self

    @property
    def stochastic(self) -> bool:
        """Whether the study, or else the callable, says ``stochastic = True``."""
        if self.seeded is not None:
            return self.seeded
        return bool(getattr(self._callable(), "stochastic", False))

    def settings(self) -> dict[str, Any]:
        """The settings; `seeded` only where the study says it, so that saying nothing changes no run's identity."""
        settings = super().settings()
        if self.seeded is None:
            del settings["seeded"]
        return settings

    def input_names(self) -> tuple[str, ...]:
        """Empty: the callable takes whatever inputs the study has."""
        return ()

    def variables(self) -> dict[str, VariableInfo]:
        """Empty: what the callable returns is known only after a run."""
        return {}

    def resolution(self) -> dict[str, Any]:
        """Empty: the callable's own business."""
        return {}

    def card(self) -> dict[str, Any]:
        """The callable's name, docstring and arguments."""
        return {
            "equation": inspect.getdoc(self._callable()) or f"the function {self.function}",
            "solver": self.function,
            "arguments": dict(self.arguments),
        }

    def code_targets(self) -> list[str]:
        """The user's module and this one."""
        return [self.function.partition(":")[0], f"{type(self).__module__}:{type(self).__qualname__}"]

    def check(self) -> None:
        """Raise `ComponentError` if the callable cannot be imported or does not take the arguments."""
        function = self._callable()
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):  # some callables written in C have no signature to check
            return
        try:
            signature.bind(None, **self.arguments)
        except TypeError as error:
            raise ComponentError(
                f"{self.function}{signature} cannot be called with the inputs and {dict(self.arguments)}: {error}.",
                "correct the simulator's settings, or the function's arguments.",
            ) from error

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Call the function on every run; see `Simulator.run`.

        Raises
        ------
        SimulationError
            If the function returns something other than a Dataset whose variables have the dimension
            ``run`` of its inputs.
        """
        self.require(inputs)
        if not self.stochastic:
            inputs = inputs.drop_vars("seed", errors="ignore")
        pieces: list[xr.Dataset | str] = []  # a message for a failed run
        sizes: list[int] = []
        for start in range(0, inputs.sizes["run"], self.runs_per_call):
            batch = inputs.isel(run=slice(start, start + self.runs_per_call))
            outcome = self._call(batch)
            if isinstance(outcome, str) and batch.sizes["run"] > 1:
                singles = [self._call(batch.isel(run=slice(row, row + 1))) for row in range(batch.sizes["run"])]
                pieces += singles
                sizes += [1] * len(singles)
            else:
                pieces.append(outcome)
                sizes.append(batch.sizes["run"])
        return _joined(pieces, sizes)

    def _callable(self) -> Callable[..., Any]:
        function: Callable[..., Any] = kinds.resolve("simulator", self.function, self._folder)
        if not callable(function):
            raise ComponentError(f"{self.function} is no callable but {type(function).__name__}.", "name a function.")
        return function

    def _call(self, batch: xr.Dataset) -> xr.Dataset | str:
        import xarray as xr

        try:
            # Arithmetic must not hand on the inputs' units: what the user states of a result is what it has.
            with xr.set_options(keep_attrs=False):
                result = self._callable()(batch.copy(), **self.arguments)
        except Exception as error:  # whatever a user's code raises is a failed run with that message
            return f"{type(error).__name__}: {error}"
        return self._checked(result, batch.sizes["run"])

    def _checked(self, result: Any, runs: int) -> xr.Dataset:
        import xarray as xr

        remedy = "return an xarray Dataset whose variables have the dimension run of the inputs."
        if isinstance(result, xr.DataArray) and result.name is not None:
            result = result.to_dataset()
        if not isinstance(result, xr.Dataset):
            raise SimulationError(f"{self.function} returned {type(result).__name__}, not a Dataset.", remedy)
        if not result.data_vars:
            raise SimulationError(f"{self.function} returned a Dataset without variables.", remedy)
        for name, variable in result.data_vars.items():
            if "run" not in variable.dims:
                raise SimulationError(f"{self.function} lost the dimension run of {name!r}.", remedy)
            if variable.sizes["run"] != runs:
                raise SimulationError(
                    f"{self.function} returned {variable.sizes['run']} runs of {name!r} for {runs} runs of inputs.",
                    remedy,
                )
            if variable.dtype.kind not in "fiub":
                raise SimulationError(
                    f"{self.function} returned {name!r} of type {variable.dtype}, not numbers.", remedy
                )
        result = result.drop_vars([name for name, value in result.coords.items() if "run" in value.dims])
        result = result.transpose("run", ...).astype(np.float64, keep_attrs=True)
        return result.assign(failure=("run", np.array([""] * runs, dtype=object)))


def _joined(pieces: list[xr.Dataset | str], sizes: list[int]) -> xr.Dataset:
    """All pieces along ``run``; failed ones as NaN of the shape that the others have."""
    import xarray as xr

    pattern = next((piece for piece in pieces if not isinstance(piece, str)), None)
    filled = []
    for piece, size in zip(pieces, sizes, strict=True):
        if isinstance(piece, str):
            blank = xr.Dataset()
            if pattern is not None:
                blank = xr.full_like(pattern.drop_vars("failure").isel(run=[0] * size), np.nan)
            piece = blank.assign(failure=("run", np.array([piece] * size, dtype=object)))
        elif pattern is not None and set(piece.data_vars) != set(pattern.data_vars):
            raise _unlike(f"{sorted(map(str, piece.data_vars))} and {sorted(map(str, pattern.data_vars))}")
        filled.append(piece)
    try:
        return xr.concat(filled, "run", join="exact", data_vars="all", coords="minimal", compat="override")
    except (ValueError, KeyError) as error:
        raise _unlike(str(error)) from error


def _unlike(difference: str) -> SimulationError:
    return SimulationError(
        f"two calls of the function returned variables that do not fit together ({difference}).",
        "return the same variables on the same coordinates for every run.",
    )
