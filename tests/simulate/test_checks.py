"""The common checks: built-in simulators pass, each kind of fault is named."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.burgers import Burgers
from surecast.simulate.checks import check_simulator
from surecast.simulate.groundwater import Groundwater
from surecast.study.errors import SimulationError


def inputs(cells=8, runs=4):
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "permeability": (("run", "y", "x"), rng.standard_normal((runs, cells, cells))),
            "head": ("run", rng.uniform(0.5, 1.5, runs)),
            "well": ("run", rng.uniform(0.1, 1.0, runs)),
        }
    )


def test_groundwater_passes():
    check_simulator(Groundwater(cells=8), inputs())


def test_burgers_passes():
    rng = np.random.default_rng(0)
    given = xr.Dataset(
        {"initial": (("run", "x"), 0.1 * rng.standard_normal((3, 16))), "viscosity": ("run", [0.05, 0.1, 0.2])}
    )
    check_simulator(Burgers(points=16, steps=10, frames=2), given)


def mixed(given, raw):
    """Runs that know of each other."""
    return raw.assign(iterations=raw["iterations"] + raw["iterations"].mean())


def restless(given, raw):
    """Another result at every call."""
    restless.calls = getattr(restless, "calls", 0) + 1
    return raw.assign(iterations=raw["iterations"] + restless.calls)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (mixed, "run 0 by itself gives other bits of 'iterations'"),
        (restless, "a second call gives other bits of 'iterations'"),
        (lambda given, raw: raw.drop_vars("failure"), "no failure"),
        (lambda given, raw: raw.drop_vars("pressure"), "'pressure' is declared but not returned"),
        (lambda given, raw: raw.transpose(), "not run: 4 first"),
        (lambda given, raw: raw.assign(flux_x=raw["flux_x"].assign_attrs(units="m")), "not .* as declared"),
    ],
)
def test_faults(fault, message):
    class Faulty(Groundwater):
        """A simulator with one fault."""

        def run(self, given):
            return fault(given, super().run(given))

    with pytest.raises(SimulationError, match=message):
        check_simulator(Faulty(cells=8), inputs())


def test_changed_inputs():
    class Careless(Groundwater):
        """Writes over its inputs once it has used them."""

        def run(self, given):
            raw = super().run(given)
            given["unused"].values[...] += 1.0
            return raw

    with pytest.raises(SimulationError, match="changes its inputs"):
        check_simulator(Careless(cells=8), inputs().assign(unused=("run", np.zeros(4))))


def test_one_run_is_not_enough():
    with pytest.raises(SimulationError, match="cannot be compared"):
        check_simulator(Groundwater(cells=8), inputs(runs=1))
