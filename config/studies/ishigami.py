"""The Ishigami function, a user's own simulator in ten lines.

    y = sin x1 + a sin^2 x2 + b x3^4 sin x1,   x1, x2, x3 uniform on (-pi, pi)

Ishigami and Homma, Proc. ISUMA '90 (1990) 398-403. Mean a / 2; the variance and all Sobol indices are
known in closed form.
"""

from __future__ import annotations

import numpy as np
import xarray as xr


def ishigami(inputs: xr.Dataset, a: float = 7.0, b: float = 0.1) -> xr.Dataset:
    """The function, for any number of runs."""
    x1, x2, x3 = inputs["x1"], inputs["x2"], inputs["x3"]
    y = np.sin(x1) + a * np.sin(x2) ** 2 + b * x3**4 * np.sin(x1)
    y.attrs = {"units": "1", "long_name": "Ishigami function"}
    return xr.Dataset({"response": y})
