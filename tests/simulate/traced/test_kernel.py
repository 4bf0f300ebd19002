"""Kernels: the bits of the loops that they were traced from, few calls for many cells, errors of what cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from surecast.simulate.traced.terms import Terms
from surecast.simulate.traced.trace import trace
from surecast.study.errors import ComponentError


def reaction(u, a, b, t):
    """Cells on a ring with a closed wall in it, some of every operation."""
    n = len(u)
    du = np.empty_like(u)
    for i in range(n):
        flux = u[(i + 1) % n] - u[i] if i != n // 2 else 0.0
        inward = u[i] - u[i - 1] if i != n // 2 + 1 else 0.0
        du[i] = a * (flux - inward) + np.exp(-u[i]) * np.sin(b * t) / (1.0 + u[i] ** 2)
        du[i] = du[i] + np.maximum(u[i], 0.5) - abs(u[i] - b) + np.tanh(u[i] * 3.0) ** 1.5
    du[0] = du[0] + sum(u[i] * u[i] for i in range(n))
    return du


@pytest.mark.parametrize("runs", [1, 5])
@pytest.mark.parametrize("n", [3, 40])
def test_values_are_those_of_the_loops(n, runs):
    draw = np.random.default_rng(0)
    u, a, b = draw.random((n, runs)), draw.random(runs), draw.random(runs)
    loops = np.stack([reaction(u[:, run], a[run], b[run], 0.3) for run in range(runs)], axis=1)
    as_written = trace(reaction, (n,), ("a", "b"), table=Terms(simple=False))
    np.testing.assert_array_equal(as_written.prepare({"a": a, "b": b}, runs)(u, 0.3), loops)
    simple = trace(reaction, (n,), ("a", "b"))
    prepared = simple.prepare({"a": a, "b": b}, runs)
    np.testing.assert_allclose(prepared(u, 0.3), loops, rtol=0, atol=1e-13)
    first = prepared(u, 0.3)
    prepared(2 * u, 0.7)
    np.testing.assert_array_equal(prepared(u, 0.3), first)
    assert simple.operations < as_written.operations


def test_bits_of_a_run_depend_on_no_other_run():
    draw = np.random.default_rng(1)
    u, a, b = draw.random((30, 7)), draw.random(7), draw.random(7)
    kernel = trace(reaction, (30,), ("a", "b"))
    whole = kernel.prepare({"a": a, "b": b}, 7)(u, 0.1)
    for run in range(7):
        alone = kernel.prepare({"a": a[run : run + 1], "b": b[run : run + 1]}, 1)(u[:, run : run + 1], 0.1)
        np.testing.assert_array_equal(alone, whole[:, run : run + 1])


def heat(u, diffusivity):
    m, n = u.shape
    du = np.empty_like(u)
    for i in range(m):
        for j in range(n):
            around = u[i - 1, j] + u[(i + 1) % m, j] + u[i, j - 1] + u[i, (j + 1) % n]
            du[i, j] = diffusivity * n**2 * (around - 4 * u[i, j])
    return du


def test_as_many_calls_for_more_cells_and_parameters_alone_are_done_once():
    small, large = (trace(heat, (n, n), ("diffusivity",)) for n in (8, 24))
    assert len(large._each) == len(small._each) == 6
    assert len(large._once) == 1
    assert large.operations == 6 * 24**2 + 1
    u = np.random.default_rng(2).random((24, 24))
    around = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
    found = large.prepare({"diffusivity": np.array([0.3])}, 1)(u.reshape(-1, 1))
    np.testing.assert_allclose(found[:, 0], (0.3 * 576 * (around - 4 * u)).ravel(), rtol=1e-13, atol=1e-12)


def test_whole_arrays_constants_and_the_state_itself_are_traced_too():
    kernel = trace(lambda u: [u[1], 2.5, 3.0 * u[0] - np.sum(u)], (3,), ())
    np.testing.assert_allclose(kernel.prepare({}, 1)(np.array([[1.0], [2.0], [4.0]]))[:, 0], [2.0, 2.5, -4.0])
    kernel = trace(lambda u: np.roll(u, 1) * u, (3,), ())
    np.testing.assert_allclose(kernel.prepare({}, 1)(np.array([[1.0], [2.0], [4.0]]))[:, 0], [4.0, 2.0, 8.0])


def into_floats(u):
    du = np.zeros(len(u))
    du[0] = u[1]
    return du


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda u: u[:1], r"shape \(1,\) for a state of the shape \(2,\)"),
        (lambda u: [math.exp(one) for one in u], "cannot be traced .TypeError: a number of the state was asked"),
        (into_floats, "or put into an array of floats.. Remedy: make arrays like the state"),
        (lambda u: [one if one > 0 else 0 for one in u], "branches on the state"),
        (lambda u: 1 / 0, "cannot be traced .ZeroDivisionError"),
        (lambda u, a: u, "cannot be traced .TypeError: .* missing 1 required"),
    ],
)
def test_what_cannot_be_traced_says_so(function, message):
    with pytest.raises(ComponentError, match=message):
        trace(function, (2,), ())
