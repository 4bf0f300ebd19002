"""Darcy flow against manufactured and exact solutions, a direct solver and a refined grid."""

import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.darcy import Darcy
from surecast.simulate.finite_volumes import solve_flow, transmissibilities
from surecast.simulate.poisson import PoissonPreconditioner
from surecast.study.errors import SimulationError
from surecast.study.laws.gaussian_field import GaussianField

TORSION = 0.0351442581  # mean of p where -Laplace p = 1 and p = 0 on the sides of the unit square
LAW = GaussianField(variance=1.0, length=0.15, terms=64)


def fields(cells, runs, seed=0):
    """Random fields, the same functions on every grid."""
    centre = (np.arange(cells) + 0.5) / cells
    return LAW.realise(np.random.default_rng(seed).standard_normal((runs, LAW.terms)), centre, centre)


def given(field, **scalars):
    found = xr.Dataset({"permeability": (("run", "y", "x"), np.asarray(field))})
    return found.assign({name: ("run", np.asarray(values, dtype=float)) for name, values in scalars.items()})


def log_k(x, y):
    return 0.8 * np.sin(2 * np.pi * x + 0.5) * np.cos(np.pi * y) + 0.5 * x - 0.4 * y


def pressure(x, y):
    return 1.3 - x + 0.3 * np.sin(2 * x + 0.3) * np.cos(2.5 * y) + y**2


def supply(x, y):
    """-div(k grad p) = -k (Laplace p + grad log k . grad p)."""
    kx = 1.6 * np.pi * np.cos(2 * np.pi * x + 0.5) * np.cos(np.pi * y) + 0.5
    ky = -0.8 * np.pi * np.sin(2 * np.pi * x + 0.5) * np.sin(np.pi * y) - 0.4
    px = -1 + 0.6 * np.cos(2 * x + 0.3) * np.cos(2.5 * y)
    py = -0.75 * np.sin(2 * x + 0.3) * np.sin(2.5 * y) + 2 * y
    laplace = 2 - (1.2 + 0.3 * 2.5**2) * np.sin(2 * x + 0.3) * np.cos(2.5 * y)
    return -np.exp(log_k(x, y)) * (laplace + kx * px + ky * py)


def manufactured(cells, scaled):
    centre = (np.arange(cells) + 0.5) / cells
    x, y = centre[None, :], centre[:, None]
    flow = solve_flow(
        log_k(x, y)[None],
        pressure(0.0, centre)[None],
        pressure(1.0, centre)[None],
        supply(x, y)[None],
        PoissonPreconditioner(cells, closed=False),
        bottom=pressure(centre, 0.0)[None],
        top=pressure(centre, 1.0)[None],
        scaled=scaled,
        tolerance=1e-11,
    )
    assert flow.converged.all()
    assert flow.mass_balance[0] < 1e-8
    return flow.pressure[0], np.sqrt(np.mean((flow.pressure[0] - pressure(x, y)) ** 2))


def test_a_smooth_medium_is_of_order_two_scaled_or_not():
    errors = []
    for cells in (16, 32, 64):
        scaled, error = manufactured(cells, True)
        plain, _ = manufactured(cells, False)
        np.testing.assert_allclose(scaled, plain, rtol=0, atol=1e-8)
        errors.append(error)
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2.0, atol=0.2)


@pytest.mark.parametrize("turned", [False, True])
def test_layers_between_faces_are_exact(turned):
    """Flow across layers of both phases: the resistances add up, and the pressure is linear in each layer."""
    cells, rng = 16, np.random.default_rng(4)
    k = np.where(rng.random(cells) < 0.5, 12.0, 3.0)
    assert set(k) == {3.0, 12.0}
    logs, sides = np.log(np.tile(k, (1, cells, 1))), np.zeros((1, cells))
    faces = 1 - np.r_[0, np.cumsum(1 / k)] / (1 / k).sum()  # p at the faces, from 1 to 0
    exact = 0.5 * (faces[1:] + faces[:-1])
    if turned:  # the same in y, with p given along the sides x = 0 and x = 1
        flow = solve_flow(
            logs.swapaxes(1, 2),
            exact[None],
            exact[None],
            np.zeros((1, cells, cells)),
            PoissonPreconditioner(cells, closed=False),
            bottom=sides + 1,
            top=sides,
            scaled=False,
            tolerance=1e-13,
        )
        found, through = flow.pressure[0].T, flow.face_y[0].T
    else:
        nothing = np.zeros((1, cells, cells))
        flow = solve_flow(logs, sides + 1, sides, nothing, PoissonPreconditioner(cells), scaled=False, tolerance=1e-13)
        found, through = flow.pressure[0], flow.face_x[0]
    np.testing.assert_allclose(found, np.tile(exact, (cells, 1)), rtol=0, atol=1e-11)
    np.testing.assert_allclose(through * cells, cells / (1 / k).sum(), rtol=1e-10)


