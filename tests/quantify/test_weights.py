"""The tail index of samples whose tail is known."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.weights import tail_index


@pytest.mark.parametrize("k", [0.25, 0.5, 1.0])
def test_pareto_tails_are_found(k):
    found = [tail_index(np.random.default_rng(seed).pareto(1 / k, 20000) + 1) for seed in range(10)]
    assert np.mean(found) == pytest.approx(k, abs=0.1)


def test_bounded_weights_have_no_tail():
    uniform = np.random.default_rng(0).random(5000)
    assert tail_index(uniform) < 0.1
    assert tail_index(np.ones(1000)) == 0.0
    assert tail_index(np.concatenate([np.zeros(500), uniform])) == pytest.approx(tail_index(uniform))


def test_few_values_tell_nothing():
    assert tail_index(np.ones(10)) == 1.0
    assert tail_index(np.zeros(100)) == 1.0
