"""The force that holds a disc still."""

import numpy as np
import pytest

from surecast.simulate.bodies import Body
from surecast.simulate.staggered import Box

ONE = np.ones((1, 1, 1))


def body(x=1.0, y=1.0, radius=0.43, viscosity=0.1, step=0.5, cells=20):
    return Body(Box(cells, cells, 2 * ONE, 2 * ONE), viscosity * ONE, step, x * ONE, y * ONE, radius * ONE)


def test_inside_nothing_moves_and_far_away_nothing_is_held():
    disc = body()
    u, v = np.full((1, 20, 19), 2.0), np.full((1, 19, 20), 3.0)
    disc.hold(u, v, 0.5)
    x, y = 0.1 * np.arange(1, 20), 0.1 * (np.arange(20) + 0.5)
    distance = np.hypot(x - 1, y[:, None] - 1)
    assert not u[0, distance < 0.43].any()
    assert (u[0, distance > 0.43 + 0.1] == 2.0).all()
    assert (v[0, distance.T > 0.43 + 0.1] == 3.0).all()
    along, across = disc.total()
    np.testing.assert_allclose(along, (2.0 - u).sum() / 0.5 * 0.01)
    np.testing.assert_allclose(across, (3.0 - v).sum() / 0.5 * 0.01)


def test_a_velocity_that_grows_from_the_surface_is_at_rest_under_its_viscosity():
    # On the row of v through the centre, u = distance to the surface along x, and 0 inside: what the second difference
    # misses at the face next to the disc is what the force takes there.
    viscosity, step, h, radius = 0.1, 0.5, 0.1, 0.43
    x = h * (np.arange(20) + 0.5) - 1
    profile = np.maximum(np.abs(x) - radius, 0.0)
    v = np.tile(profile, (1, 19, 1))
    disc = body(radius=radius)
    beside = np.flatnonzero(profile > 0)
    beside = beside[np.abs(x[beside]) < radius + h]
    curvature = (profile[beside - 1] - 2 * profile[beside] + profile[beside + 1]) / h**2
    # After a step of diffusion alone, the force makes the velocity what it was before.
    after = v.copy()
    after[0, 9, beside] += step * viscosity * curvature
    disc.hold(np.zeros((1, 20, 19)), after, step)
    np.testing.assert_allclose(after[0, 9, beside], profile[beside], rtol=1e-12)
    assert len(beside) == 2


def test_a_force_that_balances_the_rest_of_a_step_goes_on_as_it_is():
    disc = body()
    rng = np.random.default_rng(1)
    u, v = rng.standard_normal((1, 20, 19)), rng.standard_normal((1, 19, 20))
    disc.hold(u, v, 0.5)
    held, force = u.copy(), disc.force_u.copy()
    disc.hold(u, v, 0.5)  # after a step, the force included, that has changed nothing
    np.testing.assert_allclose(u, held, atol=1e-14)
    np.testing.assert_allclose(disc.force_u, force, atol=1e-13)


@pytest.mark.parametrize("name", ["x", "y", "radius"])
def test_what_is_held_changes_continuously_with_place_and_size(name):
    def steps(low, high):
        places = np.linspace(low, high, 201)
        return places, np.abs(np.diff([body(**{name: place})._keep_u.sum() for place in places]))

    start = {"x": 1.0, "y": 1.0, "radius": 0.43}[name]
    places, jumps = steps(start, start + 0.1)
    worst = int(jumps.argmax())
    # A face that is held at once would be a jump however finely one looks.
    assert steps(places[worst], places[worst + 1])[1].max() < 0.3 * jumps[worst]
