"""Cole and Hopf's solution against the equation itself."""

import numpy as np
import pytest

from surecast.simulate import cole_hopf

MODES = np.array([0.2, 0.5 - 0.3j, -0.1 + 0.2j])


def initial(points):
    x = np.arange(points) / points
    return (np.exp(2j * np.pi * np.outer(x, np.arange(len(MODES)))) @ MODES).real


def test_starts_at_the_initial_state():
    np.testing.assert_allclose(cole_hopf.solution(MODES, 0.05, 0.0, 64), initial(64), rtol=0, atol=1e-11)


def test_solves_the_equation():
    nu, t, h, points = 0.03, 0.2, 1e-4, 512
    before, now, after = (cole_hopf.solution(MODES, nu, t + shift, points) for shift in (-h, 0.0, h))
    k = 2j * np.pi * np.fft.rfftfreq(points, 1 / points)
    flux = np.fft.irfft(k * np.fft.rfft(0.5 * now**2), n=points)
    diffusion = nu * np.fft.irfft(k**2 * np.fft.rfft(now), n=points)
    np.testing.assert_allclose((after - before) / (2 * h), diffusion - flux, rtol=0, atol=2e-5)


def test_keeps_the_mean():
    assert cole_hopf.solution(MODES, 0.02, 0.7, 128).mean() == pytest.approx(0.2, abs=1e-12)
