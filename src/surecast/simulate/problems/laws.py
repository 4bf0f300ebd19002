"""Input laws of the problems by the parameters that the literature gives, as study files write them."""

from __future__ import annotations

import math
from typing import Any


def uniform(low: float, high: float, **more: Any) -> dict[str, Any]:
    """Uniform between two values."""
    return {"kind": "uniform", "low": low, "high": high, **more}


def normal(mean: float, standard_deviation: float, **more: Any) -> dict[str, Any]:
    """Normal; `lower` and `upper` truncate."""
    return {"kind": "normal", "mean": mean, "standard_deviation": standard_deviation, **more}


def standard_normals(dimension: int) -> dict[str, dict[str, Any]]:
    """Inputs u1, u2, ...: independent standard normals."""
    return {f"u{index + 1}": normal(0.0, 1.0) for index in range(dimension)}


def lognormal(mu: float, sigma: float, **more: Any) -> dict[str, Any]:
    """exp of a normal with mean `mu` and standard deviation `sigma`."""
    return {"kind": "lognorm", "s": sigma, "scale": math.exp(mu), **more}


def lognormal_by_moments(mean: float, standard_deviation: float, **more: Any) -> dict[str, Any]:
    """Lognormal by its own mean m and deviation s: sigma^2 = log(1 + s^2/m^2), mu = log m - sigma^2/2."""
    square = math.log1p((standard_deviation / mean) ** 2)
    return lognormal(math.log(mean) - square / 2, math.sqrt(square), **more)


def triangular(low: float, mode: float, high: float, **more: Any) -> dict[str, Any]:
    """Triangular on [low, high]."""
    return {"kind": "triang", "c": (mode - low) / (high - low), "loc": low, "scale": high - low, **more}


def gumbel(location: float, scale: float, **more: Any) -> dict[str, Any]:
    """Gumbel law of maxima."""
    return {"kind": "gumbel_r", "loc": location, "scale": scale, **more}
