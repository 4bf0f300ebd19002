"""Advection and diffusion on a square: exact solutions, balances of mass and variance, orders, and what is refused."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy.linalg import expm

from surecast.simulate.advection_diffusion import AdvectionDiffusion
from surecast.simulate.checks import check_simulator
from surecast.study.errors import SimulationError

RUNS = 3


def small(**settings):
    return AdvectionDiffusion(**{"points": 32, "extent": 2.0, "time": 0.5, "steps": 20} | settings)


def grid(points=32, extent=2.0):
    axis = extent * np.arange(points) / points
    return axis, axis[:, None]


def blobs(points=32, runs=RUNS):
    """Smooth fields of few waves, their means not zero."""
    x, y = (np.pi * axis for axis in grid(points))
    phase = np.arange(runs)[:, None, None]
    return 1 + np.sin(x + phase) * np.cos(y) + 0.4 * np.cos(2 * x - y + phase)


def stream(points=32, runs=RUNS):
    x, y = (np.pi * axis for axis in grid(points))
    phase = np.arange(runs)[:, None, None]
    return 0.1 * (np.sin(x - phase) + np.cos(y + 2 * phase) + np.sin(x + y))


def given(initial, **more):
    data = {"initial": (("run", "y", "x"), initial)}
    for name, value in more.items():
        field = np.ndim(value) == 3
        dims = ("run", "y", "x") if field else ("run",)
        data[name] = (dims, value if field else np.broadcast_to(value, len(initial)).astype(float))
    return xr.Dataset(data)


def inputs(simulator, runs=RUNS):
    values = {
        "diffusivity": np.linspace(0.01, 0.03, runs), "strength": np.linspace(0.3, 0.6, runs),
        "velocity_x": np.linspace(-0.4, 0.5, runs), "velocity_y": 0.2,
        "stream_function": stream(simulator.points, runs), "source": 0.5 * stream(simulator.points, runs),
    }  # fmt: skip
    names = [name for name in simulator.input_names() if name != "initial"]
    return given(blobs(simulator.points, runs), **{name: values[name] for name in names})


def derivative(field, order_y, order_x, extent=2.0):
    k = 2j * np.pi / extent * np.fft.fftfreq(field.shape[-1], 1 / field.shape[-1])
    return np.fft.ifft2(k[:, None] ** order_y * k**order_x * np.fft.fft2(field)).real


def test_a_bell_is_carried_and_widens():
    # Of variance s^2 + 2 D t about the place where the wind has brought it; exact in one step, as in many.
    simulator = AdvectionDiffusion(points=96, extent=1.0, time=0.8, steps=1, velocity_x=None, velocity_y=-0.7, frames=1)
    x, y = grid(96, 1.0)
    diffusivity, wind, start = np.array([1e-4, 5e-4]), np.array([0.9, -2.3]), 0.05
    bell = np.exp(-0.5 * ((x - 0.5) ** 2 + (y - 0.5) ** 2) / start**2)
    raw = simulator.run(given(np.array([bell, bell]), diffusivity=diffusivity, velocity_x=wind))
    for run, (rate, speed) in enumerate(zip(diffusivity, wind, strict=True)):
        width = start**2 + 2 * rate * 0.8
        away = (
            (x - 0.5 - speed * 0.8 + 0.5) % 1 - 0.5,
            (y - 0.5 + 0.7 * 0.8 + 0.5) % 1 - 0.5,
        )
        truth = start**2 / width * np.exp(-0.5 * (away[0] ** 2 + away[1] ** 2) / width)
        np.testing.assert_allclose(raw["concentration"][run], truth, rtol=0, atol=1e-11)
    np.testing.assert_allclose(raw["mean"], bell.mean(), rtol=1e-13)
    np.testing.assert_allclose(raw["variance"], raw["concentration"].var(["y", "x"]), rtol=1e-12)


def test_a_wave_in_a_shear_flow_by_a_matrix():
    # u = Re e^(i q x) g(y): the modes of g couple to their neighbours alone, and a matrix exponential solves for them.
    simulator = small(stream_function="shear", diffusivity=0.02, steps=80)
    x, y = grid()
    q, k, strength, count = np.pi, np.pi, 0.8, 41
    m = np.arange(count) - count // 2
    shift = np.diag(np.ones(count - 1), -1)  # e^(i k y) raises a mode by one
    generator = -0.02 * np.diag(q**2 + (k * m) ** 2) - 1j * q * strength * (shift - shift.T) / 2j
    g = expm(0.5 * generator)[:, count // 2]
    truth = (np.exp(1j * q * x) * np.tensordot(g, np.exp(1j * k * np.multiply.outer(m, y)), 1)).real
    raw = simulator.run(given(np.cos(q * x + 0 * y)[None], strength=strength))
    np.testing.assert_allclose(raw["concentration"][0], truth, rtol=0, atol=1e-8)


def test_states_that_sources_hold():
    # u = any field: b . grad u - D lap u as source, with b = (psi_y, -psi_x) and the wind beside it.
    simulator = small(stream_function="field", with_source=True, velocity_x=0.3, velocity_y=-0.2, steps=40)
    u, psi, rate = blobs(), stream(), np.array([0.0, 0.01, 0.03])
    b_x, b_y = 0.3 + derivative(psi, 1, 0), -0.2 - derivative(psi, 0, 1)
    held = b_x * derivative(u, 0, 1) + b_y * derivative(u, 1, 0)
    held -= rate[:, None, None] * (derivative(u, 2, 0) + derivative(u, 0, 2))
    raw = simulator.run(given(u, diffusivity=rate, stream_function=psi, source=held))
    np.testing.assert_allclose(raw["concentration"], u, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["shear", "cellular"])
def test_stated_flows_are_those_of_their_stream_functions(kind):
    x, y = grid()
    k = 2 * np.pi * 2 / 2.0
    psi = np.array([-np.cos(k * y + 0 * x), np.sin(k * x) * np.sin(k * y)][kind == "cellular"] * 0.7 / k)
    velocity = np.hypot(derivative(psi, 1, 0), derivative(psi, 0, 1))
    assert velocity.max() == pytest.approx(0.7)
    stated = small(stream_function=kind, waves=2, strength=0.7, diffusivity=0.01).run(given(blobs()))
    field = small(stream_function="field", diffusivity=0.01).run(
        given(blobs(), stream_function=np.broadcast_to(psi, (RUNS, 32, 32)))
    )
    np.testing.assert_allclose(stated["concentration"], field["concentration"], rtol=0, atol=1e-13)
    # What is a function of psi alone is carried along its own lines.
    stays = small(stream_function=kind, waves=2, strength=0.7, diffusivity=0.0).run(given(psi[None] ** 2))
    np.testing.assert_allclose(stays["concentration"][0], psi**2, rtol=0, atol=1e-14)


def test_mass_is_conserved_and_variance_decays_by_diffusion_alone():
    cells = {"stream_function": "cellular", "strength": 0.5, "velocity_x": 0.4}
    raw = small(**cells, frames=20).run(given(blobs(), diffusivity=[0.0, 0.01, 0.02]))
    np.testing.assert_allclose(raw["history"].mean(["y", "x"]), np.ones((RUNS, 20)), rtol=1e-13)
    assert (np.diff(raw["history"].var(["y", "x"])[1:], axis=1) < 0).all()
    kept = small(**cells, steps=80).run(given(blobs(), diffusivity=0.0))
    np.testing.assert_allclose(kept["variance"], blobs().var(axis=(1, 2)), rtol=1e-6)
    step, rate = 1e-4, 0.02
    early, middle, late = (
        small(**cells, time=time, steps=50).run(given(blobs(), diffusivity=rate))
        for time in (0.25 - step, 0.25, 0.25 + step)
    )
    u = middle["concentration"].values
    slopes = (derivative(u, 0, 1) ** 2 + derivative(u, 1, 0) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose((late["variance"] - early["variance"]) / (2 * step), -2 * rate * slopes, rtol=1e-6)


def test_a_source_adds_what_it_holds():
    source = 0.3 + stream()
    raw = small(with_source=True, velocity_x=0.4, steps=5).run(given(blobs(), diffusivity=0.05, source=source))
    np.testing.assert_allclose(raw["mean"], 1.0 + 0.5 * 0.3, rtol=1e-13)
    # Its wave sin(x + y), k = pi (1, 1), from nothing: s (1 - e^(-z t)) / z with z = D |k|^2 + i k . velocity.
    x, y = grid()
    wave = np.sin(np.pi * (x + y))
    raw = small(with_source=True, velocity_x=0.4).run(given(0 * wave[None], diffusivity=0.05, source=wave[None]))
    z = 0.05 * 2 * np.pi**2 + 1j * np.pi * 0.4
    truth = (np.exp(1j * np.pi * (x + y)) * -np.expm1(-0.5 * z) / z).imag
    np.testing.assert_allclose(raw["concentration"][0], truth, rtol=0, atol=1e-13)


def test_fourth_order_in_time():
    def found(steps):
        simulator = small(stream_function="field", velocity_x=0.3, with_source=True, steps=steps)
        return simulator.run(inputs(simulator))["concentration"].values

    truth = found(160)
    errors = [np.abs(found(steps) - truth).mean() for steps in (5, 10, 20)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4.0, abs=0.2)


def test_grids_converge_faster_than_any_power():
    def found(points):
        simulator = small(stream_function="field", points=points, time=1.0)
        return simulator.run(inputs(simulator, 2))["concentration"].values

    truth = found(96)
    errors = [np.abs(found(points) - truth[:, :: 96 // points, :: 96 // points]).max() for points in (12, 24, 48)]
    assert errors[0] / errors[1] > 8
    assert errors[1] / errors[2] > 2 * errors[0] / errors[1]


def test_what_every_simulator_promises():
    for settings in (
        {"velocity_x": None, "velocity_y": None},
        {"stream_function": "field", "with_source": True, "frames": 2},
        {"stream_function": "cellular", "precision": "single"},
    ):
        simulator = small(**settings)
        check_simulator(simulator, inputs(simulator))
    kept = small(stream_function="shear", frames=2)
    raw, half = kept.run(inputs(kept)), small(stream_function="shear", time=0.25, steps=10)
    np.testing.assert_array_equal(raw["history"].isel(time=-1), raw["concentration"])
    np.testing.assert_allclose(raw["history"].isel(time=0), half.run(inputs(half))["concentration"], atol=1e-13)


def test_single_precision():
    double, single = small(stream_function="cellular"), small(stream_function="cellular", precision="single")
    found = single.run(inputs(single))["concentration"]
    assert 0 < np.abs(found - double.run(inputs(double))["concentration"]).max() < 3e-6


def test_bits_depend_neither_on_the_batch_nor_on_the_order():
    simulator = small(stream_function="field", with_source=True, velocity_y=None)
    data = inputs(simulator, 11)
    whole, order = simulator.run(data), np.random.default_rng(2).permutation(11)
    mixed = simulator.run(data.isel(run=order))
    for name in ("concentration", "variance"):
        assert mixed[name].values.tobytes() == whole[name].values[order].tobytes()


def test_a_hierarchy_of_grids():
    simulator = small(stream_function="cellular")
    assert [(one.points, one.steps) for one in simulator.coarser()] == [(16, 10), (8, 5)]
    assert [one.points for one in small(stream_function="cellular", waves=3).coarser()] == [16]
    fine = simulator.refined()
    assert fine.work() == 8 * simulator.work()
    found, refined = simulator.run(inputs(simulator)), simulator.restrict(fine.run(inputs(fine)))
    np.testing.assert_array_equal(refined["x"], found["x"])
    assert float(np.abs(refined["concentration"] - found["concentration"]).max()) < 1e-3


def test_card_and_inputs():
    simulator = small(stream_function="shear", waves=2, velocity_x=0.3)
    assert simulator.input_names() == ("initial", "diffusivity", "strength")
    assert simulator.input_units() == {"diffusivity": "m2/s", "strength": "m/s"}
    assert simulator.card()["flow"] == "psi = -strength cos(k y) / k, k = 2 pi 2 / extent"
    assert simulator.card()["parameters"] == {"velocity_x": "0.3 m/s", "velocity_y": "0 m/s"}
    assert set(small(stream_function="field", with_source=True).grids()) == {"initial", "stream_function", "source"}


def test_failed_runs():
    simulator = small(stream_function="field")
    wild = inputs(simulator, 5)
    before = simulator.run(wild)["concentration"].values
    wild["stream_function"].values[3] *= 1e4
    wild["diffusivity"].values[1] = -1e-3
    raw = simulator.run(wild)
    assert np.flatnonzero(raw["failure"] != "").tolist() == [1, 3]
    assert raw["failure"].values[1] == "diffusivity is negative"
    assert "unstable" in raw["failure"].values[3]
    np.testing.assert_array_equal(raw["concentration"].values[[0, 2, 4]], before[[0, 2, 4]])


def test_what_is_refused():
    data = inputs(small(stream_function="field"))
    with pytest.raises(SimulationError, match="AdvectionDiffusion simulator lacks its input 'source'"):
        small(stream_function="field", with_source=True).run(data)
    with pytest.raises(SimulationError, match=r"stream_function has dimensions.*not run, y: 32, x: 32"):
        small(stream_function="field").run(data.assign(stream_function=data["diffusivity"]))
    for settings, message in (
        ({"strength": 1.0}, "that of shear or cells"),
        ({"stream_function": "field", "waves": 2}, "that of shear or cells"),
        ({"stream_function": "shear", "waves": 11}, "holds 10 waves at most"),
        ({"diffusivity": -1.0}, "greater than or equal to 0"),
        ({"frames": 3}, "no multiple of frames"),
    ):
        with pytest.raises(ValidationError, match=message):
            small(**settings)
