"""Epistemic inputs: lower and upper bounds of every statistic over their values (a p-box), by a nested outer loop.

An epistemic input e has one unknown value in a range; the statistic theta(e) is over the aleatory inputs alone.
With K values e_k (all corners of the box first, then Sobol points inside), each with an interval at the level
1 - alpha/K from runs of its own,

    lower: min_k theta(e_k) in [min_k low_k, min_k high_k],    upper: max_k theta(e_k) in [max_k low_k, max_k high_k],

all of them together with probability 1 - alpha (Bonferroni). The bounds are those over the values tried: they are those
over the whole box for a statistic that is monotone in each input, another may go beyond (Ferson et al. 2003,
probability boxes; the nested loop as in Eldred, Swiler and Tang 2011). Of more than six inputs the corners are too many
to try: that is a doubt. Epistemic and aleatory inputs are never averaged together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.quantify.estimates import Estimate, Point
from surecast.quantify.estimators.estimator import Estimator
from surecast.quantify.sampling import Model, Task
from surecast.study.errors import EstimationError
from surecast.study.laws.given import GivenLaw, require_ranges
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    import xarray as xr

    from surecast.quantify.question import Question

METHODS = ("ferson2003",)
MOST_CORNERS = 64
"""More corners of the box than this are not tried."""


def places(dimension: int, count: int) -> np.ndarray:
    """Places (n, dimension) in the unit box, at least `count`: equidistant in one dimension, else corners and Sobol.

    All corners are among them where they are at most 64.
    """
    if dimension == 1:
        return np.linspace(0, 1, count)[:, None]
    from scipy.stats import qmc

    corners = np.empty((0, dimension))
    if _has_corners(dimension):
        corners = np.array(np.meshgrid(*[[0.0, 1.0]] * dimension, indexing="ij")).reshape(dimension, -1).T
    # The first Sobol point is the origin, a corner; the second the centre.
    inside = qmc.Sobol(dimension, scramble=False).random_base2(math.ceil(math.log2(count + 2)))[1:]
    return np.concatenate([corners, inside[: max(count - len(corners), 0)]])


def _has_corners(dimension: int) -> bool:
    return 2**dimension <= MOST_CORNERS


def p_boxes(question: Question, law: JointLaw, estimator: Estimator, task: Task) -> list[Estimate]:
    """Lower and upper bound of every statistic by one estimator.

    Parameters
    ----------
    question : Question
        Its `epistemic_values` are tried, and all corners; its runs are shared equally among them.
    law : JointLaw
        Law of all inputs, some of them epistemic.
    task : Task
        What the estimator works with.

    Raises
    ------
    EstimationError
        If the question cannot be asked with epistemic inputs, or the runs are too few for so many values.
    """
    check(question, law)
    tried = places(len(law.epistemic), question.epistemic_values)
    count = len(tried)
    inner = replace(
        task,
        runs=task.runs // count,
        level=1 - (1 - task.level) / count,
        surrogates=[_Conditioned(model) for model in task.surrogates],
        steps=0,
    )
    by_value = [estimator.estimate(question.integrand(GivenLaw(law, place)), inner) for place in tried]
    doubts: tuple[str, ...] = ()
    if not _has_corners(len(law.epistemic)):
        doubts = (
            f"the bounds are over {count} values tried of {len(law.epistemic)} epistemic inputs, not all corners",
        )
    return [
        _bound([estimates[index] for estimates in by_value], name, best, task.level, doubts)
        for index in range(len(by_value[0]))
        for name, best in (("lower", min), ("upper", max))
    ]


def check(question: Question, law: JointLaw) -> None:
    """Refuse what cannot be bounded over epistemic inputs, with the reason; nothing to refuse where there are none.

    Raises
    ------
    EstimationError
        If the question reweights or reuses runs, an input is no range, or the runs are too few.
    """
    if not law.epistemic:
        return
    if not question.takes_epistemic:
        raise EstimationError(
            f"a question of this kind takes runs of one law: it cannot hold {law.epistemic[0]!r} fixed, "
            "which is epistemic.",
            "ask moments, exceedance, quantiles or tail, or make the input aleatory.",
        )
    require_ranges(law)
    width = question.integrand(GivenLaw(law, np.zeros(len(law.epistemic)))).runs_per_row
    count = len(places(len(law.epistemic), question.epistemic_values))
    least = 50 * width * count
    if question.runs < least:
        raise EstimationError(
            f"{question.runs} runs are too few for {count} values of the epistemic inputs.",
            f"raise the question's `runs` to {least} or more, or lower `epistemic_values`.",
        )


def _bound(
    estimates: Sequence[Estimate],
    name: str,
    best: Callable[[list[float]], float],
    level: float,
    doubts: tuple[str, ...],
) -> Estimate:
    first = estimates[0]
    value, low, high = (best([getattr(e, end) for e in estimates]) for end in ("value", "low", "high"))
    place = [e.value for e in estimates].index(value)
    spent = sum(e.simulator_runs for e in estimates)
    return replace(
        first,
        statistic=replace(first.statistic, name=f"{name} {first.statistic.name}"),
        value=value,
        low=low,
        high=high,
        standard_error=estimates[place].standard_error,
        level=level,
        simulator_runs=spent,
        surrogate_runs=sum(e.surrogate_runs for e in estimates),
        plain_variance=math.nan,
        failed_runs=sum(e.failed_runs for e in estimates),
        doubts=(*dict.fromkeys(doubt for e in estimates for doubt in e.doubts), *doubts),
        convergence=(Point(spent, value, low, high),),
        methods=(*first.methods, *METHODS),
        diagnostics={"epistemic_values": float(len(estimates)), "place": float(place)},
        covariance=(),
        picture={},
    )


class _Conditioned:
    """A surrogate without its exact statistics: these are over the epistemic inputs too."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        return self._model(inputs)

    def __getattr__(self, name: str) -> Any:
        if name in ("exact_statistics", "_model"):
            raise AttributeError(name)
        return getattr(self._model, name)