def test_agrees_with_a_direct_solver_across_a_thousandfold_jump():
    cells = 16
    field = np.random.default_rng(5).standard_normal((1, cells, cells))
    raw = Darcy(cells=cells, above=1000.0, below=1.0, supply=2.0).run(given(field))
    assert raw["failure"].values.tolist() == [""]
    t_x, t_y = (t[0] for t in transmissibilities(np.where(field > 0, 1000.0, 1.0), closed=False))
    diagonal = (t_x[:, 1:] + t_x[:, :-1] + t_y[1:] + t_y[:-1]).ravel()
    right, up = np.where(np.arange(cells) < cells - 1, t_x[:, 1:], 0.0).ravel()[:-1], t_y[1:-1].ravel()
    matrix = sparse.diags_array([diagonal, -right, -right, -up, -up], offsets=[0, 1, -1, cells, -cells], format="csc")
    exact = scipy.sparse.linalg.spsolve(matrix, np.full(cells**2, 2.0 / cells**2)).reshape(cells, cells)
    np.testing.assert_allclose(raw["pressure"].values[0], exact, rtol=0, atol=1e-8 * exact.max())


@pytest.mark.parametrize(
    ("simulator", "level", "k"),
    [(Darcy(), 0.3, 12.0), (Darcy(), -0.3, 3.0), (Darcy(medium="log_normal"), np.log(0.7), 0.7)],
)
def test_a_uniform_medium_is_of_order_two(simulator, level, k):
    means = []
    for cells in (8, 16, 32):
        raw = simulator.model_copy(update={"cells": cells}).run(given(np.full((1, cells, cells), level)))
        means.append(k * raw["mean"].values[0])
        for side in ("left", "right", "bottom", "top"):
            assert raw[f"outflow_{side}"].values[0] == pytest.approx(0.25, abs=1e-9)
    errors = np.abs(np.array(means) - TORSION)
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.2)


def test_jumps_converge_to_a_refined_grid():
    reference = Darcy(cells=256).run(given(fields(256, 8)))
    errors = []
    for cells in (16, 32, 64):
        simulator = Darcy(cells=cells)
        raw, fine = simulator.run(given(fields(cells, 8))), simulator.restrict(reference)
        xr.testing.assert_equal(fine["x"], raw["x"])
        difference = np.sqrt(((raw["pressure"] - fine["pressure"]) ** 2).sum(("y", "x")))
        errors.append(float((difference / np.sqrt((fine["pressure"] ** 2).sum(("y", "x")))).mean()))
    # 1 if all cells that an interface cuts erred the same way, up to 3/2 if each by chance.
    assert np.log2(errors[0] / errors[-1]) / 2 == pytest.approx(1.25, abs=0.25)
    assert errors[-1] < 0.01


def test_smooth_fields_converge_to_a_refined_grid():
    smooth = GaussianField(variance=1.0, length=0.3, terms=24)
    z = np.random.default_rng(6).standard_normal((2, 24))

    def solved(cells):
        centre = (np.arange(cells) + 0.5) / cells
        return Darcy(cells=cells, medium="log_normal").run(given(smooth.realise(z, centre, centre)))

    reference, errors = solved(128), []
    for cells in (16, 32):
        raw = solved(cells)
        fine = Darcy(cells=cells).restrict(reference)
        errors.append([float(np.abs(raw[name] - fine[name]).max()) for name in ("pressure", "outflow_left")])
    orders = np.log2(np.array(errors[0]) / errors[1])
    np.testing.assert_allclose(orders, np.log2((64 - 1) / (16 - 1)), atol=0.2)  # 2, and the reference has an error too


