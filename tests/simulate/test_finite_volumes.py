"""The finite volumes against a manufactured solution, an exact one and a direct solver."""

import numpy as np
import pytest
import scipy.sparse as sparse
import scipy.sparse.linalg

from surecast.simulate.finite_volumes import solve_flow, transmissibilities
from surecast.simulate.poisson import PoissonPreconditioner

CELLS = (16, 32, 64, 128)


def log_k(x, y):
    return 0.8 * np.sin(2 * np.pi * x + 0.5) * np.cos(np.pi * y) + 0.5 * x


def log_k_gradient(x, y):
    return (
        1.6 * np.pi * np.cos(2 * np.pi * x + 0.5) * np.cos(np.pi * y) + 0.5,
        -0.8 * np.pi * np.sin(2 * np.pi * x + 0.5) * np.sin(np.pi * y),
    )


def pressure(x, y):
    return 1.3 - x + 0.5 * x**2 + 0.3 * np.sin(2 * x + 0.3) * np.cos(np.pi * y)


def pressure_gradient(x, y):
    """No flow at y = 0 and y = 1: p_y vanishes there."""
    return (
        -1 + x + 0.6 * np.cos(2 * x + 0.3) * np.cos(np.pi * y),
        -0.3 * np.pi * np.sin(2 * x + 0.3) * np.sin(np.pi * y),
    )


def source(x, y):
    """-div(k grad p) = -k (Laplace p + grad log k . grad p)."""
    laplace = 1 - (1.2 + 0.3 * np.pi**2) * np.sin(2 * x + 0.3) * np.cos(np.pi * y)
    (kx, ky), (px, py) = log_k_gradient(x, y), pressure_gradient(x, y)
    return -np.exp(log_k(x, y)) * (laplace + kx * px + ky * py)


def errors(cells):
    centre = (np.arange(cells) + 0.5) / cells
    x, y = centre[None, :], centre[:, None]
    flow = solve_flow(
        log_k(x, y)[None],
        pressure(0.0, centre)[None],
        pressure(1.0, centre)[None],
        source(x, y)[None],
        PoissonPreconditioner(cells),
        tolerance=1e-12,
    )
    k = np.exp(log_k(x, y))
    px, py = pressure_gradient(x, y)
    flux_x = 0.5 * cells * (flow.face_x[0, :, 1:] + flow.face_x[0, :, :-1])
    flux_y = 0.5 * cells * (flow.face_y[0, 1:] + flow.face_y[0, :-1])
    fine = (np.arange(20_000) + 0.5) / 20_000
    outflow = np.mean(-np.exp(log_k(1.0, fine)) * pressure_gradient(1.0, fine)[0])
    return {
        "pressure": np.sqrt(np.mean((flow.pressure[0] - pressure(x, y)) ** 2)),
        "flux_x": np.sqrt(np.mean((flux_x + k * px) ** 2)),
        "flux_y": np.sqrt(np.mean((flux_y + k * py) ** 2)),
        "outflow": abs(flow.face_x[0, :, -1].sum() - outflow),
    }


@pytest.fixture(scope="module")
def table():
    return [errors(cells) for cells in CELLS]


@pytest.mark.parametrize("quantity", ["pressure", "flux_x", "flux_y", "outflow"])
def test_second_order(table, quantity):
    logs = np.log2([row[quantity] for row in table])
    order = -np.polyfit(np.log2(CELLS), logs, 1)[0]
    assert order == pytest.approx(2.0, abs=0.15)
    assert -np.diff(logs)[-1] == pytest.approx(2.0, abs=0.15)  # and on the finest pair, where it is asymptotic


def test_constant_conductivity_is_exact():
    cells, head = 32, 1.3
    flow = solve_flow(
        np.full((1, cells, cells), np.log(2.5)),
        np.full((1, cells), head),
        np.zeros((1, cells)),
        np.zeros((1, cells, cells)),
        PoissonPreconditioner(cells),
        tolerance=1e-13,
    )
    centre = (np.arange(cells) + 0.5) / cells
    np.testing.assert_allclose(flow.pressure[0], np.tile(head * (1 - centre), (cells, 1)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(flow.face_x * cells, 2.5 * head, rtol=0, atol=1e-10)
    np.testing.assert_allclose(flow.face_y, 0.0, rtol=0, atol=1e-10)


def test_agrees_with_a_direct_solver_on_a_rough_field():
    cells, rng = 12, np.random.default_rng(2)
    logs, f = rng.standard_normal((1, cells, cells)), rng.standard_normal((1, cells, cells))
    left, right = rng.standard_normal((2, 1, cells))
    t_x, t_y = (t[0] for t in transmissibilities(np.exp(logs)))
    index = np.arange(cells * cells).reshape(cells, cells)
    rows = np.r_[index[:, 1:].ravel(), index[1:].ravel()]
    columns = np.r_[index[:, :-1].ravel(), index[:-1].ravel()]
    values = np.r_[t_x[:, 1:-1].ravel(), t_y[1:-1].ravel()]
    coupling = sparse.coo_array((values, (rows, columns)), shape=(cells**2, cells**2))
    coupling = coupling + coupling.T
    diagonal = coupling.sum(axis=1).reshape(cells, cells)
    diagonal[:, 0] += t_x[:, 0]
    diagonal[:, -1] += t_x[:, -1]
    b = f[0] / cells**2
    b[:, 0] += t_x[:, 0] * left[0]
    b[:, -1] += t_x[:, -1] * right[0]
    exact = scipy.sparse.linalg.spsolve((sparse.diags(diagonal.ravel()) - coupling).tocsc(), b.ravel())
    flow = solve_flow(logs, left, right, f, PoissonPreconditioner(cells), tolerance=1e-12)
    np.testing.assert_allclose(flow.pressure[0].ravel(), exact, rtol=0, atol=1e-9)


def test_every_cell_is_balanced():
    cells, rng = 16, np.random.default_rng(3)
    logs, f = rng.standard_normal((2, cells, cells)), rng.standard_normal((2, cells, cells))
    flow = solve_flow(logs, np.ones((2, cells)), np.zeros((2, cells)), f, PoissonPreconditioner(cells), tolerance=1e-13)
    leaving = np.diff(flow.face_x, axis=2) + np.diff(flow.face_y, axis=1)
    np.testing.assert_allclose(leaving, f / cells**2, rtol=0, atol=1e-11)
    assert (flow.mass_balance < 1e-11).all()
