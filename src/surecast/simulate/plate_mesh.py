"""A quarter of a square plate with an elliptic hole, as the image of the unit square.

    (s, t) -> hole(t)^(1 - s) side(t)^s (cos(pi t / 2), sin(pi t / 2)),   0 <= s, t <= 1

s goes from the hole to the sides x = 1 and y = 1 of the plate along a ray, t from the x axis to the y axis; hole and
side are their distances from the middle on the ray. These are polar coordinates with the logarithm of the radius: equal
cells of the unit square grow with their distance from the middle. The side has a kink at t = 1/2, the corner (1, 1): a
line between cells where their number is even.
"""

from __future__ import annotations

import numpy as np


def positions(s: np.ndarray, t: np.ndarray, semi_axis_x: float, semi_axis_y: float) -> np.ndarray:
    """x and y of points, shape ``(2, ...)``, in half widths of the plate.

    Parameters
    ----------
    s, t : ndarray
        Coordinates on the unit square.
    semi_axis_x, semi_axis_y : float
        Semi-axes of the hole, below 1.
    """
    angle = 0.5 * np.pi * t
    # On the axes a sine or cosine is 0, not a rounding error: a node there is where the plate is held.
    cosine, sine = np.where(t == 1, 0.0, np.cos(angle)), np.sin(angle)
    hole = semi_axis_x * semi_axis_y / np.hypot(semi_axis_y * cosine, semi_axis_x * sine)
    side = 1 / np.maximum(cosine, sine)
    radius = hole ** (1 - s) * side**s
    return np.array([radius * cosine, radius * sine])
