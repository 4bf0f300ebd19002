r"""Incompressible flow in a rectangle: Navier and Stokes's equations by a projection method on a staggered grid.

    u_t + (u u)_x + (u v)_y = -p_x + nu (u_xx + u_yy) + f - s
    v_t + (u v)_x + (v v)_y = -p_y + nu (v_xx + v_yy) + g - t,   u_x + v_y = 0

p is the pressure over the density (m2/s2), nu the kinematic viscosity (m2/s), (f, g) a body force and (s, t) the force
that a body at rest takes from the flow, both over the density (m/s2). Centred differences of order 2, whose transport
keeps the kinetic energy (Harlow and Welch, Phys. Fluids 8 (1965) 2182). In time, of order 2 too, Adams and Bashforth's
method for transport N and Crank and Nicolson's for viscosity; the pressure by its increments,

    (u* - u) / dt = -grad p - (3 N - N_before) / 2 + nu Laplace (u* + u) / 2 + f
    u_new = u* - grad q,   Laplace q = div u*,   p_new = p + q / dt - nu div u* / 2

(Kim and Moin, J. Comput. Phys. 59 (1985) 308; with this pressure Brown, Cortez and Minion, J. Comput. Phys. 168 (2001)
464), which is that of the middle of the step. The first step has N for N_before. Both equations are solved directly:
the divergence is that of rounding.

At an outlet u is carried out at the mean speed c of the inflow, u_t + c u_x = 0 (Orlanski, J. Comput. Phys. 21 (1976)
251), and shifted by one number such that as much leaves as enters; v has no slope there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surecast.simulate.bodies import Body
from surecast.simulate.staggered import Box, Ends, Helmholtz

Value = np.ndarray | float


@dataclass(frozen=True)
class Side:
    """What holds at a side of the rectangle.

    Parameters
    ----------
    through : float or ndarray
        Velocity normal to it, (run, rows, 1) at the left and right, (run, 1, columns) at the others.
    along : float or ndarray, optional
        Velocity along it, (run, 1): that of the wall. None: no shear, as in a plane of symmetry.
    """

    through: Value = 0.0
    along: Value | None = 0.0

    def beyond(self, inside: np.ndarray) -> np.ndarray:
        """Velocity along the side half a cell beyond it, from that half a cell before it, (run, points)."""
        return inside if self.along is None else 2 * self.along - inside


SLIP = Side(along=None)


@dataclass(frozen=True)
class Sides:
    """The four sides, walls unless stated; as much must leave as enters.

    `outlet`: the right side lets leave what comes, and its velocity is that of the start alone.
    """

    left: Side = Side()
    right: Side = Side()
    bottom: Side = Side()
    top: Side = Side()
    outlet: bool = False


class Flow:
    """A batch of flows in time.

    Parameters
    ----------
    box : Box
        The grid.
    sides : Sides
        What holds at its sides.
    viscosity : ndarray, shape (run, 1, 1)
        nu, positive.
    step : float
        dt.
    u, v : ndarray
        Velocity at the start, on all faces (`surecast.simulate.staggered`); its divergence is taken out.
    body : Body, optional
        What stands still in the flow.

    Attributes
    ----------
    u, v : ndarray
        Velocity on the faces.
    courant : ndarray, shape (run,)
        Largest Courant number so far, dt max |u| / dx or dt max |v| / dy.
    change : ndarray, shape (run,)
        Largest change of a velocity in the last step.
    """

    def __init__(
        self, box: Box, sides: Sides, viscosity: np.ndarray, step: float, u: Value, v: Value, body: Body | None = None
    ) -> None:
        self.box, self.sides, self.viscosity, self.step, self.body = box, sides, viscosity, step, body
        runs = len(viscosity)
        # The lines beyond the sides are kept with the velocities, so that a step copies no whole fields for them.
        self._u = np.zeros((runs, box.rows + 2, box.columns + 1))
        self._v = np.zeros((runs, box.rows + 1, box.columns + 2))
        self.u, self.v = self._u[:, 1:-1], self._v[:, :, 1:-1]
        self.u[...], self.v[...] = u, v
        self.u[:, :, :1], self.u[:, :, -1:] = sides.left.through, sides.right.through
        self.v[:, :1], self.v[:, -1:] = sides.bottom.through, sides.top.through
        self._p = self._earlier_p = np.zeros((runs, box.rows, box.columns))
        self._inflow = self.u[:, :, :1].mean(axis=1, keepdims=True)
        self._earlier_transport: tuple[np.ndarray, np.ndarray] | None = None
        half = 0.5 * step * viscosity
        self._solve_u = Helmholtz(box, "faces", _ends(sides.bottom, sides.top), 1.0, half)
        self._solve_v = Helmholtz(box, _ends(sides.left, sides.right), "faces", 1.0, half)
        self._solve_p = Helmholtz(box, "free", "free", 0.0, np.ones_like(viscosity))
        self.courant, self.change = np.zeros(runs), np.full(runs, np.inf)
        self._project()

    def advance(self, push_u: Value = 0.0, push_v: Value = 0.0) -> None:
        """One step, with a body force over the density at the inner faces in the middle of the step."""
        box, dt, nu = self.box, self.step, self.viscosity
        old_u, old_v = self.u.copy(), self.v.copy()
        transport = self._transport()
        earlier_u, earlier_v = self._earlier_transport or transport
        self._earlier_transport = transport
        rate_u = push_u - 1.5 * transport[0] + 0.5 * earlier_u - box.x(self._p)
        rate_v = push_v - 1.5 * transport[1] + 0.5 * earlier_v - box.y(self._p)
        rate_u += nu * box.laplacian(self.u, self._u[:, :, 1:-1])
        rate_v += nu * box.laplacian(self._v[:, 1:-1], self.v)
        if self.body is not None:
            rate_u -= self.body.force_u
            rate_v -= self.body.force_v
        if self.sides.outlet:
            leaving = self._leaving()
            self.u[:, :, -1:] += leaving
            rate_u[:, :, -1:] += 0.5 * nu / box.dx**2 * leaving  # its share in the Laplacian of u* at the next face
        self.u[:, :, 1:-1] += self._solve_u.solve(dt * rate_u)
        self.v[:, 1:-1] += self._solve_v.solve(dt * rate_v)
        if self.body is not None:
            self.body.hold(self.u[:, :, 1:-1], self.v[:, 1:-1], dt)
        divergence, potential = self._project()
        self._earlier_p, self._p = self._p, self._p + potential / dt - 0.5 * nu * divergence
        self._measure(old_u, old_v)

    def pressure(self) -> np.ndarray:
        """p at the centres now, of the mean 0, by the line through the middles of the last two steps."""
        return 1.5 * self._p - 0.5 * self._earlier_p

    def centred(self) -> tuple[np.ndarray, np.ndarray]:
        """The velocity at the centres: means of opposite faces."""
        return 0.5 * (self.u[:, :, 1:] + self.u[:, :, :-1]), 0.5 * (self.v[:, 1:] + self.v[:, :-1])

    def divergence(self) -> np.ndarray:
        """Largest |u_x + v_y|, (run,)."""
        return np.asarray(np.abs(self.box.x(self.u) + self.box.y(self.v)).max(axis=(1, 2)))

    def _transport(self) -> tuple[np.ndarray, np.ndarray]:
        """N = ((u u)_x + (u v)_y, (u v)_x + (v v)_y) at the inner faces."""
        box, sides, u, v = self.box, self.sides, self._u, self._v
        u[:, 0], u[:, -1] = sides.bottom.beyond(u[:, 1]), sides.top.beyond(u[:, -2])
        v[:, :, 0], v[:, :, -1] = sides.left.beyond(v[:, :, 1]), sides.right.beyond(v[:, :, -2])
        centre_u, centre_v = self.centred()
        corner = 0.25 * (u[:, 1:] + u[:, :-1]) * (v[:, :, 1:] + v[:, :, :-1])
        return (
            box.x(centre_u * centre_u) + box.y(corner[:, :, 1:-1]),
            box.x(corner[:, 1:-1]) + box.y(centre_v * centre_v),
        )

    def _leaving(self) -> np.ndarray:
        """Change of u at the outlet, (run, rows, 1)."""
        end = self.u[:, :, -1:]
        carried = end - self.step * self._inflow * (end - self.u[:, :, -2:-1]) / self.box.dx
        return np.asarray(carried + (self._inflow - carried.mean(axis=1, keepdims=True)) - end)

    def _project(self) -> tuple[np.ndarray, np.ndarray]:
        """Take grad q from the velocity, Laplace q = its divergence; returns both."""
        divergence = self.box.x(self.u) + self.box.y(self.v)
        potential = self._solve_p.solve(-divergence)
        self.u[:, :, 1:-1] -= self.box.x(potential)
        self.v[:, 1:-1] -= self.box.y(potential)
        return divergence, potential

    def _measure(self, old_u: np.ndarray, old_v: np.ndarray) -> None:
        """Courant number and change of a step."""
        for new, old, width in ((self.u, old_u, self.box.dx), (self.v, old_v, self.box.dy)):
            courant = self.step * np.abs(new).max(axis=(1, 2)) / width[:, 0, 0]
            self.courant = np.maximum(self.courant, courant)
            old -= new
        self.change = np.maximum(np.abs(old_u).max(axis=(1, 2)), np.abs(old_v).max(axis=(1, 2)))


def _ends(first: Side, last: Side) -> Ends:
    """What holds for the velocity along two opposite sides at them."""
    kinds: dict[tuple[bool, bool], Ends] = {(False, False): "free", (True, False): "held_free", (True, True): "held"}
    given = first.along is not None, last.along is not None
    if given not in kinds:
        raise ValueError("of two opposite sides the last is a wall, the first is not: turn the rectangle round")
    return kinds[given]
