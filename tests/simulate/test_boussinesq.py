"""Natural convection against a manufactured solution, de Vahl Davis' benchmark, conduction and balances of heat."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.boussinesq import Boussinesq, Convection
from surecast.simulate.staggered import Box

NUSSELT = {1e3: 1.118, 1e4: 2.243, 1e5: 4.519}  # de Vahl Davis (1983), Table I, mean over the hot wall


def solve(cells, rayleigh, **settings):
    simulator = Boussinesq(columns=cells, rows=cells, **settings)
    return simulator.run(xr.Dataset({"rayleigh": ("run", np.asarray(rayleigh, dtype=float))}))


@pytest.fixture(scope="module")
def benchmark():
    """The two lower numbers on two grids."""
    return [solve(cells, [1e3, 1e4], time=0.4, steps=20 * cells) for cells in (16, 32)]


class Manufactured:
    """u, v, p and T with the forces and the heat that make them a solution; at rest and T = 1 - x at time 0."""

    def __init__(self, viscosity, lift):
        self.viscosity, self.lift = viscosity, lift

    def u(self, x, y, t):
        return np.sin(2 * t) * np.sin(np.pi * x) ** 2 * np.sin(2 * np.pi * y)

    def v(self, x, y, t):
        return -np.sin(2 * t) * np.sin(2 * np.pi * x) * np.sin(np.pi * y) ** 2

    def p(self, x, y, t):
        return np.sin(2 * t) * np.cos(np.pi * x) * np.cos(2 * np.pi * y)

    def temperature(self, x, y, t):
        return 1 - x + np.sin(3 * t) * np.sin(np.pi * x) * np.cos(np.pi * y)

    def rate(self, of, x, y, t, diffusivity):
        """of_t + u of_x + v of_y - diffusivity Laplace of; derivatives of an analytic function by complex steps."""
        h, k = 1e-30, 1e-4
        d_t, d_x, d_y = (of(*(z + 1j * h * (i == j) for j, z in enumerate((x, y, t)))).imag / h for i in (2, 0, 1))
        along_x = of(x + 1j * k, y, t).real  # real part: of - k^2 of_xx / 2
        along_y = of(x, y + 1j * k, t).real
        laplacian = 2 * (2 * of(x, y, t) - along_x - along_y) / k**2
        return d_t + self.u(x, y, t) * d_x + self.v(x, y, t) * d_y - diffusivity * laplacian

    def slope(self, axis, x, y, t):
        h = 1e-30
        return self.p(x + 1j * h * (axis == 0), y + 1j * h * (axis == 1), t).imag / h

    def force_u(self, x, y, t):
        return self.rate(self.u, x, y, t, self.viscosity) + self.slope(0, x, y, t)

    def force_v(self, x, y, t):
        lifted = self.lift * self.temperature(x, y, t)
        return self.rate(self.v, x, y, t, self.viscosity) + self.slope(1, x, y, t) - lifted

    def heat(self, x, y, t):
        return self.rate(self.temperature, x, y, t, 1.0)


def errors_of_the_manufactured_solution(cells, lift=50.0, viscosity=0.71, time=0.4):
    """Errors of u, v, p and T on cells x cells, and as many steps."""
    one, truth = np.ones((1, 1, 1)), Manufactured(viscosity, lift)
    flow = Convection(Box(cells, cells, one, one), viscosity * one, lift * one, 0 * one, time / cells)
    face, centre = np.arange(cells + 1) / cells, (np.arange(cells) + 0.5) / cells
    for step in range(cells):
        t = (step + 0.5) * flow.step
        flow.advance(
            truth.force_u(face[1:-1], centre[:, None], t),
            truth.force_v(centre, face[1:-1, None], t),
            truth.heat(centre, centre[:, None], t),
        )
    assert flow.divergence()[0] < 1e-12
    found = {
        "u": flow.u - truth.u(face, centre[:, None], time),
        "v": flow.v - truth.v(centre, face[:, None], time),
        "p": flow.pressure() - truth.p(centre, centre[:, None], time),
        "T": flow.temperature - truth.temperature(centre, centre[:, None], time),
    }
    # The pressure is of order 3/2 in time in the corners, as with every such method, and of order 2 in the mean.
    return {name: np.sqrt(np.square(error).mean()) for name, error in found.items()}


def test_both_fields_are_of_order_two_in_space_and_time():
    coarse, fine = (errors_of_the_manufactured_solution(cells) for cells in (32, 64))
    for name in ("u", "v", "p", "T"):
        assert np.log2(coarse[name] / fine[name]) == pytest.approx(2.0, abs=0.2), name
    assert max(fine.values()) < 1e-3


def test_nusselt_numbers_of_the_benchmark(benchmark):
    coarse, fine = benchmark
    assert (fine["failure"] == "").all()
    for row, rayleigh in enumerate([1e3, 1e4]):
        found, before = (float(raw["nusselt"][row]) for raw in (fine, coarse))
        assert found == pytest.approx(NUSSELT[rayleigh], rel=0.015)
        assert found + (found - before) / 3 == pytest.approx(NUSSELT[rayleigh], rel=2e-3)


def test_nusselt_number_of_a_boundary_layer():
    raw = solve(48, [1e5], time=0.15, steps=1000)
    assert raw["failure"].item() == ""
    assert raw["nusselt"].item() == pytest.approx(NUSSELT[1e5], rel=0.02)


def test_speeds_of_the_benchmark(benchmark):
    # Largest horizontal speed on the vertical centre line and vertical speed on the horizontal one, Ra = 1e3 and 1e4.
    fine = benchmark[1]
    middle = slice(15, 17)
    along_x = fine["velocity_x"].isel(x=middle).mean("x").max("y")
    along_y = fine["velocity_y"].isel(y=middle).mean("y").max("x")
    np.testing.assert_allclose(along_x, [3.649, 16.178], rtol=0.02)
    np.testing.assert_allclose(along_y, [3.697, 19.617], rtol=0.02)


def test_heat_that_enters_leaves_where_the_flow_is_steady(benchmark):
    fine = benchmark[1]
    np.testing.assert_allclose(fine["nusselt"], fine["nusselt_cold"], rtol=1e-5)
    assert float(fine["divergence"].max()) < 1e-12
    # Turned by half a turn, T becomes 1 - T.
    turned = 1 - fine["temperature"].values[:, ::-1, ::-1]
    np.testing.assert_allclose(fine["temperature"], turned, atol=1e-5)


@pytest.mark.parametrize("aspect", [1.0, 2.5])
def test_without_lift_heat_is_conducted(aspect):
    simulator = Boussinesq(columns=16, rows=8, time=2.0, steps=200, rayleigh=0.0, heating=None, aspect=aspect)
    heating = np.array([0.0, 3.0])
    raw = simulator.run(xr.Dataset({"heating": ("run", heating)}))
    x = raw["x"].values
    truth = 1 - x + 0.5 * heating[:, None, None] * x * (1 - x) * np.ones((8, 1))
    np.testing.assert_allclose(raw["temperature"], truth, atol=2e-3)
    np.testing.assert_allclose(raw["nusselt"], 1 - 0.5 * heating, atol=1e-7)
    np.testing.assert_allclose(raw["nusselt_cold"], 1 + 0.5 * heating, atol=1e-7)
    assert float(abs(raw["energy"]).max()) < 1e-20


def test_heating_may_be_a_field():
    simulator = Boussinesq(columns=16, rows=16, time=0.1, steps=40, rayleigh=1e3, heating="field")
    assert simulator.input_names() == ("heating",)
    assert simulator.input_units() == {"heating": "1"}
    grid = simulator.grids()["heating"]
    np.testing.assert_array_equal(grid["x"], (np.arange(16) + 0.5) / 16)
    uniform = np.full((1, 16, 16), 5.0)
    raw = simulator.run(xr.Dataset({"heating": (("run", "y", "x"), uniform)}))
    number = simulator.model_copy(update={"heating": None}).run(xr.Dataset({"heating": ("run", [5.0])}))
    assert raw["temperature"].values.tobytes() == number["temperature"].values.tobytes()
    uniform[0, 3, 3] = np.nan
    raw = simulator.run(xr.Dataset({"heating": (("run", "y", "x"), uniform)}))
    assert raw["failure"].item() == "heating is not finite"


def test_buoyancy_alone_couples_the_flow_to_the_temperature():
    # Both ways: without lift nothing moves; with it the temperature is no longer that of conduction.
    still, moving = solve(16, [0.0, 1e4], time=0.1, steps=60)["temperature"].values
    x = (np.arange(16) + 0.5) / 16
    np.testing.assert_allclose(still, np.broadcast_to(1 - x, (16, 16)), atol=1e-13)
    assert moving[-1].mean() - moving[0].mean() > 0.3  # warm above, cold below


def test_what_the_card_says():
    card = Boussinesq(aspect=None).card()
    assert card["domain"].startswith("rectangle, 1 x aspect")
    assert card["coupling"].startswith("two-way")
    assert card["parameters"] == {"prandtl": "0.71", "heating": "0"}
