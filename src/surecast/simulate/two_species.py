"""Reactions of two species on the periodic square: what is given out of them, and the settings that they share.

u_t = D_u (u_xx + u_yy) + f(u, v),   v_t = D_v (v_xx + v_yy) + g(u, v)   on 0 <= x, y < extent, periodic
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.periodic_square import PeriodicSquare
from surecast.simulate.simulator import VariableInfo

SPECIES = ("u", "v")


class TwoSpecies(PeriodicSquare):
    """Base of the reactions: concentrations u and v, modes (run, species, y, x); products of three do not alias."""

    method: ClassVar[str] = "Fourier pseudospectral, 1/2 rule, ETDRK4 (Cox and Matthews 2002)"
    units: ClassVar[tuple[str, ...]] = ("1",)
    products: ClassVar[int] = 3
    watched: ClassVar[str]
    """The species whose resolution ``spectral_tail`` tells."""

    points: int = Field(default=128, ge=8, le=2048, multiple_of=2, description="Points along each side.")
    steps: int = Field(default=1000, ge=1, le=10_000_000, description="Time steps to the final time.")
    diffusivity_u: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="Diffusivity of u, m2/s.")
    diffusivity_v: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="Diffusivity of v, m2/s.")

    def variables(self) -> dict[str, VariableInfo]:
        """Final concentrations and their means; their histories if frames are kept."""

        def info(dims: tuple[str, ...], long_name: str) -> VariableInfo:
            return {"dims": dims, "units": "1", "long_name": long_name}

        found = {}
        for name in SPECIES:
            found[name] = info(self.dims, f"concentration {name} at the final time")
            found[f"mean_{name}"] = info((), f"mean concentration {name} at the final time")
        found["spectral_tail"] = info((), f"share of the variance of {self.watched} in the upper tenth of the modes")
        if self.frames:
            found |= {f"history_{name}": info(("time", *self.dims), f"concentration {name}") for name in SPECIES}
        return found

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return super().card() | {
            "diffusivities": f"D_u = {self.diffusivity_u:g}, D_v = {self.diffusivity_v:g} (m2/s)",
        }

    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """See `Spectral.measured`."""
        found: dict[str, np.ndarray] = {"spectral_tail": self.tail(modes[:, SPECIES.index(self.watched)])}
        for place, name in enumerate(SPECIES):
            found |= {
                name: history[:, -1, place],
                f"mean_{name}": history[:, -1, place].mean(axis=(1, 2)),
                f"history_{name}": history[:, :, place],
            }
        return found
