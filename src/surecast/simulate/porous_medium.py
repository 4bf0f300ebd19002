r"""The porous medium equation: gas in a porous rock, heat in a plasma; with exponent 0 the heat equation.

    u_t = (D |u|^m u_x)_x   on 0 <= x <= extent,   u(x, 0) = initial,   0 <= t <= time

u is a density relative to a reference (1), D the diffusivity (m2/s) where u = 1, m >= 0 the exponent. With m > 0 the
diffusivity vanishes with u, and what starts from u = 0 has a front of finite speed. Two solutions, which the tests hold
it to, are the wave behind x = c t (with `left: wave` its values at x = 0 are the boundary's, c the `speed`),

    u = (m c (c t - x)_+ / D)^(1/m),

and, around x = 0, the source solution of Barenblatt (1952) and Pattle (1959), t counted from the point release,

    u = t^-a (B - m a / (2 D) (x / t^a)^2)_+^(1/m),   a = 1 / (m + 2)

(Vazquez, The Porous Medium Equation, 2007, chapter 4, where m is m - 1 of here). The defaults are those of the
benchmark of Hansen, Maddix, Alizadeh, Gupta and Mahoney, Learning Physical Models that Can Respect Conservation Laws
(ICML 2023): u = 0 at first, the wave at the left, u = 0 at the right, D = c = 1, and m from 1 to 6 an input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.interval import Interval
from surecast.simulate.nonlinear_diffusion import End, Medium
from surecast.simulate.parametrised import Number, Parameters


class PorousMedium(Interval):
    """Porous medium equation; input ``exponent``, and what else is null: ``initial``, ``diffusivity``, the ends.

    The front moves by a cell in an iteration of Newton's method: steps in which it crosses a few cells are the best.
    Behind the front the error is of order 2, at the front of one cell.
    """

    equation: ClassVar[str] = "u_t = (D |u|^m u_x)_x"
    quantity: ClassVar[str] = "relative density"
    parameters: ClassVar[dict[str, str]] = {"exponent": "1", "diffusivity": "m2/s"}
    nonnegative: ClassVar[tuple[str, ...]] = ("exponent",)
    positive: ClassVar[tuple[str, ...]] = ("diffusivity",)

    exponent: Number | None = Field(default=None, description="Exponent m of the diffusivity; null for an input.")
    diffusivity: Number | None = Field(default=1.0, description="Diffusivity where u = 1, m2/s; null for an input.")
    left: Number | Literal["closed", "wave"] | None = Field(
        default="wave", description="At x = 0: u, null for an input, closed (no flow) or wave (that of the docstring)."
    )
    right: Number | Literal["closed"] | None = Field(
        default=0.0, description="At x = extent: u, null for an input, or closed (no flow)."
    )
    speed: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Speed c of the wave at the left, m/s.")
    front_level: float = Field(
        default=0.1, gt=0, allow_inf_nan=False, description="Value of u whose outermost position is the front."
    )

    def medium(self, given: Parameters) -> Medium:
        """s = u, Phi = D |u|^m u / (m + 1)."""
        return _Power(given["exponent"], given["diffusivity"])

    def own_end(self, kind: str, time: float, medium: Medium, given: Parameters) -> End:
        """The wave's value at x = 0."""
        exponent = given["exponent"]
        u = (exponent * self.speed**2 * time / given["diffusivity"]) ** (1 / exponent)
        return End.held(medium, u, self.spacing)

    def own_words(self, kind: str) -> str:
        """The wave's value at x = 0."""
        return f"u = (m c^2 t / D)^(1/m), c = {self.speed:g} m/s"

    def level(self, given: Parameters) -> np.ndarray:
        """`front_level`."""
        return np.full_like(given["exponent"], self.front_level)

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """See `Parametrised.fault`; there is no wave without an exponent."""
        found = super().fault(name, values)
        if name == "exponent" and self.left == "wave":
            found[(found == "") & (values == 0).any(axis=1)] = "exponent is 0, and left: wave needs a positive one"
        return found


@dataclass(frozen=True)
class _Power(Medium):
    """m and D, (run, 1)."""

    exponent: np.ndarray
    diffusivity: np.ndarray

    def storage(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u."""
        return z, np.ones_like(z)

    def potential(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """D |u|^m u / (m + 1)."""
        slope = self.diffusivity * np.abs(z) ** self.exponent
        return slope * z / (self.exponent + 1), slope
