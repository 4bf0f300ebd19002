"""The identity of a run: what is in it, and what is not."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.burgers import Burgers
from surecast.simulate.groundwater import Groundwater
from surecast.simulate.identity import run_identities
from surecast.study.errors import SimulationError


class Noisy(Groundwater):
    """A simulator that depends on the seed."""

    @property
    def stochastic(self):
        return True


def inputs():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "permeability": (("run", "y", "x"), rng.standard_normal((6, 8, 8))),
            "head": ("run", rng.random(6)),
            "well": ("run", rng.random(6)),
            "seed": ("run", np.arange(6)),
        }
    )


def identities(simulator=None, code="c", given=None):
    return run_identities(simulator or Groundwater(cells=8), code, inputs() if given is None else given).tolist()


def test_distinct_and_repeatable():
    assert identities() == identities()
    assert len(set(identities())) == 6
    assert all(len(identity) == 32 for identity in identities())


def test_it_belongs_to_the_run():
    order = [4, 0, 2]
    assert identities(given=inputs().isel(run=order)) == [identities()[row] for row in order]
    assert identities(given=inputs().transpose()) == identities()
    assert identities(given=inputs().assign_coords(run=np.arange(50, 56))) == identities()


def test_what_decides_the_result_is_in_it():
    base = set(identities())
    changed = inputs().copy(deep=True)
    changed["head"] = np.nextafter(changed["head"], 2.0)
    for other in (
        identities(given=changed),
        identities(code="d"),
        identities(Groundwater(cells=16)),
        identities(Groundwater(cells=8, tolerance=1e-9)),
        identities(Noisy(cells=8)),
    ):
        assert not base & set(other)


def test_the_seed_counts_for_stochastic_simulators_only():
    reseeded = inputs().assign(seed=("run", np.arange(10, 16)))
    assert identities(given=reseeded) == identities()
    assert not set(identities(Noisy(cells=8), given=reseeded)) & set(identities(Noisy(cells=8)))
    with pytest.raises(SimulationError, match="needs the variable seed"):
        identities(Noisy(cells=8), given=inputs().drop_vars("seed"))


def test_integers_and_text():
    given = xr.Dataset({"n": ("run", [1, 2]), "soil": ("run", ["sand", "clay"])})
    first = run_identities(Burgers(), "c", given)
    same = run_identities(Burgers(), "c", given.assign(n=given["n"].astype(np.int32)))
    assert first.tolist() == same.tolist()
    other = run_identities(Burgers(), "c", given.assign(soil=("run", ["silt", "clay"])))
    assert other[0] != first[0]
    assert other[1] == first[1]
