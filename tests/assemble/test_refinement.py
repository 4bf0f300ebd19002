"""The discretisation error against a simulator whose error is known: u_h = u + h^2 u."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surecast.assemble.refinement import discretisation_error
from surecast.simulate.outputs import Maximum, Variable
from surecast.simulate.simulator import Simulator, VariableInfo


class Scaled(Simulator):
    """u_h = (1 + h^2) a on any grid: the error is h^2 of the truth, everywhere."""

    cells: int

    def input_names(self) -> tuple[str, ...]:
        return ("a",)

    def variables(self) -> dict[str, VariableInfo]:
        return {"u": {"dims": ("x",), "units": "1", "long_name": "u"}}

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        values = (1 + self.cells**-2.0) * inputs["a"].values[:, None] * np.ones(self.cells)
        failure = np.where(inputs["a"].values > 3, "too large", "")
        return xr.Dataset({"u": (("run", "x"), values, {"units": "1"}), "failure": ("run", failure)})

    def resolution(self) -> dict[str, Any]:
        return {"cells": self.cells}

    def card(self) -> dict[str, Any]:
        return {}

    def refined(self) -> Simulator:
        return Scaled(cells=2 * self.cells)

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        return fields.isel(x=slice(None, None, 2))


class Law:
    """Inputs without fields."""

    def realise(self, inputs: xr.Dataset, grids: dict[str, Any]) -> xr.Dataset:
        return inputs


def study(simulator: Any) -> Any:
    outputs = {"u": Variable(of="u"), "top": Maximum(of="u")}
    return types.SimpleNamespace(
        build_simulator=lambda: simulator,
        build_output=outputs.__getitem__,
        joint_law=Law,
        inputs={"a": None},
        outputs=outputs,
    )


def measured(a: list[float], simulator: Any) -> dict[str, Any]:
    inputs = xr.Dataset({"a": ("run", np.array(a)), "seed": ("run", np.arange(len(a)))})
    u = simulator.run(inputs)["u"]
    return discretisation_error(study(simulator), inputs, xr.Dataset({"u": u, "top": u.max("x")}))


@pytest.mark.parametrize("cells", [4, 8, 32])
def test_the_error_is_that_of_the_scheme(cells):
    found = measured([1.0, -2.0, 0.5], Scaled(cells=cells))
    wanted = (1 + cells**-2.0) / (1 + (2 * cells) ** -2.0) - 1
    for name in ("u", "top"):
        assert found[name]["relative_l2"] == pytest.approx(wanted, rel=1e-9)
        assert found[name]["largest"] == pytest.approx(wanted, rel=1e-9)
        assert found[name]["runs"] == 3


def test_runs_that_fail_on_the_refined_grid_do_not_count():
    assert measured([1.0, 5.0], Scaled(cells=4))["u"]["runs"] == 1
    assert measured([5.0], Scaled(cells=4)) == {}


def test_a_simulator_without_a_refined_grid_has_no_error():
    class Exact(Scaled):
        def refined(self) -> None:  # type: ignore[override]
            return None

    assert measured([1.0], Exact(cells=4)) == {}
