"""Kirsch's solution: an infinite plate with a circular hole, in tension along x.

With the tension s far away, the hole's radius a, polar coordinates r and t about its centre and q = a^2 / r^2

    s_rr = s/2 (1 - q) + s/2 (1 - 4q + 3q^2) cos 2t
    s_tt = s/2 (1 + q) - s/2 (1 + 3q^2) cos 2t
    s_rt = -s/2 (1 + 2q - 3q^2) sin 2t

(Kirsch, Zeitschrift des Vereines deutscher Ingenieure 42 (1898) 797-807; Timoshenko and Goodier, Theory of Elasticity,
3rd ed. 1970, section 35); at the hole, across the tension, s_tt = 3 s. The displacement, with the shear modulus G and
m = (3 - nu) / (1 + nu) in plane stress, 3 - 4 nu in plane strain, follows from Muskhelishvili's potentials:

    2 G (u + i v) = m f(z) - z conj(f'(z)) - conj(g(z)),   z = x + i y
    f(z) = s/4 (z + 2 a^2 / z),   g(z) = -s/2 (z + a^2 / z - a^4 / z^3)
"""

from __future__ import annotations

import numpy as np


def stress(x: np.ndarray, y: np.ndarray, tension: float, radius: float) -> np.ndarray:
    """Stresses s_xx, s_yy, s_xy at points outside the hole, shape ``(3, ...)``."""
    angle = np.arctan2(y, x)
    q = radius**2 / (x**2 + y**2)
    double, half = 2 * angle, 0.5 * tension
    radial = half * (1 - q) + half * (1 - 4 * q + 3 * q**2) * np.cos(double)
    hoop = half * (1 + q) - half * (1 + 3 * q**2) * np.cos(double)
    shear = -half * (1 + 2 * q - 3 * q**2) * np.sin(double)
    c, s = np.cos(angle), np.sin(angle)
    return np.array(
        [
            radial * c**2 + hoop * s**2 - 2 * shear * s * c,
            radial * s**2 + hoop * c**2 + 2 * shear * s * c,
            (radial - hoop) * s * c + shear * (c**2 - s**2),
        ]
    )


def displacement(
    x: np.ndarray, y: np.ndarray, tension: float, radius: float, shear_modulus: float, kolosov: float
) -> np.ndarray:
    """Displacements u, v, shape ``(2, ...)``; `kolosov` is the constant m above."""
    z = x + 1j * y
    f = 0.25 * tension * (z + 2 * radius**2 / z)
    slope = 0.25 * tension * (1 - 2 * radius**2 / z**2)
    g = -0.5 * tension * (z + radius**2 / z - radius**4 / z**3)
    found = (kolosov * f - z * np.conj(slope) - np.conj(g)) / (2 * shear_modulus)
    return np.array([found.real, found.imag])
