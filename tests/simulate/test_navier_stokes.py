"""Two-dimensional flow: exact solutions, balances, symmetries, orders, and the sign of the vorticity."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.navier_stokes import NavierStokes
from surecast.study.errors import SimulationError

RUNS = 11


def waves(points, runs=RUNS, highest=3, extent=1.0, mean=0.0):
    """Random fields of a few waves, standard deviation about 3, the same functions on every grid."""
    rng = np.random.default_rng(3)
    number = np.arange(-highest, highest + 1)
    modes = rng.standard_normal((2, runs, len(number), len(number))) * np.exp(-0.3 * (number**2 + number[:, None] ** 2))
    along = np.exp(2j * np.pi * np.outer(number, np.arange(points) / points))
    return mean + 2 * np.einsum("rkl,ky,lx->ryx", modes[0] + 1j * modes[1], along, along, optimize=False).real


def given(initial, viscosity=5e-3, **scalars):
    viscosity = np.broadcast_to(viscosity, len(initial)).astype(float)
    more = {name: ("run", np.broadcast_to(value, len(initial)).astype(float)) for name, value in scalars.items()}
    return xr.Dataset({"initial": (("run", "y", "x"), initial), "viscosity": ("run", viscosity), **more})


def inputs(points, runs=RUNS):
    return given(waves(points), np.linspace(4e-3, 8e-3, RUNS)).isel(run=slice(runs))


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


def grid(simulator):
    axis = simulator.grids()["initial"]["x"]
    return axis[:, None], axis


def small(**settings):
    return NavierStokes(**{"points": 32, "steps": 20, "time": 0.25} | settings)


def derivative(field, order_y, order_x, extent=1.0):
    k = 2j * np.pi / extent * np.fft.fftfreq(field.shape[-1], 1 / field.shape[-1])
    return np.fft.ifft2(k[:, None] ** order_y * k**order_x * np.fft.fft2(field)).real


def test_taylor_and_green_decay():
    # w = 2 k cos(k x) cos(k y), u = cos(k x) sin(k y), v = -sin(k x) cos(k y) up to sign: the transport vanishes.
    simulator = NavierStokes(points=16, extent=2.0, time=1.5, steps=30, velocity=True, drag=0.1)
    y, x = grid(simulator)
    k, nu = np.pi * np.array([1, 2])[:, None, None], np.array([0.02, 0.05])[:, None, None]
    decay = np.exp(-(2 * nu * k**2 + 0.1) * 1.5)
    raw = simulator.run(given(-2 * k * np.cos(k * x) * np.cos(k * y), nu[:, 0, 0]))
    kept = {"rtol": 0, "atol": 1e-13}
    np.testing.assert_allclose(raw["vorticity"], -2 * k * np.cos(k * x) * np.cos(k * y) * decay, **kept)
    np.testing.assert_allclose(raw["velocity_x"], np.cos(k * x) * np.sin(k * y) * decay, **kept)
    np.testing.assert_allclose(raw["velocity_y"], -np.sin(k * x) * np.cos(k * y) * decay, **kept)
    np.testing.assert_allclose(raw["energy"], 0.25 * decay[:, 0, 0] ** 2, rtol=1e-12)
    np.testing.assert_allclose(raw["enstrophy"], 0.5 * (k * decay)[:, 0, 0] ** 2, rtol=1e-12)


def test_the_vorticity_is_v_x_less_u_y():
    simulator = small(velocity=True)
    raw = simulator.run(inputs(32))
    u, v, w = (raw[name].values for name in ("velocity_x", "velocity_y", "vorticity"))
    np.testing.assert_allclose(derivative(v, 0, 1) - derivative(u, 1, 0), w, rtol=0, atol=1e-11)
    np.testing.assert_allclose(derivative(u, 0, 1) + derivative(v, 1, 0), 0, atol=1e-11)
    np.testing.assert_allclose(0.5 * (u**2 + v**2).mean(axis=(1, 2)), raw["energy"], rtol=1e-12)
    np.testing.assert_allclose(0.5 * (w**2).mean(axis=(1, 2)), raw["enstrophy"], rtol=1e-12)
    # An eddy of positive vorticity turns anticlockwise: to its right the flow goes up, above it to the left.
    y, x = grid(simulator)
    eddy = np.exp(-0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) / 0.06**2)
    raw = small(velocity=True, time=1e-6, steps=1).run(given(eddy[None]))
    assert float(raw["velocity_y"].sel(x=0.625, y=0.5)[0]) > 0
    assert float(raw["velocity_x"].sel(x=0.5, y=0.625)[0]) < 0


def test_a_pair_of_eddies_is_carried_by_its_own_flow():
    # The transport term itself: its first step against u w_x + v w_y by derivatives on a grid that resolves products.
    simulator = small(points=64, velocity=True, time=1e-5, steps=1)
    before = small(points=64, velocity=True, time=1e-12, steps=1).run(given(waves(64), 1e-9))
    after = simulator.run(given(waves(64), 1e-9))
    u, v, w = (before[name].values for name in ("velocity_x", "velocity_y", "vorticity"))
    rate = -(u * derivative(w, 0, 1) + v * derivative(w, 1, 0))
    found = (after["vorticity"].values - w) / 1e-5
    assert np.abs(found - rate).max() < 1e-3 * np.abs(rate).max()


def test_energy_and_enstrophy_are_conserved_without_viscosity():
    drifts = []
    for steps in (40, 80):
        raw = small(steps=steps).run(given(waves(32, 8), 0.0))
        start = small(steps=1, time=1e-12).run(given(waves(32, 8), 0.0))
        drifts.append(max(float(np.abs(raw[name] / start[name] - 1).max()) for name in ("energy", "enstrophy")))
    assert drifts[1] < 1e-6
    assert drifts[0] > 12 * drifts[1]  # order 4 at least


def test_energy_changes_by_what_forces_viscosity_and_drag_do():
    # dE/dt = mean(u f_x) - 2 nu Z - 2 d E and dZ/dt = -nu mean |grad w|^2 - 2 d Z + mean(w f)
    settings = {"drag": 0.3, "forcing_wave": 2, "velocity": True, "points": 48}
    field, step = waves(48, 4), 1e-4
    middle, late, early = (
        NavierStokes(**settings, time=time, steps=steps).run(given(field, 5e-3, forcing=0.7))
        for time, steps in ((0.1, 50), (0.1 + step, 50), (0.1 - step, 50))
    )
    y = grid(NavierStokes(**settings))[0]
    u, w, nu, k = middle["velocity_x"].values, middle["vorticity"].values, 5e-3, 4 * np.pi
    energy, enstrophy = middle["energy"].values, middle["enstrophy"].values
    supplied = (u * 0.7 * np.sin(k * y)).mean(axis=(1, 2))
    expected = supplied - 2 * nu * enstrophy - 0.6 * energy
    np.testing.assert_allclose((late["energy"] - early["energy"]) / (2 * step), expected, rtol=1e-5)
    slopes = (derivative(w, 0, 1) ** 2 + derivative(w, 1, 0) ** 2).mean(axis=(1, 2))
    expected = -nu * slopes - 0.6 * enstrophy - (w * 0.7 * k * np.cos(k * y)).mean(axis=(1, 2))
    np.testing.assert_allclose((late["enstrophy"] - early["enstrophy"]) / (2 * step), expected, rtol=1e-5)


def test_kolmogorovs_laminar_flow_stays_and_is_reached():
    simulator = small(extent=2 * np.pi, forcing_wave=3, drag=0.2, time=20.0, steps=200)
    y = grid(simulator)[0] + np.zeros((1, 32))
    nu, amplitude = np.array([0.5, 1.0]), np.array([1.0, -2.0])
    laminar = -(amplitude * 3 / (nu * 9 + 0.2))[:, None, None] * np.cos(3 * y)
    stays = simulator.run(given(laminar, nu, forcing=amplitude))
    np.testing.assert_allclose(stays["vorticity"], laminar, rtol=0, atol=1e-13)
    reached = simulator.run(given(0.1 * waves(32, 2), nu, forcing=amplitude))
    np.testing.assert_allclose(reached["vorticity"], laminar, rtol=0, atol=2e-4)


def test_fourth_order_in_time():
    truth = small(steps=400).run(inputs(32, 8))["vorticity"].values
    errors = [np.abs(small(steps=n).run(inputs(32, 8))["vorticity"].values - truth).mean() for n in (20, 40, 80)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.3)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4.0, abs=0.2)


def test_grids_converge_faster_than_any_power():
    truth = small(points=128, steps=80).run(inputs(128, 2))["vorticity"].values
    errors = []
    for points in (16, 32, 64):
        found = small(points=points, steps=80).run(inputs(points, 2))["vorticity"].values
        errors.append(np.abs(found - truth[:, :: 128 // points, :: 128 // points]).max())
    assert errors[0] / errors[1] > 8
    assert errors[1] / errors[2] > 2 * errors[0] / errors[1]


def test_single_precision():
    double, single = (small(precision=name, frames=2).run(inputs(32)) for name in ("double", "single"))
    for name in ("vorticity", "history", "energy", "enstrophy"):
        assert single[name].dtype == np.float64
        assert 0 < np.abs(single[name] - double[name]).max() < 3e-6 * np.abs(double[name]).max()


def test_symmetries():
    # Shifted by grid points, turned by a quarter, mirrored with the other sign: so is the flow.
    field = waves(32, 3)
    symmetries = [
        lambda w: np.roll(w, (5, -9), axis=(1, 2)),
        lambda w: np.roll(np.rot90(w, axes=(1, 2)), 1, axis=1),
        lambda w: -np.roll(w[:, :, ::-1], 1, axis=2),
    ]
    plain = small().run(given(field))["vorticity"].values
    for move in symmetries:
        moved = small().run(given(move(field)))["vorticity"].values
        np.testing.assert_allclose(moved, move(plain), rtol=0, atol=1e-11)


def test_scaling():
    # w -> a w, nu -> a nu, t -> t / a, and a larger square with nu -> b^2 nu.
    plain = small().run(given(waves(32, 3), 2e-3))
    faster = small(time=0.125).run(given(2 * waves(32, 3), 4e-3))
    np.testing.assert_allclose(faster["vorticity"], 2 * plain["vorticity"], rtol=0, atol=1e-11)
    larger = small(extent=3.0).run(given(waves(32, 3), 9 * 2e-3))
    np.testing.assert_allclose(larger["vorticity"], plain["vorticity"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(larger["energy"], 9 * plain["energy"], rtol=1e-12)


def test_the_mean_is_left_out_and_stays_zero():
    raw = small().run(given(waves(32, mean=2.5)))
    assert np.abs(raw["vorticity"].mean(["y", "x"])).max() < 1e-13
    without = small().run(given(waves(32)))
    np.testing.assert_allclose(raw["vorticity"], without["vorticity"], rtol=0, atol=1e-11)


def test_no_aliasing_of_products():
    for points in (8, 32, 64, 90):
        highest = small(points=points)._highest()
        assert 2 * highest - points < -highest
    # Modes above the highest are left out from the start.
    y, x = grid(small())
    raw = small().run(given(np.cos(2 * np.pi * 11 * x) * np.ones_like(y)[None] + waves(32)))
    np.testing.assert_allclose(raw["vorticity"], small().run(given(waves(32)))["vorticity"], rtol=0, atol=1e-11)


def test_what_every_simulator_promises():
    check_simulator(small(), inputs(32, 3))
    check_simulator(small(precision="single"), inputs(32, 3))
    check_simulator(small(forcing_wave=2, velocity=True, frames=2), inputs(32, 3).assign(forcing=("run", [0.5] * 3)))


def test_bits_depend_neither_on_the_batch_nor_on_the_order():
    whole = small().run(inputs(32))
    pieces = [small().run(inputs(32).isel(run=slice(start, start + 3))) for start in range(0, RUNS, 3)]
    assert digest(xr.concat(pieces, "run", data_vars="all")) == digest(whole)
    order = np.random.default_rng(5).permutation(RUNS)
    assert digest(small().run(inputs(32).isel(run=order))) == digest(whole.isel(run=order))


def test_frames():
    kept = small(frames=2).run(inputs(32, 2))
    np.testing.assert_allclose(kept["time"], [0.125, 0.25])
    np.testing.assert_array_equal(kept["history"].isel(time=-1), kept["vorticity"])
    half = small(time=0.125, steps=10).run(inputs(32, 2))
    np.testing.assert_allclose(kept["history"].isel(time=0), half["vorticity"], rtol=0, atol=1e-12)


def test_a_hierarchy_of_grids():
    simulator = small(points=64, steps=40)
    assert [(one.points, one.steps) for one in simulator.coarser()] == [(32, 20), (16, 10), (8, 5)]
    assert [one.points for one in small(points=64, steps=40, forcing_wave=4).coarser()] == [32, 16]
    fine = simulator.refined()
    assert fine.work() == 8 * simulator.work()
    found, refined = simulator.run(inputs(64, 2)), simulator.restrict(fine.run(inputs(128, 2)))
    np.testing.assert_array_equal(refined["x"], found["x"])
    np.testing.assert_array_equal(refined["y"], found["y"])
    assert float(np.abs(refined["vorticity"] - found["vorticity"]).max()) < 1e-3


def test_spectral_tail_tells_resolved_runs_from_others():
    smooth = float(small().run(inputs(32, 1))["spectral_tail"][0])
    y, x = grid(small())
    rough = np.cos(2 * np.pi * 10 * y) * np.cos(2 * np.pi * x)
    assert smooth < 1e-6
    assert float(small(time=1e-9, steps=1).run(given(rough[None]))["spectral_tail"][0]) == pytest.approx(1.0)


def test_instability_is_a_failed_run_and_harms_no_other():
    before = small().run(inputs(32, 5))
    wild = inputs(32, 5).copy(deep=True)
    wild["initial"][3] *= 1e3
    raw = small().run(wild)
    assert np.flatnonzero(raw["failure"] != "").tolist() == [3]
    assert "unstable" in str(raw["failure"].values[3])
    assert digest(raw.isel(run=[0, 1, 2, 4])) == digest(before.isel(run=[0, 1, 2, 4]))


def test_card():
    card = small(forcing_wave=4, drag=0.1).card()
    assert "v_x - u_y" in card["sign"]
    assert card["domain"] == "0 <= x < 1, 0 <= y < 1 (m), 0 <= t <= 0.25 (s)"
    assert card["force"] == "f = -forcing k cos(k y), k = 2 pi 4 / extent"
    assert small().card()["force"] == "f = 0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.drop_vars("viscosity"), "NavierStokes simulator lacks its input 'viscosity'"),
        (lambda data: data.isel(x=slice(0, 8)), "initial has dimensions.*not run, y: 32, x: 32"),
        (lambda data: data.isel(run=slice(0, 0)), "no runs"),
    ],
)
def test_refused_inputs(change, message):
    with pytest.raises(SimulationError, match=message):
        small().run(change(inputs(32, 2)))
    with pytest.raises(SimulationError, match="lacks its input 'forcing'"):
        small(forcing_wave=1).run(inputs(32, 2))


def test_refused_settings():
    with pytest.raises(ValidationError, match="holds 10 waves at most"):
        small(forcing_wave=11)
    with pytest.raises(ValidationError, match="no multiple of frames"):
        small(frames=3)
