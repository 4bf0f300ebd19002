"""The Burgers simulator against Cole and Hopf's solution."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import cole_hopf
from surecast.simulate.burgers import Burgers
from surecast.study.errors import SimulationError

RUNS, WAVES = 40, 6


def modes():
    rng = np.random.default_rng(4)
    found = rng.standard_normal((RUNS, WAVES + 1)) + 1j * rng.standard_normal((RUNS, WAVES + 1))
    found *= 0.3 * np.exp(-0.5 * (np.arange(WAVES + 1) / 2) ** 2)
    found[:, 0] = found[:, 0].real
    return found


def inputs(points, runs=RUNS):
    x = np.arange(points) / points
    waves = np.exp(2j * np.pi * np.outer(np.arange(WAVES + 1), x))
    initial = np.einsum("bk,kx->bx", modes(), waves, optimize=False).real
    viscosity = np.geomspace(0.01, 0.05, RUNS)
    whole = xr.Dataset({"initial": (("run", "x"), initial), "viscosity": ("run", viscosity)})
    return whole.isel(run=slice(0, runs))


def errors(simulator, runs=8):
    given = inputs(simulator.points, runs)
    found = simulator.run(given)["solution"].values
    exact = np.array(
        [
            cole_hopf.solution(mode, nu, simulator.time, simulator.points)
            for mode, nu in zip(modes()[:runs], given["viscosity"].values, strict=True)
        ]
    )
    return np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.fixture(scope="module")
def raw():
    return Burgers(points=64, steps=40).run(inputs(64))


def test_agrees_with_cole_hopf():
    found = errors(Burgers(points=256, steps=100), RUNS)
    assert found.max() < 5e-6
    assert np.median(found) < 2e-7


def test_fourth_order_in_time():
    steps = np.array([50, 100, 200, 400])
    found = [errors(Burgers(points=256, steps=int(count))).mean() for count in steps]
    orders = -np.diff(np.log2(found))
    assert -np.polyfit(np.log2(steps), np.log2(found), 1)[0] == pytest.approx(4.0, abs=0.2)
    assert orders[-1] == pytest.approx(4.0, abs=0.2)


def test_spectral_in_space():
    found = [errors(Burgers(points=points, steps=200)).max() for points in (16, 32, 64)]
    first, second = found[0] / found[1], found[1] / found[2]
    assert first > 4
    assert second > 10 * first  # faster than any power: halving the spacing gains more and more


def test_no_aliasing_of_the_quadratic_term():
    # The highest kept modes i and j have i + j - points outside the kept range.
    for points in (8, 30, 64, 256):
        highest = len(Burgers(points=points, steps=1).wave_numbers()) - 1
        assert 2 * highest - points < -highest
        assert 2 * (highest + 1) - points >= -(highest + 1)


def test_the_mean_is_conserved(raw):
    np.testing.assert_allclose(raw["solution"].mean("x"), inputs(64)["initial"].mean("x"), rtol=0, atol=1e-15)


def test_scalars(raw):
    fine = inputs(64)
    assert (raw["energy"] < 0.5 * (fine["initial"] ** 2).mean("x")).all()
    np.testing.assert_allclose(raw["energy"], 0.5 * (raw["solution"] ** 2).mean("x"), rtol=1e-12)
    sine = xr.Dataset(
        {"initial": (("run", "x"), 0.1 * np.sin(2 * np.pi * np.arange(64) / 64)[None]), "viscosity": ("run", [0.5])}
    )
    tiny = Burgers(points=64, time=1e-9, steps=1).run(sine)
    assert float(tiny["steepest"][0]) == pytest.approx(0.2 * np.pi, rel=1e-6)


@pytest.mark.parametrize("batch", [1, 16])
def test_bits_do_not_depend_on_the_batch(raw, batch):
    simulator, given = Burgers(points=64, steps=40), inputs(64)
    pieces = [simulator.run(given.isel(run=slice(start, start + batch))) for start in range(0, RUNS, batch)]
    assert digest(xr.concat(pieces, "run", data_vars="all")) == digest(raw)


def test_bits_do_not_depend_on_the_order(raw):
    order = np.random.default_rng(5).permutation(RUNS)
    permuted = Burgers(points=64, steps=40).run(inputs(64).isel(run=order))
    assert digest(permuted) == digest(raw.isel(run=order))


def test_instability_is_a_failed_run_and_harms_no_other(raw):
    given = inputs(64).copy(deep=True)
    given["initial"][3] *= 1e4
    found = Burgers(points=64, steps=40).run(given)
    assert np.flatnonzero(found["failure"] != "").tolist() == [3]
    assert "unstable" in str(found["failure"].values[3])
    others = [run for run in range(RUNS) if run != 3]
    assert digest(found.isel(run=others)) == digest(raw.isel(run=others))


def test_frames():
    kept = Burgers(points=64, steps=40, frames=4).run(inputs(64, 3))
    np.testing.assert_allclose(kept["time"], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_array_equal(kept["history"].isel(time=-1), kept["solution"])
    half = Burgers(points=64, steps=20, time=0.5).run(inputs(64, 3))
    np.testing.assert_allclose(kept["history"].sel(time=0.5), half["solution"], rtol=0, atol=1e-14)
    with pytest.raises(ValueError, match="no multiple"):
        Burgers(points=64, steps=40, frames=3)


def test_refined_and_coarser():
    simulator = Burgers(points=64, steps=40)
    fine = simulator.restrict(simulator.refined().run(inputs(128, 4)))
    np.testing.assert_array_equal(fine["x"], np.arange(64) / 64)
    assert float(abs(fine["solution"] - simulator.run(inputs(64, 4))["solution"]).max()) < 0.05
    assert [(one.points, one.steps) for one in simulator.coarser()] == [(32, 20), (16, 10), (8, 5)]


def test_variables_are_what_is_returned(raw):
    stated = Burgers(points=64, steps=40).variables()
    assert set(stated) == set(raw.data_vars) - {"failure"}
    assert all(raw[name].dims == ("run", *info["dims"]) for name, info in stated.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.drop_vars("viscosity"), "lacks its input 'viscosity'"),
        (lambda given: given.isel(x=slice(0, 8)), "initial has dimensions"),
        (lambda given: given.isel(run=slice(0, 0)), "no runs"),
    ],
)
def test_refused_inputs(change, message):
    with pytest.raises(SimulationError, match=message):
        Burgers(points=64, steps=40).run(change(inputs(64, 2)))
