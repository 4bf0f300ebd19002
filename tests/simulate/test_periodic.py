"""What every problem on a periodic interval promises, and the exact ones against closed forms."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.advection import Advection
from surecast.simulate.allen_cahn import AllenCahn
from surecast.simulate.burgers import Burgers
from surecast.simulate.diffusion import Diffusion
from surecast.simulate.korteweg_de_vries import KortewegDeVries
from surecast.simulate.kuramoto_sivashinsky import KuramotoSivashinsky
from surecast.simulate.wave import Wave
from surecast.study.errors import SimulationError

RUNS, EXTENT = 37, 2.0
PARAMETERS = {
    "viscosity": 0.05, "dispersion": 1e-3, "antidiffusion": 1e-2, "hyperdiffusion": 1e-4, "diffusivity": 0.02,
    "rate": 1.5, "speed": 0.7,
}  # fmt: skip
EVERY = [Advection, AllenCahn, Burgers, Diffusion, KortewegDeVries, KuramotoSivashinsky, Wave]
EXACT = [Advection, Diffusion, Wave]


def solver(kind, **settings):
    steps = {} if kind in EXACT else {"steps": 80}
    return kind(**{"points": 64, "extent": EXTENT, "time": 0.5} | steps | settings)


def inputs(simulator, runs=RUNS):
    x = simulator.grids()["initial"]["x"] * 2 * np.pi / EXTENT
    amplitude, phase = np.linspace(0.2, 0.8, RUNS)[:, None], np.linspace(0, 3, RUNS)[:, None]
    initial = 0.1 + amplitude * np.sin(x + phase) + 0.3 * amplitude * np.cos(2 * x - phase)
    found = {name: ("run", PARAMETERS[name] * np.linspace(0.8, 1.2, RUNS)) for name in simulator.parameters}
    return xr.Dataset({"initial": (("run", "x"), initial), **found}).isel(run=slice(runs))


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.mark.parametrize("kind", EVERY)
def test_bits_depend_neither_on_the_batch_nor_on_the_order(kind):
    simulator = solver(kind)
    given = inputs(simulator)
    whole = simulator.run(given)
    pieces = [simulator.run(given.isel(run=slice(start, start + 5))) for start in range(0, RUNS, 5)]
    assert digest(xr.concat(pieces, "run", data_vars="all")) == digest(whole)
    order = np.random.default_rng(5).permutation(RUNS)
    assert digest(simulator.run(given.isel(run=order))) == digest(whole.isel(run=order))
    assert (whole["failure"] == "").all()


@pytest.mark.parametrize("kind", EVERY)
def test_outputs_inputs_and_card_are_what_is_stated(kind):
    simulator = solver(kind, frames=4)
    raw = simulator.run(inputs(simulator, 3))
    stated = simulator.variables()
    assert set(stated) == set(raw.data_vars) - {"failure"}
    for name, info in stated.items():
        assert raw[name].dims == ("run", *info["dims"])
        assert raw[name].attrs == {"units": info["units"], "long_name": info["long_name"]}
    assert simulator.card()["equation"] == simulator.equation
    assert set(simulator.input_units()) == set(simulator.input_names()) - {"initial"}
    np.testing.assert_array_equal(raw["history"].isel(time=-1), raw["solution"])
    half = solver(kind, time=0.25, **({} if kind in EXACT else {"steps": 40}))
    assert np.allclose(raw["history"].sel(time=0.25), half.run(inputs(half, 3))["solution"], rtol=0, atol=1e-12)
    lacking = inputs(simulator, 3).drop_vars(simulator.input_names()[-1])
    with pytest.raises(SimulationError, match=f"{kind.__name__} simulator lacks"):
        simulator.run(lacking)


@pytest.mark.parametrize("kind", EVERY)
def test_grids_converge_faster_than_any_power(kind):
    fine = solver(kind, points=256)
    truth = fine.run(inputs(fine, 8))["solution"].values
    errors = []
    for points in (16, 32, 64):
        simulator = solver(kind, points=points)
        found = simulator.run(inputs(simulator, 8))["solution"].values
        errors.append(np.abs(found - truth[:, :: 256 // points]).max())
    if kind in EXACT:  # the modes of the input are all that there is
        assert max(errors) < 1e-13
    else:
        assert errors[0] / errors[1] > 8
        assert errors[1] / errors[2] > 2 * errors[0] / errors[1] or errors[2] < 1e-9


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind not in EXACT])
def test_fourth_order_in_time(kind):
    fine = solver(kind, steps=1280)
    truth = fine.run(inputs(fine, 8))["solution"].values
    errors = []
    for steps in (20, 40, 80, 160):
        simulator = solver(kind, steps=steps)
        errors.append(np.abs(simulator.run(inputs(simulator, 8))["solution"].values - truth).mean())
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize("kind", EVERY)
def test_a_hierarchy_of_grids(kind):
    simulator = solver(kind)
    coarser = simulator.coarser()
    assert [one.points for one in coarser] == [32, 16, 8]
    fine = simulator.refined()
    assert fine.points == 128
    found, refined = simulator.run(inputs(simulator, 2)), simulator.restrict(fine.run(inputs(fine, 2)))
    np.testing.assert_array_equal(refined["x"], found["x"])
    assert float(np.abs(refined["solution"] - found["solution"]).max()) < 1e-4
    assert fine.work() == (2 if kind in EXACT else 4) * simulator.work()


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind is not AllenCahn])
def test_the_mean_is_conserved(kind):
    simulator = solver(kind)
    given = inputs(simulator)
    np.testing.assert_allclose(simulator.run(given)["solution"].mean("x"), given["initial"].mean("x"), rtol=1e-13)


@pytest.mark.parametrize("kind", [Burgers, KortewegDeVries, KuramotoSivashinsky, AllenCahn])
def test_instability_is_a_failed_run_and_harms_no_other(kind):
    simulator = solver(kind)
    given = inputs(simulator, 5).copy(deep=True)
    before = digest(simulator.run(given).isel(run=[0, 1, 2, 4]))
    given["initial"][3] *= 1e4
    raw = simulator.run(given)
    assert np.flatnonzero(raw["failure"] != "").tolist() == [3]
    assert "unstable" in str(raw["failure"].values[3])
    assert digest(raw.isel(run=[0, 1, 2, 4])) == before


def shifted(simulator, given, by):
    """The initial state at x - by (run,), by its modes."""
    k = 2 * np.pi / EXTENT * np.arange(simulator.points // 2 + 1)
    modes = np.fft.rfft(given["initial"].values) * np.exp(-1j * k * by[:, None])
    return np.fft.irfft(modes, n=simulator.points)


def test_advection_shifts():
    simulator = solver(Advection)
    given = inputs(simulator)
    moved = shifted(simulator, given, 0.5 * given["speed"].values)
    raw = simulator.run(given)
    np.testing.assert_allclose(raw["solution"], moved, rtol=0, atol=1e-14)
    np.testing.assert_allclose(raw["energy"], 0.5 * (given["initial"] ** 2).mean("x"), rtol=1e-13)


def test_waves_go_both_ways():
    simulator = solver(Wave)
    given = inputs(simulator)
    way = 0.5 * given["speed"].values
    both = 0.5 * (shifted(simulator, given, way) + shifted(simulator, given, -way))
    np.testing.assert_allclose(simulator.run(given)["solution"], both, rtol=0, atol=1e-14)


def test_diffusion_of_a_narrow_bell():
    # A Gaussian of variance s^2 becomes one of s^2 + 2 D t; its images lie 20 deviations off.
    simulator = solver(Diffusion, points=256)
    x, start, rate = simulator.grids()["initial"]["x"] - 1.0, 0.05, np.array([1e-4, 1e-3])
    given = xr.Dataset(
        {"initial": (("run", "x"), np.tile(np.exp(-0.5 * (x / start) ** 2), (2, 1))), "diffusivity": ("run", rate)}
    )
    later = start**2 + 2 * rate[:, None] * 0.5
    truth = start / np.sqrt(later) * np.exp(-0.5 * x**2 / later)
    np.testing.assert_allclose(simulator.run(given)["solution"], truth, rtol=0, atol=1e-12)
