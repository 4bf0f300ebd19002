"""The groundwater simulator: bits, balance, functionals, failures, grids."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.groundwater import Groundwater
from surecast.study.errors import SimulationError


def waves(cells, runs, seed=0, variance=1.0):
    """Smooth random fields of the given variance, the same function on every grid."""
    rng = np.random.default_rng(seed)
    centre = (np.arange(cells) + 0.5) / cells
    terms = np.array([np.cos(np.pi * i * centre) for i in range(6)])
    decay = np.exp(-0.15 * (np.arange(6)[:, None] ** 2 + np.arange(6) ** 2))
    decay[0] *= np.sqrt(0.5)
    field = np.einsum("bij,ij,iy,jx->byx", rng.standard_normal((runs, 6, 6)), decay, terms, terms, optimize=False)
    return field * np.sqrt(variance) / np.sqrt((decay**2).sum() / 2)


def inputs(cells=32, runs=64, seed=0, variance=1.0):
    rng = np.random.default_rng(seed + 1)
    return xr.Dataset(
        {
            "permeability": (("run", "y", "x"), waves(cells, runs, seed, variance)),
            "head": ("run", rng.uniform(0.5, 1.5, runs)),
            "well": ("run", 0.5 * np.exp(0.4 * rng.standard_normal(runs))),
        }
    )


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.fixture(scope="module")
def raw():
    return Groundwater(cells=32).run(inputs())


@pytest.mark.parametrize("batch", [1, 16, 64])
def test_bits_do_not_depend_on_the_batch(raw, batch):
    simulator = Groundwater(cells=32)
    given = inputs()
    pieces = [simulator.run(given.isel(run=slice(start, start + batch))) for start in range(0, 64, batch)]
    joined = xr.concat(pieces, "run", data_vars="all")
    assert digest(joined) == digest(raw)


def test_bits_do_not_depend_on_the_order(raw):
    order = np.random.default_rng(5).permutation(64)
    permuted = Groundwater(cells=32).run(inputs().isel(run=order))
    assert digest(permuted) == digest(raw.isel(run=order))


@pytest.mark.parametrize(("variance", "seed"), [(1.0, 0), (4.0, 11)])
def test_mass_balance_of_every_run(variance, seed):
    raw = Groundwater(cells=64).run(inputs(64, 400, seed, variance))
    assert (raw["failure"] == "").all()
    assert float(raw["mass_balance"].max()) < 1e-8
    assert raw["iterations"].max() < 45


def test_water_that_does_not_add_up_is_a_failed_run():
    raw = Groundwater(cells=32, tolerance=1e-9).run(inputs(32, 32, variance=4.0))
    off = raw["mass_balance"].values > 1e-8
    assert 0 < off.sum() < 32
    for text, balance, failed in zip(raw["failure"].values, raw["mass_balance"].values, off, strict=True):
        told = f"the mass balance is off by {balance:.1e}, above 1e-08: set simulator.tolerance below 1e-09"
        assert text == (told if failed else "")


def test_water_in_is_water_out(raw):
    balance = raw["boundary_flux"].sum("side") - inputs()["well"]
    np.testing.assert_allclose(balance, 0.0, rtol=0, atol=1e-7)


@pytest.mark.parametrize("cells", [8, 33, 64])
def test_the_well_injects_its_rate_on_every_grid(cells):
    simulator = Groundwater(cells=cells)
    given = inputs(cells, 3)
    source = simulator.source(given, simulator.grids()["permeability"])
    np.testing.assert_allclose(source.mean(("y", "x")), given["well"], rtol=1e-13)
    np.testing.assert_array_equal(source.values, source.values[:, ::-1, ::-1])


def test_the_source_converges_to_the_density():
    simulator = Groundwater(cells=512)
    centre = simulator.grids()["permeability"]["x"]
    source = simulator.source(inputs(4, 1), {"y": centre, "x": centre})[0] / float(inputs(4, 1)["well"][0])
    r2 = (centre - 0.5) ** 2 + (centre[:, None] - 0.5) ** 2
    np.testing.assert_allclose(source, np.exp(-r2 / (2 * 0.04**2)) / (2 * np.pi * 0.04**2), rtol=0, atol=0.05)


def test_refined_solution_is_close_and_restricted_to_the_same_grid(raw):
    simulator = Groundwater(cells=32)
    fine = simulator.restrict(simulator.refined().run(inputs(64)))
    xr.testing.assert_allclose(fine["x"], raw["x"])
    error = np.sqrt(((fine["pressure"] - raw["pressure"]) ** 2).sum(("y", "x")))
    size = np.sqrt((raw["pressure"] ** 2).sum(("y", "x")))
    assert 0 < float((error / size).mean()) < 0.02


def test_coarser_grids():
    assert [simulator.resolution()["cells"] for simulator in Groundwater(cells=64).coarser()] == [32, 16, 8, 4]
    assert [simulator.resolution()["cells"] for simulator in Groundwater(cells=6).coarser()] == []


def test_variables_are_what_is_returned(raw):
    stated = Groundwater(cells=32).variables()
    assert set(stated) == set(raw.data_vars) - {"failure"}
    for name, info in stated.items():
        assert raw[name].dims == ("run", *info["dims"])
        assert raw[name].attrs["units"] == info["units"]
        assert raw[name].attrs["long_name"]


def test_no_convergence_is_a_failed_run():
    raw = Groundwater(cells=16, max_iterations=3).run(inputs(16, 2))
    assert all("stopped at relative residual" in text for text in raw["failure"].values)


def test_a_run_that_is_not_finite_fails_alone(raw):
    given = inputs().isel(run=slice(0, 4)).copy(deep=True)
    given["permeability"][2, 3, 3] = np.nan
    found = Groundwater(cells=32).run(given)
    assert [bool(text) for text in found["failure"].values] == [False, False, True, False]
    good = [0, 1, 3]
    assert digest(found.isel(run=good)) == digest(raw.isel(run=good))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.drop_vars("head"), "lacks its input 'head'"),
        (lambda given: given.isel(x=slice(0, 8)), "permeability has dimensions"),
        (lambda given: given.isel(run=slice(0, 0)), "no runs"),
    ],
)
def test_refused_inputs(change, message):
    with pytest.raises(SimulationError, match=message):
        Groundwater(cells=16).run(change(inputs(16, 2)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_every_run_is_a_scaled_copy_of_one_with_inputs_of_order_one(sign):
    simulator = Groundwater(cells=16, tolerance=1e-13)
    given = inputs(16, 12)
    given["permeability"] = given["permeability"] + xr.DataArray(np.linspace(-6, 6, 12), dims="run")
    given["head"] = sign * given["head"]
    scaled, scales = simulator.similarity(given)
    np.testing.assert_allclose(abs(scaled["head"]) + abs(scaled["well"]), 1.0, rtol=1e-14)
    np.testing.assert_allclose(scaled["permeability"].mean(("y", "x")), 0.0, rtol=0, atol=1e-14)
    truth, copy = simulator.run(given), simulator.run(scaled)
    for name, scale in scales.items():
        expected = copy[name].values * scale[:, None, None]
        tolerance = 1e-9 * np.abs(expected).max()
        np.testing.assert_allclose(truth[name].values, expected, rtol=0, atol=tolerance, err_msg=name)


def test_where_nothing_flows_the_scale_is_one():
    given = inputs(16, 2).assign(head=("run", [0.0, 0.0]), well=("run", [0.0, 0.0]))
    assert Groundwater(cells=16).similarity(given)[1]["pressure"].tolist() == [1.0, 1.0]


def test_bits_of_a_scaled_run_do_not_depend_on_the_others():
    simulator, given = Groundwater(cells=16), inputs(16, 9)
    together, scales = simulator.similarity(given)
    alone, scale = simulator.similarity(given.isel(run=[4]))
    assert together["permeability"].values[4].tobytes() == alone["permeability"].values[0].tobytes()
    assert scales["flux_x"][4] == scale["flux_x"][0]