@pytest.mark.parametrize("medium", ["two_phase", "log_normal"])
def test_water_in_is_water_out(medium):
    raw = Darcy(cells=32, medium=medium, supply=None).run(given(fields(32, 3), supply=[1.0, -2.0, 0.0]))
    assert raw["failure"].values.tolist() == ["", "", ""]
    assert float(raw["mass_balance"].max()) < 1e-9
    leaving = sum(raw[f"outflow_{side}"] for side in ("left", "right", "bottom", "top"))
    np.testing.assert_allclose(leaving, [1.0, -2.0, 0.0], rtol=0, atol=1e-8)
    assert (raw["pressure"].values[0] > 0).all()
    assert (raw["pressure"].values[1] < 0).all()
    assert (raw["pressure"].values[2] == 0).all()


def test_mirrors_turns_and_exchanged_phases():
    field = fields(16, 1, seed=8)
    raw = Darcy(cells=16).run(given(np.concatenate([field, field[:, :, ::-1], field.swapaxes(1, 2), -field])))
    p = raw["pressure"].values
    tolerance = {"rtol": 0, "atol": 1e-8 * p[0].max()}
    np.testing.assert_allclose(p[1], p[0][:, ::-1], **tolerance)
    np.testing.assert_allclose(p[2], p[0].T, **tolerance)
    np.testing.assert_allclose(raw["flux_x"].values[2], raw["flux_y"].values[0].T, rtol=0, atol=1e-7)
    np.testing.assert_allclose(raw["outflow_left"].values[1], raw["outflow_right"].values[0], rtol=1e-7)
    exchanged = Darcy(cells=16, above=3.0, below=12.0).run(given(-field))
    np.testing.assert_array_equal(exchanged["pressure"].values[0], p[0])


def test_what_every_simulator_passes():
    field = fields(8, 7)
    check_simulator(Darcy(cells=8, above=None), given(field, above=[4.0, 6.0, 12.0, 3.0, 30.0, 1.0, 8.0]))
    check_simulator(Darcy(cells=8, medium="log_normal"), given(field))


def test_contrast_is_an_input():
    field, contrasts = np.repeat(fields(16, 1), 3, axis=0), [12.0, 300.0, -1.0]
    simulator = Darcy(cells=16, above=None)
    assert simulator.input_names() == ("permeability", "above")
    assert simulator.input_units() == {"above": "m/day"}
    raw = simulator.run(given(field, above=contrasts))
    assert raw["failure"].values.tolist() == ["", "", "above is not positive"]
    alone = Darcy(cells=16, above=12.0).run(given(field[:1]))
    assert raw["pressure"].values[0].tobytes() == alone["pressure"].values[0].tobytes()
    assert raw["iterations"].values[1] > 2 * raw["iterations"].values[0]


def test_a_run_that_is_at_fault_fails_alone():
    field = fields(16, 3)
    field[1, 2, 3] = np.nan
    raw = Darcy(cells=16).run(given(field))
    assert raw["failure"].values.tolist() == ["", "permeability is not finite", ""]
    alone = Darcy(cells=16).run(given(field[2:]))
    assert raw["pressure"].values[2].tobytes() == alone["pressure"].values[0].tobytes()
    few = Darcy(cells=16, max_iterations=3).run(given(field[:1]))
    assert "stopped at relative residual" in few["failure"].values[0]
    loose = Darcy(cells=16, tolerance=1e-2).run(given(field[:1]))
    assert "set simulator.tolerance below 0.01" in loose["failure"].values[0]


def test_grids_and_card():
    simulator = Darcy(cells=24, below=None)
    assert [one.cells for one in simulator.coarser()] == [12, 6]
    assert simulator.refined().cells == 48
    assert simulator.work() == 24**2
    card = simulator.card()
    assert card["parameters"] == {"above": "12 m/day", "supply": "1 1/day"}
    assert card["boundary_conditions"] == "p = 0 at x = 0, x = 1, y = 0 and y = 1"
    assert Darcy(medium="log_normal").card()["parameters"] == {"supply": "1 1/day"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"above": 0.0}, "above is not positive"),
        ({"medium": "log_normal", "above": None}, "is of no use where medium is log_normal"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValidationError, match=message):
        Darcy(**settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.drop_vars("above"), "lacks its input 'above'. .*give it a number"),
        (lambda given: given.isel(x=slice(0, 8)), "permeability has dimensions .* gaussian_field with dimensions: 2"),
        (lambda given: given.assign(above=given["permeability"]), "above has dimensions .* law of a number"),
        (lambda given: given.isel(run=slice(0, 0)), "no runs"),
    ],
)
def test_refused_inputs(change, message):
    with pytest.raises(SimulationError, match=message):
        Darcy(cells=16, above=None).run(change(given(fields(16, 2), above=[12.0, 6.0])))
