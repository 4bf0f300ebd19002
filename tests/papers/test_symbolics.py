"""The paper's equations against each other: loops, whole arrays, terms one by one, kernels."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.papers.symbolics import (
    REACTIONS,
    SPECIES,
    brusselator,
    brusselator_by_arrays,
    logistic,
    mass_action,
    mass_action_once,
    network,
    nothing_shared,
    one_by_one,
    traced_network,
)
from surecast.simulate.traced.kernel import Kernel
from surecast.simulate.traced.terms import Terms, in_order, operations, rebuilt
from surecast.simulate.traced.trace import trace


def test_the_brusselator_is_the_same_however_it_is_calculated():
    u = np.random.default_rng(0).random((2, 5, 6))
    loops = brusselator(u, 1.0, 3.0, 0.02)
    np.testing.assert_allclose(brusselator_by_arrays(u, 1.0, 3.0, 0.02), loops, rtol=0, atol=1e-13)
    kernel = trace(brusselator, u.shape, ("a", "b", "diffusivity"))
    given = {"a": np.array([1.0]), "b": np.array([3.0]), "diffusivity": np.array([0.02])}
    np.testing.assert_allclose(kernel.prepare(given, 1)(u.reshape(-1, 1))[:, 0], loops.ravel(), rtol=0, atol=1e-13)
    rest = np.stack([np.full((4, 4), 1.0), np.full((4, 4), 3.0)])
    np.testing.assert_allclose(brusselator(rest, 1.0, 3.0, 0.02), 0, atol=1e-14)  # u = a, v = b/a


def test_the_network_is_the_same_however_it_is_calculated():
    reactions = network(1)
    assert len(reactions) == REACTIONS
    draw = np.random.default_rng(1)
    x, k = draw.random(SPECIES), draw.random(REACTIONS)
    found = np.array(mass_action(x, k, reactions))
    np.testing.assert_allclose(mass_action_once(x, k, reactions), found, rtol=0, atol=1e-13)
    terms = traced_network(mass_action, reactions, Terms())
    given = {f"k{place}": one for place, one in enumerate(k)}
    np.testing.assert_allclose(one_by_one(in_order(terms), terms, x, given), found, rtol=0, atol=1e-13)
    kernel = Kernel(terms, SPECIES, tuple(given))
    rates = {name: np.array([one]) for name, one in given.items()}
    np.testing.assert_allclose(kernel.prepare(rates, 1)(x[:, None])[:, 0], found, rtol=0, atol=1e-13)
    # By hand: A + B -> C with the constant 2.
    assert mass_action([3.0, 5.0, 0.0], [2.0], [([0, 1], [2])]) == [-30.0, -30.0, 30.0]


def test_the_logistic_map_is_shared_and_the_control_is_not():
    shared = logistic(Terms(simple=False))
    assert operations([shared]) == 36
    assert operations([shared], once=False) == 3 * (2**12 - 1)
    tree = rebuilt(shared, Terms(shared=False, simple=False))
    assert operations([tree]) == operations([tree], once=False) == 3 * (2**12 - 1)
    control = nothing_shared(Terms(simple=False))
    assert operations([control]) == operations([control], once=False) == 2**12 - 1
    x = 0.3
    for _ in range(12):
        x = 4 * x * (1 - x)
    root = rebuilt(shared, Terms())
    assert one_by_one(in_order([root]), [root], np.array([0.3]), {}) == pytest.approx([x], abs=1e-9)
