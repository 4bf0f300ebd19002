r"""What a pilot decides before the surrogate decomposition's final sample: which surrogate, and how to treat Q_j(r).

With h the share of the variance that the residual makes, n single runs and m pick-freeze rows are expected to give
half-widths of 2 sqrt(h/n) + h/2 (the residual's indices bounded) and 2 sqrt(h/(n + 2m) + 2 h^2/m) (found from rows).
"""

from __future__ import annotations

import numpy as np

from surecast.quantify.estimators.effects import SampledEffects, normals_where
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import Model, Task, child, values_at
from surecast.study.bases import Family
from surecast.study.laws.joint import JointLaw
from surecast.train.models.chaos import Expansion, fit_expansion
from surecast.train.points import families

LEAST_ROWS = 30
"""Fewer pick-freeze rows say too little of their own spread."""
PAIR_VARIANCE = 2.0
"""Variance of an index from one pick-freeze row, about."""
HOPELESS = 0.8
"""A residual on the pilot above which no better chaos is expected of more runs."""


class Chaos:
    """Fits sparse polynomial chaos expansions to runs given by their independent uniforms."""

    def __init__(self, law: JointLaw, degree: int, terms: int) -> None:
        self.families: list[Family] = families(law)
        self.degree, self.terms = degree, terms

    def fit(self, points: np.ndarray, values: np.ndarray) -> Expansion:
        """The expansion that the leave-one-out error chooses, from uniforms (n, d) and values (n,)."""
        from threadpoolctl import threadpool_limits

        constant = Expansion(np.zeros((1, points.shape[1]), dtype=np.int16), np.zeros(1), tuple(self.families))
        with threadpool_limits(1):
            return fit_expansion(
                normals_where(constant, points),
                values,
                self.families,
                degree=self.degree,
                norm=0.75,
                most=self.terms,
                selection="lars",
            )[0]


class Pilot:
    """The decisions.

    Parameters
    ----------
    integrand : SobolIntegrand
        The question.
    task : Task
        What the estimator works with.
    chaos : Chaos or None
        What fits expansions; None where none are to be.
    """

    def __init__(self, integrand: SobolIntegrand, task: Task, chaos: Chaos | None) -> None:
        self.integrand, self.task, self.chaos = integrand, task, chaos

    def given(
        self, place: int, drawn: np.ndarray, truth: np.ndarray
    ) -> tuple[Expansion | SampledEffects | None, float]:
        """What of the given surrogate is used for an output, times its coefficient, and the residual's share."""
        variance = float(truth.var()) or 1.0
        fitted = 1.0
        if self.chaos is not None:
            fitted = self._residual_of_fit(drawn, truth / np.sqrt(variance))
            if fitted < HOPELESS:  # of more runs a better chaos: its squared error falls as 1/n or faster
                fitted *= min(1.0, len(truth) / self.task.runs)
        if not self.task.surrogates:
            return None, fitted
        model, each = self.task.surrogates[0], self.integrand.of_output(self.integrand.outputs[place])
        said = values_at(model, each, self.integrand.law.from_uniform(drawn), None)[:, 0]
        beta = _slope(said, truth)
        rest = float((truth - beta * said).var(ddof=1)) / variance if beta else 1.0
        expansion = _expansion(model, each.outputs[0])
        if expansion is not None and self.chaos is not None:
            scaled = Expansion(expansion.indices, beta * expansion.coefficients, expansion.families)
            return (scaled, rest) if beta and rest < fitted else (None, fitted)
        if self.chaos is not None and rest > fitted:
            return None, fitted
        if expansion is not None:
            return Expansion(expansion.indices, beta * expansion.coefficients, expansion.families), rest
        task = self.task
        seed = child(task.seed, 8, place)
        sampled = SampledEffects(each, model, beta, seed, task.surrogate_runs, task.surrogate_chunk)
        if self.chaos is not None and _expected(rest, task.runs) + 2 * sampled.own_error() > _expected(
            fitted, task.runs
        ):
            return None, fitted
        return sampled, rest

    def _residual_of_fit(self, drawn: np.ndarray, truth: np.ndarray) -> float:
        """Share of the variance that a chaos of the rest of the pilot leaves of each fourth."""
        assert self.chaos is not None
        fold = np.arange(len(truth)) % 4
        left = np.empty(len(truth))
        for side in range(4):
            expansion = self.chaos.fit(drawn[fold != side], truth[fold != side])
            left[fold == side] = truth[fold == side] - expansion(normals_where(expansion, drawn[fold == side]))
        return min(float(left.var(ddof=1)), 1.0)

    def share_of_pairs(self, share: float, runs: int) -> float:
        """Share of the runs that is best spent on pick-freeze rows."""
        width = self.integrand.runs_per_row
        expected = {0.0: _expected(share, runs)}
        for pairs in (0.125, 0.25, 0.5, 0.75, 1.0):
            rows = int(pairs * runs) // width
            if rows >= LEAST_ROWS:
                single = (1 - pairs) * runs + 2 * rows
                expected[pairs] = 2 * np.sqrt(share * (1 - share) / single + PAIR_VARIANCE * share**2 / rows)
        return min(expected, key=lambda pairs: expected[pairs])


def _expected(share: float, runs: int) -> float:
    """Half-width expected of single runs and the bound, the residual being a share of the variance."""
    return 2 * float(np.sqrt(share / runs)) + 0.5 * share


def _slope(said: np.ndarray, truth: np.ndarray) -> float:
    """Regression coefficient; 0 where the surrogate explains nothing beyond chance."""
    centred = said - said.mean()
    below = float(centred @ centred)
    if not below > 0:
        return 0.0
    beta = float(centred @ truth) / below
    rest = truth - truth.mean() - beta * centred
    return beta if float(rest @ rest) < (1 - 4 / len(truth)) * float(np.square(truth - truth.mean()).sum()) else 0.0


def _expansion(model: Model, output: str) -> Expansion | None:
    """The polynomial chaos that a model is for an output, or None."""
    model = getattr(model, "models", {}).get(output, model)
    of_law = getattr(model, "of_law", None)
    return None if of_law is None else of_law.expansions.get(output)
