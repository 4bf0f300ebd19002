"""The paper's systems, and that every solver of the check solves them."""

from __future__ import annotations

import numpy as np

from surecast.papers.dcdm import conjugate_gradients, directed, system
from surecast.simulate.linear.direct import Direct
from surecast.simulate.linear.incomplete_cholesky import incomplete_cholesky
from surecast.study.seeds import generator
from surecast.train.preconditioners.fit import fit_preconditioner


def test_every_solver_solves_the_same_system():
    network = fit_preconditioner(16, 5, batch=2, width=4)
    for obstacles in (False, True):
        given = system(32, generator(0, "tests", "dcdm"), obstacles)
        exact = Direct().sequence().solve(given).u
        factor = incomplete_cholesky(given.matrix)
        plain, helped = conjugate_gradients(given, 1e-9), conjugate_gradients(given, 1e-9, factor)
        answers = (plain, helped, directed(given, network, 1e-9))
        for answer in answers:
            assert answer.residual <= 1.01e-9
            assert np.linalg.norm(answer.u - exact) <= 1e-6 * np.linalg.norm(exact)
        assert helped.products < 0.6 * plain.products
        assert (np.diff(given.matrix.indptr) == 1).any() == obstacles
