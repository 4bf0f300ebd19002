"""The projection method against vortices that decay, shear flows in closed form, and what transport must keep."""

import numpy as np
import pytest

from surecast.simulate.projection import SLIP, Flow, Side, Sides
from surecast.simulate.staggered import Box

ONE = np.ones((1, 1, 1))


def decayed(cells, viscosity=0.02, time=0.5):
    """Errors of Taylor and Green's vortex between sides without shear: u, v and p."""
    face, centre = np.arange(cells + 1) / cells, (np.arange(cells) + 0.5) / cells
    u = np.sin(np.pi * face) * np.cos(np.pi * centre)[:, None]
    v = -np.cos(np.pi * centre) * np.sin(np.pi * face)[:, None]
    steps = cells // 2
    flow = Flow(Box(cells, cells, ONE, ONE), Sides(SLIP, SLIP, SLIP, SLIP), viscosity * ONE, time / steps, u, v)
    for _ in range(steps):
        flow.advance()
    decay = np.exp(-2 * np.pi**2 * viscosity * time)
    p = 0.25 * decay**2 * (np.cos(2 * np.pi * centre) + np.cos(2 * np.pi * centre)[:, None])
    assert flow.divergence()[0] < 1e-12
    return [np.abs(error).max() for error in (flow.u - decay * u, flow.v - decay * v, flow.pressure() - p)]


def test_taylor_and_greens_vortex_is_of_order_two_in_space_and_time():
    errors = np.array([decayed(cells) for cells in (16, 32, 64)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.2)
    assert errors[-1].max() < 3e-4


def shaken(sides, seed=1):
    """A flow without divergence from random numbers."""
    rng = np.random.default_rng(seed)
    box = Box(12, 10, 2 * ONE, ONE)
    return Flow(box, sides, 0.01 * ONE, 1e-3, rng.standard_normal((1, 12, 11)), rng.standard_normal((1, 13, 10)))


@pytest.mark.parametrize("sides", [Sides(), Sides(SLIP, SLIP, SLIP, SLIP)], ids=["walls", "slip"])
def test_transport_keeps_the_kinetic_energy(sides):
    flow = shaken(sides)
    assert flow.divergence()[0] < 1e-12
    along_x, along_y = flow._transport()
    power = (flow.u[:, :, 1:-1] * along_x).sum() + (flow.v[:, 1:-1] * along_y).sum()
    assert abs(power) < 1e-11 * np.abs(flow.u[:, :, 1:-1] * along_x).sum()


def test_nothing_passes_a_wall():
    flow = shaken(Sides())
    for _ in range(5):
        flow.advance()
    for face in (flow.u[:, :, 0], flow.u[:, :, -1], flow.v[:, 0], flow.v[:, -1]):
        assert not face.any()


@pytest.mark.parametrize(
    ("sides", "steps"), [(Sides(SLIP, SLIP, SLIP, SLIP), 3), (Sides(), 400)], ids=["slip", "walls"]
)
def test_a_force_that_is_a_gradient_moves_nothing(sides, steps):
    # Between walls that holds once the pressure has grown to balance it: at time 0 it is not known.
    box = Box(8, 8, ONE, ONE)
    flow = Flow(box, sides, 0.1 * ONE, 0.01, 0.0, 0.0)
    potential = np.random.default_rng(2).standard_normal((1, 8, 8))
    potential -= potential.mean()
    for _ in range(steps):
        flow.advance(box.x(potential), box.y(potential))
    assert np.abs(flow.u).max() < 1e-11
    np.testing.assert_allclose(flow.pressure(), potential, atol=1e-9)


def test_couette_flow_between_a_wall_and_a_moving_one_is_exact():
    # Carried in and out with its own profile, u = y stays.
    rows = 6
    y = ((np.arange(rows) + 0.5) / rows)[:, None]
    sides = Sides(Side(through=y), Side(through=y, along=None), Side(), Side(along=1.0), outlet=True)
    flow = Flow(Box(rows, 8, 2 * ONE, ONE), sides, 0.1 * ONE, 0.05, y, 0.0)
    for _ in range(20):
        flow.advance()
    np.testing.assert_allclose(flow.u, np.broadcast_to(y, flow.u.shape), atol=1e-12)
    assert np.abs(flow.v).max() < 1e-12


def test_as_much_leaves_as_enters_while_the_flow_changes():
    rng = np.random.default_rng(5)
    inflow = 1 + 0.5 * rng.random((1, 10, 1))
    flow = Flow(
        Box(10, 16, 2 * ONE, ONE),
        Sides(Side(through=inflow), Side(through=inflow.mean(), along=None), Side(), SLIP, outlet=True),
        0.01 * ONE,
        0.02,
        1.0,
        rng.standard_normal((1, 11, 16)),
    )
    for _ in range(30):
        flow.advance()
        assert flow.u[:, :, -1].sum() == pytest.approx(inflow.sum(), rel=1e-13)
        assert flow.divergence()[0] < 1e-11
    assert np.ptp(flow.u[:, :, -1]) > 0.01


def test_courant_number_and_change_are_those_of_the_steps():
    flow = shaken(Sides())
    before = flow.u.copy(), flow.v.copy()
    flow.advance()
    change = max(np.abs(flow.u - before[0]).max(), np.abs(flow.v - before[1]).max())
    assert flow.change[0] == change
    assert flow.courant[0] == pytest.approx(1e-3 * max(np.abs(flow.u).max() / 0.2, np.abs(flow.v).max() * 12))


def test_a_wall_opposite_to_an_open_side_must_be_the_first():
    with pytest.raises(ValueError, match="is a wall, the first is not"):
        Flow(Box(4, 4, ONE, ONE), Sides(SLIP, Side()), ONE, 0.1, 0.0, 0.0)
