"""The scheme itself: its order on exact smooth solutions, its limiter, its sides, symmetry, and how it fails."""

import numpy as np
import pytest

from surecast.simulate.godunov import Godunov, Grid, _half_slopes
from surecast.simulate.hllc import IdealGas
from surecast.simulate.hydrostatic import Water

GAUSS = np.polynomial.legendre.leggauss(4)


def means(function, cells):
    """Means of a function over equal cells of the unit interval."""
    return sum(w / 2 * function((np.arange(cells) + (1 + x) / 2) / cells) for x, w in zip(*GAUSS, strict=True))


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def flown(law, grid, state, time, courant=0.4):
    """The batch after a time; `state` is (quantity, run, ...)."""
    with np.errstate(all="ignore"):
        solver = Godunov(law, grid, grid.padded(state), courant, 10_000)
        for _ in solver.advance(time):
            pass
    return solver


def square(cells, sides):
    return Grid((cells, cells), 1 / cells, sides)


def rough(shape, runs=2, seed=0):
    """Gas in random states that know nothing of their neighbours, W."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((4, runs, *shape))
    w[[0, -1]] = np.exp(w[[0, -1]])
    return w


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_wave_of_density_is_carried_along_with_order_two(dimensions):
    errors, law = [], IdealGas(1.4)

    def wave(x):
        return 1 + 0.2 * np.sin(2 * np.pi * x)

    for cells in (64, 128) if dimensions == 1 else (32, 64):
        x = (np.arange(cells) + 0.5) / cells
        place = x if dimensions == 1 else x[:, None] + x
        grid = Grid((cells,) * dimensions, 1 / cells, ("periodic",) * dimensions)
        w = np.ones((2 + dimensions, 1, *place.shape))
        w[0] = wave(place)
        solver = flown(law, grid, law.conserved(w), 0.125)
        error = grid.inner(solver.w)[0, 0] - wave(place - dimensions * 0.125)
        errors.append(np.abs(error).mean())
    np.testing.assert_allclose(orders(errors), 2.0, atol=0.2)


def test_a_simple_wave_of_water_steepens_with_order_two():
    # u = 2 (c - c_0): every value of c = sqrt(g h) moves on at u + c = 3 c - 2 c_0.
    gravity, rest, errors = 9.81, np.sqrt(9.81), []
    time = 0.4 / (3 * rest * 0.05 * 2 * np.pi)  # of the time at which it breaks

    def speed(x, time):
        start = x
        for _ in range(60 if time else 0):
            start = x - (3 * speed(start, 0.0) - 2 * rest) * time
        return rest * (1 + 0.05 * np.sin(2 * np.pi * start))

    for cells in (64, 128, 256):
        grid = Grid((cells,), 1 / cells, ("periodic",))
        depth = means(lambda x: speed(x, 0.0) ** 2 / gravity, cells)
        flow = means(lambda x: speed(x, 0.0) ** 2 / gravity * 2 * (speed(x, 0.0) - rest), cells)
        state = np.stack([depth, flow])[:, None]
        law = Water(gravity, np.zeros((1, cells + 4)), grid.padded(state))
        solver = flown(law, grid, state, time)
        errors.append(
            np.abs(grid.inner(solver.w)[-1, 0] - means(lambda x: speed(x, time) ** 2 / gravity, cells)).mean()
        )
    np.testing.assert_allclose(orders(errors), 2.0, atol=0.2)


def test_a_vortex_of_water_is_carried_along_with_order_two():
    # v^2 / r = g h_r around its centre, in a flow of (1, 0.5), on a box of side 10.
    errors = []
    for cells in (32, 64):
        grid = Grid((cells, cells), 10 / cells, ("periodic", "periodic"))
        along = 10 * (np.arange(cells) + 0.5) / cells

        def vortex(time, along=along):
            x, y = along - 5 - time, along[:, None] - 5 - 0.5 * time
            swirl = 0.8 * np.exp(0.5 * (1 - x**2 - y**2))
            depth = 1 - swirl**2 / (2 * 9.81)
            return np.stack([depth, depth * (1 - swirl * y), depth * (0.5 + swirl * x)])[:, None]

        law = Water(9.81, np.zeros((1, (cells + 4) ** 2)), grid.padded(vortex(0.0)))
        solver = flown(law, grid, vortex(0.0), 0.5)
        errors.append(np.abs(grid.inner(solver.state) - vortex(0.5)).mean(axis=(1, 2, 3)))
    assert np.log2(errors[0] / errors[1]).min() > 1.8
    assert errors[1].max() < 2e-3


def test_slopes_are_those_of_the_monotonised_central_limiter():
    values = np.random.default_rng(3).standard_normal(400)
    a, b = np.diff(values)[:-1], np.diff(values)[1:]
    expected = np.where(a * b > 0, np.sign(a) * np.minimum(np.minimum(np.abs(a), np.abs(b)), np.abs(a + b) / 4), 0.0)
    np.testing.assert_array_equal(_half_slopes(np.diff(values), 1), expected)


@pytest.mark.parametrize("sides", ["periodic", "wall", "outflow"])
def test_what_lies_beyond_the_sides(sides):
    grid = Grid((5, 6), 1.0, (sides, sides))
    fields = np.random.default_rng(1).standard_normal((4, 2, 5, 6))
    cells = grid.padded(fields)
    np.testing.assert_array_equal(grid.inner(cells), fields)
    grid.fill(cells)
    mode = {"periodic": "wrap", "wall": "symmetric", "outflow": "edge"}[sides]
    expected = np.pad(fields, [(0, 0), (0, 0), (2, 2), (2, 2)], mode=mode)
    if sides == "wall":
        expected[1, ..., [0, 1, -2, -1]] *= -1
        expected[2, :, [0, 1, -2, -1]] *= -1
    np.testing.assert_array_equal(cells.reshape(expected.shape), expected)


@pytest.mark.parametrize("sides", [("periodic", "periodic"), ("wall", "wall"), ("periodic", "wall")])
def test_nothing_is_lost_of_a_rough_gas(sides):
    law, grid = IdealGas(1.4), square(16, sides)
    before = law.conserved(rough((16, 16)))
    solver = flown(law, grid, before, 0.1)
    assert (solver.failure == "").all()
    assert solver.steps.min() > 20
    after = grid.inner(solver.state)
    held = [True, sides[0] == "periodic", sides[1] == "periodic", True]
    scale = np.abs(before).sum(axis=(2, 3))
    lost = np.abs((after - before).sum(axis=(2, 3))) / scale
    assert lost[held].max() < 1e-14
    assert np.abs(after - before).max() > 0.1


def test_mirror_images_to_the_last_bit():
    law, grid, w = IdealGas(1.4), square(12, ("wall", "periodic")), rough((12, 12))
    found = grid.inner(flown(law, grid, law.conserved(w), 0.05).w)
    for axis, velocity in ((-1, 1), (-2, 2)):
        mirrored = np.flip(w, axis).copy()
        mirrored[velocity] *= -1
        other = np.flip(grid.inner(flown(law, grid, law.conserved(mirrored), 0.05).w), axis).copy()
        other[velocity] *= -1
        np.testing.assert_array_equal(other, found)


def test_both_directions_are_the_same():
    law, w = IdealGas(1.4), rough((12, 12))
    found = square(12, ("wall", "periodic")).inner(
        flown(law, square(12, ("wall", "periodic")), law.conserved(w), 0.05).w
    )
    turned = np.swapaxes(w, -1, -2)[[0, 2, 1, 3]]
    grid = square(12, ("periodic", "wall"))
    other = grid.inner(flown(law, grid, law.conserved(turned), 0.05).w)
    np.testing.assert_allclose(np.swapaxes(other, -1, -2)[[0, 2, 1, 3]], found, rtol=1e-9, atol=1e-11)


def test_steps_that_are_too_long_are_noticed():
    # Gas at rest, and beside it some of a thousand times the pressure: once that has moved, waves are much faster.
    law, grid = IdealGas(1.4), Grid((64,), 1 / 64, ("outflow",))
    w = np.ones((3, 3, 64))
    w[1] = 0
    w[-1, 1:, :32] = 1000.0
    solver = flown(law, grid, law.conserved(w), 0.02, courant=0.95)
    assert solver.failure[0] == ""
    assert solver.time[0] == 0.02
    found = set(solver.failure[1:])
    assert len(found) == 1
    assert "waves became too fast for the time steps (lower courant) at t = " in found.pop()


def test_a_run_that_fails_keeps_its_last_sound_state_and_harms_no_other():
    law, grid, w = IdealGas(1.4), square(12, ("wall", "wall")), rough((12, 12), runs=4)
    alone = flown(law, grid, law.conserved(w[:, 1:2]), 0.2)
    w[1:3, ::2] *= 3  # hypersonic, and away from each other
    solver = flown(law, grid, law.conserved(w), 0.2)
    assert solver.failure[[1, 3]].tolist() == ["", ""]
    for run in (0, 2):
        assert solver.failure[run].startswith("density or pressure is not positive, or not finite, at t = 0")
        assert solver.time[run] < 0.2
    assert np.isfinite(grid.inner(solver.state)).all()
    assert (grid.inner(solver.w)[[0, -1]] > 0).all()
    assert grid.inner(solver.state)[:, 1].tobytes() == grid.inner(alone.state)[:, 0].tobytes()


def test_a_run_that_would_never_end_fails_at_once():
    law, grid = IdealGas(1.4), square(12, ("wall", "wall"))
    w = np.ones((4, 2, 12, 12))
    w[1:3] = 0
    w[-1, 1] = 1e12
    solver = flown(law, grid, law.conserved(w), 0.2)
    assert solver.failure.tolist() == ["", "more than 10000 time steps would be needed at t = 0 s"]
    assert solver.steps[1] == 0


def test_water_below_its_bed_fails():
    grid, state = Grid((16,), 1.0, ("wall",)), np.zeros((2, 3, 16))
    state[0] = np.array([[1.0], [1.0], [np.inf]])
    state[0, 1, 5] = -1e-3
    law = Water(9.81, np.zeros((3, 20)), grid.padded(state))
    solver = flown(law, grid, state, 0.1)
    assert solver.failure.tolist() == ["", *["the depth is negative, or not finite, at t = 0 s"] * 2]
