"""The systems of three papers' checks, at a small size: what they are, and that the arms are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.papers.learn_relax import heat, matrix, played, sweeps
from surecast.papers.skr import arm, darcy, factorised, flow, helmholtz
from surecast.simulate.linear.bandits import TsallisINF
from surecast.simulate.linear.five_point import centres
from surecast.simulate.linear.relaxation import sor
from surecast.study.seeds import generator


def test_the_flow_matrix_is_the_simulators():
    """p linear in x is no flow in y and the same through every x: only cells at the left side feel its head."""
    a = flow(np.full((6, 6), 2.0))
    p = np.broadcast_to(1 - centres(6), (6, 6)).reshape(-1)
    expected = np.zeros((6, 6))
    expected[:, 0] = 4.0  # 2 k times the head 1
    np.testing.assert_allclose(a @ p, expected.reshape(-1), atol=1e-13)
    assert abs(a - a.T).max() == 0


@pytest.mark.parametrize("made", [helmholtz, darcy])
def test_every_arm_solves_to_a_true_residual(made):
    systems = made(generator(0, "tests", "skr"), 6, 12)
    arms = [arm(systems, range(6), recycled=0), arm(systems, range(6), carry=False), arm(systems, range(6))]
    assert max(one.residual for one in arms) <= 1e-8
    assert factorised(systems) > 0
    assert arms[2].products < arms[1].products <= arms[0].products
    values = np.linalg.eigvalsh(systems[0].matrix.toarray())
    assert (values[0] < 0) == (made is helmholtz)


def test_sweeps_are_those_of_sor():
    a, f = matrix(-0.1), generator(0, "tests", "learn-relax").standard_normal(100)
    for relaxation in (1.3, 1.8):
        assert abs(sweeps(a.toarray(), f, relaxation) - sor(a, f, relaxation, 1e-8, 5000)[1]) <= 1


def test_who_is_told_wrong_costs_learns_nothing():
    costs = np.tile([60.0, 10.0, 40.0, 80.0], (1500, 1))
    shifts = np.zeros(1500)
    told = played(TsallisINF(4, generator(1, "tests", "learn-relax")), shifts, costs)
    blind = played(TsallisINF(4, generator(1, "tests", "learn-relax")), shifts, costs, blind=True)
    assert told[750:].mean() < 20 < 35 < blind[750:].mean()


def test_the_run_of_heat_conduction_counts_iterations():
    found = heat(steps=4)
    assert found["best of the relaxations throughout"] <= found["learnt"]
