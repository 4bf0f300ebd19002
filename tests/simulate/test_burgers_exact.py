"""Burgers' equation by Cole and Hopf's transformation: against its reference, against time steps, and where it ends."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import cole_hopf
from surecast.simulate.burgers import Burgers
from surecast.simulate.burgers_exact import BurgersExact
from surecast.simulate.checks import check_simulator

RUNS, WAVES = 37, 6


def modes():
    rng = np.random.default_rng(4)
    found = rng.standard_normal((RUNS, WAVES + 1)) + 1j * rng.standard_normal((RUNS, WAVES + 1))
    found *= 0.3 * np.exp(-0.5 * (np.arange(WAVES + 1) / 2) ** 2)
    found[:, 0] = found[:, 0].real
    return found


def inputs(points, runs=RUNS):
    waves = np.exp(2j * np.pi * np.outer(np.arange(WAVES + 1), np.arange(points) / points))
    initial = np.einsum("bk,kx->bx", modes(), waves, optimize=False).real
    viscosity = np.geomspace(0.01, 0.05, RUNS)
    return xr.Dataset({"initial": (("run", "x"), initial), "viscosity": ("run", viscosity)}).isel(run=slice(0, runs))


def sine(height, points=64, viscosity=0.01):
    initial = np.multiply.outer(height, np.sin(2 * np.pi * np.arange(points) / points))
    return xr.Dataset(
        {
            "initial": (("run", "x"), initial),
            "viscosity": ("run", np.broadcast_to(viscosity, len(height)).astype(float)),
        }
    )


@pytest.mark.parametrize("points", [16, 96, 256])
def test_agrees_with_the_reference_whatever_the_points(points):
    raw = BurgersExact(points=points, frames=2).run(inputs(points, 5))
    assert (raw["failure"] == "").all()
    for run in range(5):
        for frame, time in enumerate(raw["time"].values):
            exact = cole_hopf.solution(modes()[run], float(inputs(16)["viscosity"][run]), float(time), points, 4608)
            np.testing.assert_allclose(raw["history"][run, frame], exact, rtol=0, atol=1e-12)


def test_agrees_with_time_steps_on_another_interval():
    # u (x / l, t / l) of the viscosity l nu, with a mean that carries it.
    given = inputs(256, 8)
    given["viscosity"] = 2.0 * given["viscosity"]
    exact = BurgersExact(extent=2.0, time=0.6).run(given)
    stepped = Burgers(extent=2.0, time=0.6, steps=600).run(given)
    for name in ("solution", "energy", "steepest"):
        np.testing.assert_allclose(exact[name], stepped[name], rtol=0, atol=3e-8 * float(np.abs(stepped[name]).max()))


def test_what_every_simulator_promises():
    check_simulator(BurgersExact(points=32, frames=3), inputs(32, 3))
    given = inputs(64)
    whole, order = BurgersExact(points=64).run(given), np.random.default_rng(5).permutation(RUNS)
    mixed = BurgersExact(points=64).run(given.isel(run=order))
    assert mixed["solution"].values.tobytes() == whole["solution"].values[order].tobytes()
    np.testing.assert_allclose(whole["solution"].mean("x"), given["initial"].mean("x"), rtol=0, atol=1e-13)


def test_a_hierarchy_of_grids_without_steps():
    simulator = BurgersExact(points=64)
    assert [one.resolution() for one in simulator.coarser()] == [{"points": 32}, {"points": 16}, {"points": 8}]
    fine = simulator.restrict(simulator.refined().run(inputs(128, 3)))
    np.testing.assert_allclose(fine["solution"], simulator.run(inputs(64, 3))["solution"], rtol=0, atol=1e-13)
    assert "transformation" in simulator.card()["solver"]


def test_runs_that_rounding_would_spoil_fail_and_no_others():
    raw = BurgersExact(points=64, time=0.02).run(sine(np.array([0.5, 1.0, 2.0, 6.0, 100.0])))
    lost = "the viscosity is too small for the transformation: rounding leaves fewer than eight digits of u; take the"
    assert raw["failure"].values.tolist() == ["", "", *[f"{lost} kind burgers"] * 3]
    exact = Burgers(points=256, steps=400, time=0.02).run(sine(np.array([0.5, 1.0, 2.0]), 256))
    error = np.abs(exact["solution"].values[:, ::4] - raw["solution"].values[:3]).max(axis=1)
    assert (error < 2 * raw["rounding"].values[:3] + 1e-11).all()  # the stated error bounds the true one


def test_other_failed_runs():
    raw = BurgersExact(points=64).run(sine(np.ones(3), viscosity=[0.0, 0.02, -0.1]))
    assert raw["failure"].values.tolist() == ["viscosity is not above 0", "", "viscosity is not above 0"]
    narrow = sine(np.array([25.0]), 256)
    narrow["initial"] = (("run", "x"), 25.0 * np.cos(2 * np.pi * 100 * np.arange(256) / 256)[None])
    message = BurgersExact(points=256).run(narrow)["failure"].values[0]
    assert message == "the transformed initial state is not resolved; take more points"
