"""Waves in a heterogeneous cavity against the series of the constant medium, and by both solvers."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.helmholtz_medium import HelmholtzMedium
from surecast.simulate.linear.krylov_recycling import KrylovRecycling
from surecast.study.errors import SimulationError

PLACE, RADIUS, DAMPING = (0.4, 0.55), 0.08, 0.05


def media(cells, runs=2):
    x = (np.arange(cells) + 0.5) / cells
    wave = 0.4 * np.cos(np.pi * x)[:, None] * np.cos(2 * np.pi * x)
    return xr.Dataset(
        {"medium": (("run", "y", "x"), np.stack([(-1.0) ** run * wave + 0.1 * run for run in range(runs)]))}
    )


def sweep(cells, **settings):
    return HelmholtzMedium(
        **{"cells": cells, "source_centre": PLACE, "source_radius": RADIUS, "damping": DAMPING} | settings
    )


def series(k, index, x, terms=40):
    """u at the points (y, x) for constant n^2: sine coefficients of the patch, which does not reach the sides."""
    i = np.arange(1, terms + 1)
    along = [2 * np.sin(np.pi * i * place) * np.exp(-0.5 * (np.pi * i * RADIUS) ** 2) for place in PLACE]
    values = np.pi**2 * (i[:, None] ** 2 + i**2) - (1 + 1j * DAMPING) * k**2 * index
    modes = np.sin(np.pi * np.outer(x, i))
    return modes @ (np.outer(along[1], along[0]) / values) @ modes.T


@pytest.mark.parametrize("solver", [{"kind": "direct"}, {"kind": "krylov_recycling"}])
def test_a_constant_medium_is_its_series_to_order_two(solver):
    numbers, level = [9.0, 3.0], 0.3
    errors = []
    for cells in (12, 24, 48):
        given = xr.Dataset({"medium": (("run", "y", "x"), np.full((1, cells, cells), level))})
        raw = sweep(cells, wave_numbers=numbers, linear_solver=solver).run(given)
        assert raw["failure"].values.tolist() == [""]
        u = raw["real"].values[0] + 1j * raw["imaginary"].values[0]
        x = raw["x"].values
        exact = np.array([series(k, np.exp(level), x) for k in numbers])
        errors.append(np.abs(u - exact).max(axis=(1, 2)) / np.abs(exact).max(axis=(1, 2)))
        np.testing.assert_allclose(raw["response"].values[0], np.sqrt((np.abs(u) ** 2).mean(axis=(1, 2))))
    orders = np.log2(np.array(errors)[:-1] / np.array(errors)[1:])
    np.testing.assert_allclose(orders[-1], 2.0, atol=0.2)


def test_recycling_gives_the_direct_answer_within_its_certificate():
    """norm(e) <= norm(r) / (d k^2 min n^2), in any order of the sweep."""
    numbers = [4.0, 12.0, 7.0]
    given = media(16)
    exact = sweep(16, wave_numbers=numbers).run(given)
    loose = KrylovRecycling(tolerance=1e-5, subspace=12, recycled=4)
    found = sweep(16, wave_numbers=numbers, linear_solver=loose).run(given)
    assert (found["residual"] <= 1e-5).all()
    assert (found["products"] > 0).all()
    f = sweep(16)._source()
    for run in range(2):
        error = np.hypot(*(found[part][run] - exact[part][run] for part in ("real", "imaginary")))
        squared_index = np.exp(given["medium"].values[run])
        bound = 1e-5 * np.linalg.norm(f) / (DAMPING * np.square(numbers) * squared_index.min())
        assert (np.sqrt((error.values**2).sum(axis=(1, 2))) <= bound).all()
    turned = sweep(16, wave_numbers=numbers[::-1], linear_solver=KrylovRecycling()).run(given)
    np.testing.assert_allclose(turned["response"].values[:, ::-1], exact["response"].values, rtol=1e-8)


@pytest.mark.parametrize("solver", [{"kind": "direct"}, {"kind": "krylov_recycling", "subspace": 10, "recycled": 3}])
def test_what_every_simulator_passes(solver):
    simulator = sweep(8, wave_numbers=[6.0, 2.0, 5.0], linear_solver=solver)
    check_simulator(simulator, media(8, runs=4))
    assert simulator.refined().cells == 16
    assert [one.cells for one in simulator.coarser()] == [4]
    assert simulator.work() == 3 * 64
    assert "LU" in simulator.card()["solver"] or "carried between the systems of a run" in simulator.card()["solver"]
    fine = simulator.refined().run(media(16))
    coarse = simulator.restrict(fine)
    np.testing.assert_allclose(coarse["real"][0, 1, 2, 3], fine["real"][0, 1, 4:6, 6:8].mean())
    assert dict(coarse.sizes) == {"run": 2, "wave_number": 3, "y": 8, "x": 8}


def test_failed_runs_say_why_and_harm_no_other():
    given = media(8, runs=3)
    given["medium"][0, 2, 2], given["medium"][1] = np.nan, 6.0
    raw = sweep(8).run(given)
    texts = raw["failure"].values.tolist()
    assert texts[0] == "medium is not finite"
    assert texts[1] == "k n = 160.684: waves are shorter than two of the 8 cells along a side"
    assert texts[2] == ""
    short = KrylovRecycling(max_products=2, subspace=2, recycled=0)
    raw = sweep(8, linear_solver=short).run(media(8))
    assert all(text.startswith("wave number 4: the linear solver stopped at") for text in raw["failure"].values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"wave_numbers": [4.0, 4.0]}, "each named once"),
        ({"wave_numbers": [-1.0]}, "positive"),
        ({"source_centre": (0.0, 0.5)}, "not inside the unit square"),
        ({"linear_solver": {"kind": "learned_relaxation"}}, "direct"),
        ({"damping": 0.0}, "greater than 0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        HelmholtzMedium(**settings)


def test_bad_inputs_are_refused():
    with pytest.raises(SimulationError, match="lacks its input 'medium'"):
        sweep(8).run(xr.Dataset())
    with pytest.raises(SimulationError, match="not run, y: 8, x: 8"):
        sweep(8).run(media(4))
