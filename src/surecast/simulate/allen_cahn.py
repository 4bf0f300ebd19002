"""Allen and Cahn's equation: two phases, u = -1 and u = 1, part, and their fronts move.

    u_t = D u_xx + r (u - u^3)   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is an order parameter (1), D the diffusivity (m2/s), r the rate (1/s). The free energy, the mean of
D u_x^2 / 2 + r (1 - u^2)^2 / 4, never grows. A uniform state obeys u = u_0 e^(r t) / sqrt(1 + u_0^2 (e^(2 r t) - 1)); a
front at rest is tanh(x / sqrt(2 D / r)) (Allen and Cahn, Acta Metall. 27 (1979) 1085).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.semilinear import Nonlinearity, Semilinear
from surecast.simulate.spectral import Parameters


class AllenCahn(Semilinear):
    """Allen and Cahn's equation; inputs ``initial`` (periodic field), ``diffusivity`` and ``rate``.

    Fronts have a width of about 4 sqrt(2 D / r) and want twenty points or more.
    """

    equation: ClassVar[str] = "u_t = D u_xx + r (u - u^3)"
    method: ClassVar[str] = "Fourier pseudospectral, 1/2 rule, ETDRK4 (Cox and Matthews 2002)"
    quantity: ClassVar[str] = "order parameter"
    units: ClassVar[tuple[str, str, str]] = ("1", "1", "1/m")
    parameters: ClassVar[dict[str, str]] = {"diffusivity": "m2/s", "rate": "1/s"}
    products: ClassVar[int] = 3

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """r - D k^2."""
        return np.asarray(given["rate"] - given["diffusivity"] * k**2)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """-r u^3."""
        return self.power(3, -given["rate"], given)
