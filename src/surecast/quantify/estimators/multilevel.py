r"""Multilevel Monte Carlo: the finest grid's statistic as a telescoping sum over coupled levels.

    theta = Q_0(A_0) + sum_(l=1..L) (Q_l(A_l) - Q_(l-1)(A_l)),    A_0, ..., A_L independent samples

Q_l is the jackknife's value of the statistic of level l (unbiased for means and variances); both grids of a
difference see the same inputs (and seeds), so that it varies little and takes few of the expensive runs. The sum has
the expectation of the finest level alone, however wrong the coarse ones are. Samples n_l ~ sqrt(V_l/C_l) from a pilot
that enters no estimate; levels that do not pay are left out (see `surecast.quantify.estimators.allocation`), down to
plain Monte Carlo. Interval by Welch and Satterthwaite over the levels.

The discretisation error of the finest grid is no part of the interval.

Giles 2008, Operations Research 56, 607; Giles 2015, Acta Numerica 24, 259, sections 1.2 and 1.3.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.quantify.estimators.allocation import Budget, multilevel
from surecast.quantify.estimators.blocks import Block, Scheme, Term
from surecast.quantify.estimators.fidelities import Fidelities


class Multilevel(Fidelities):
    """Multilevel Monte Carlo over grids of the simulator; needs no surrogate."""

    kind: ClassVar[str] = "multilevel"
    takes_surrogates: ClassVar[bool] = False
    methods: ClassVar[tuple[str, ...]] = ("giles2008", "giles2015")

    def scheme(self, pilot: np.ndarray, budget: Budget) -> Scheme:
        """See `Fidelities.scheme`."""
        sizes = multilevel(pilot, budget)
        one = np.ones(pilot.shape[2])
        blocks, terms = [], []
        for place, model in enumerate(sizes.models):
            pair = sizes.models[place : place + 2]
            blocks.append(Block(int(sizes.samples[place]), pair))
            terms.append(Term(model, (place,), one))
            if len(pair) == 2:
                terms.append(Term(pair[1], (place,), -one))
        return Scheme(tuple(blocks), tuple(terms), sizes.variance * budget.work)
