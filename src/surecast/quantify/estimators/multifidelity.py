r"""Multifidelity Monte Carlo: few runs of the finest model, corrected along a chain of cheaper ones.

    theta = Q_1(A_1) + sum_(k=2..K) alpha_k (Q_k(A_k) - Q_k(A_(k-1))),    A_1 in A_2 in ... in A_K

Models in falling order of their correlation with the finest: coarser grids, surrogates, or both; samples
m_1 < m_2 < ... nested; alpha_k = rho_k s_1/s_k for each statistic. Order, selection, coefficients and samples come
from a pilot that enters no estimate, so that each correction has expectation 0 and the estimate that of the finest
model; models that do not pay are dropped (see `surecast.quantify.estimators.allocation`). A surrogate costs
nothing and is evaluated `surrogate_runs` times. Interval by Welch and Satterthwaite over the increments of the sample.

Peherstorfer, Willcox and Gunzburger 2016, SIAM J. Sci. Comput. 38, A3163, sections 2 and 3.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.quantify.estimators.allocation import Budget, multifidelity
from surecast.quantify.estimators.blocks import Scheme, Term, nested_blocks
from surecast.quantify.estimators.fidelities import Fidelities


class Multifidelity(Fidelities):
    """Multifidelity Monte Carlo over grids of the simulator and surrogates."""

    kind: ClassVar[str] = "multifidelity"
    methods: ClassVar[tuple[str, ...]] = ("peherstorferwillcox2016",)

    def scheme(self, pilot: np.ndarray, budget: Budget) -> Scheme:
        """See `Fidelities.scheme`."""
        sizes = multifidelity(pilot, budget)
        blocks, sets = nested_blocks(sizes.models, sizes.samples.astype(int).tolist())
        terms = [Term(0, sets[0], np.ones(pilot.shape[2]))]
        for place, model in enumerate(sizes.models[1:], start=1):
            alpha = slopes(pilot[0], pilot[model])
            terms += [Term(model, sets[place], alpha), Term(model, sets[place - 1], -alpha)]
        return Scheme(tuple(blocks), tuple(terms), sizes.variance * budget.work)


def slopes(response: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Cov/Var (S,) of pseudo-values (n, S); 0 where the control does not vary."""
    centred = control - control.mean(axis=0)
    below = np.square(centred).sum(axis=0)
    above = (centred * (response - response.mean(axis=0))).sum(axis=0)
    return np.asarray(np.divide(above, below, out=np.zeros_like(below), where=below > 0))
