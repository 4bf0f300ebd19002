r"""The algebra of the surrogate decomposition: index and interval from runs, residuals and effects.

With r = f - s, s known up to the effects P_j s and the statistics Q_j(s), V(s) of `effects`,

    Q_j(f) = Q_j(s) + 2 Cov(P_j s, r) + Q_j(r),    V(f) = V(s) + 2 Cov(s, r) + V(r),    S_j = Q_j(f)/V(f),
    0 <= Q_j(r) <= V(r).

Covariances and V(r) are means over independent runs of the simulator that s did not learn from. Q_j(r) is bounded,

    S_j in [ (Q_j(s) + 2 C_j)/V(f), (Q_j(s) + 2 C_j + V(r))/V(f) ],

with an interval that holds the *point* between both ends (Imbens and Manski 2004, equations 6 and 7; each end has its
own error), or found as S_j(r) V(r) from pick-freeze rows, and then mixed with what these rows say by themselves, each
unit with the coefficient of other units. The errors are those of the linearised ratio (delta method), and leave room
for a tail of f beyond the runs, which a surrogate that follows the bulk would hide (see `_unseen`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from surecast.quantify.estimators.cross_fitting import coefficients
from surecast.quantify.estimators.estimator import Figure, Found
from surecast.quantify.intervals import t_quantile, welch
from surecast.quantify.verdict import NEGLIGIBLE, sampling_error, tail_reasons
from surecast.quantify.weights import tail_index

FOLDS = 10
"""Folds of the units, for the weight of the simulator's own pick-freeze estimate."""
ROUNDING = 1e-10
"""Difference of two estimates of an index, a share of 1, that is none."""
_FARTHEST, _REACH = 5, 3.0
"""Units farthest out by which the residual beyond them is judged, and how much larger its share may be there."""


@dataclass(frozen=True)
class Sample:
    """Runs of one fold or of many, by unit: a unit is what was drawn independently (a run, or a row of runs).

    Attributes
    ----------
    unit : (n,) int array
        Unit of each run.
    residual, values : (n,) arrays
        r and s, each less its mean in its fold.
    effects : (n, S) array
        P_j s.
    variance, quadratic : (n,) and (n, S) arrays
        V(s) and Q_j(s) of the run's fold.
    scale : (n,) array
        n/(n - 1) of the run's fold.
    weight : (n,) array
        Weight in the means: the runs of a pick-freeze row are alike, and count as the two that are independent.
    """

    unit: np.ndarray
    residual: np.ndarray
    values: np.ndarray
    effects: np.ndarray
    variance: np.ndarray
    quadratic: np.ndarray
    scale: np.ndarray
    weight: np.ndarray


def decompose(
    sample: Sample, rows: tuple[np.ndarray, np.ndarray] | None, own: tuple[np.ndarray, np.ndarray], level: float
) -> list[Found]:
    """One `Found` for each statistic.

    Parameters
    ----------
    sample : Sample
        The runs. Units 0 .. n2 - 1 are those of `rows`.
    rows : pair of (n2, S) arrays, optional
        Pseudo-values of the indices from pick-freeze rows, of the residual and of the simulator itself; None where
        Q_j(r) is bounded.
    own : (R,) and (R, S) arrays
        Replicates of the surrogate's own V and Q_j, less their means.
    """
    scaled = sample.scale * sample.residual
    square = scaled * sample.residual
    spread = sample.variance + 2 * scaled * sample.values + square
    numerator = sample.quadratic + 2 * scaled[:, None] * sample.effects
    weight, units = sample.weight / sample.weight.sum(), int(sample.unit.max()) + 1
    whole, rest, parts = float(weight @ spread), float(weight @ square), weight @ numerator

    def by_unit(values: np.ndarray) -> np.ndarray:
        return np.bincount(sample.unit, weight * values, units)

    of_whole, of_rest = by_unit(spread - whole), by_unit(square - rest)
    size = units * by_unit(np.square(sample.values + sample.residual)) / whole
    in_rows = 0.0 if rows is None else float(np.sqrt(np.mean(sample.unit < len(rows[1]))))
    spread_known = by_unit(spread - sample.variance)  # what single runs say of V(f), and below of each index
    found = []
    for index in range(len(parts)):
        of_part = by_unit(numerator[:, index] - parts[index])
        part_known = by_unit(numerator[:, index] - sample.quadratic[:, index])
        dof, trust = units - 1.0, 1.0
        if rows is None:
            ends = [parts[index] / whole, (parts[index] + rest) / whole]
            pseudo = [
                value + units * (of_part + end * of_rest - value * of_whole) / whole
                for end, value in zip((0.0, 1.0), ends, strict=True)
            ]
        else:
            of_residual, plain = rows[0][:, index], rows[1][:, index]
            count, share = len(plain), float(of_residual.mean())
            value = (parts[index] + share * rest) / whole
            change = of_part + share * of_rest - value * of_whole
            change[:count] += rest * (of_residual - share) / count
            joined, trust = _with_direct(value + units * change / whole, plain)
            ends, pseudo = [float(joined.mean())], [joined]
            # What the rows alone know has their degrees of freedom, the rest those of all units.
            alone = float((trust * rest / whole * of_residual + (1 - trust) * plain).var(ddof=1)) / count
            every = float(joined.var(ddof=1)) / units
            if every > 0:
                dof = welch([(alone, count - 1.0), (max(every - alone, 0.0), units - 1.0)])
        errors = []
        for value, values in zip(ends, pseudo, strict=True):
            surrogate = trust * (own[1][:, index] - value * own[0]) / whole
            own_error = float(surrogate.std(ddof=1)) / np.sqrt(len(surrogate)) if len(surrogate) > 1 else 0.0
            changed = (np.abs(part_known) + abs(value) * np.abs(spread_known)) * units / whole
            unseen = _unseen(size, changed, max(abs(value), 1 - abs(value)), level)
            beyond = float(np.hypot(values.std(ddof=1) / np.sqrt(units), unseen / t_quantile(level, units - 1)))
            if rows is not None:  # what needs no surrogate has no such room: rows alone, were all runs in rows
                beyond = min(beyond, sampling_error(rows[1][:, index], level) * in_rows)
            errors.append(float(np.hypot(max(sampling_error(values, level), beyond), own_error)))
        interval = held(ends, errors, dof, level)
        narrow = interval.high - interval.low <= 2 * NEGLIGIBLE
        # One run that the surrogate did not foresee may make most of the error: the interval is widened for that, and
        # for what is unseen. It is a doubt where the simulator's own spread is not seen either.
        seen = not tail_reasons(size if rows is None else rows[1][:, index])
        reasons = [] if narrow or seen else [reason for values in pseudo for reason in tail_reasons(values)]
        found.append(
            Found(
                interval,
                tuple(dict.fromkeys(reasons)),
                diagnostics={"residual_share": rest / whole, "bounded": float(rows is None)},
            )
        )
    return found


def _unseen(size: np.ndarray, changed: np.ndarray, most: float, level: float) -> float:
    """What units farther out than any seen may change in an index that a surrogate knows from the bulk alone.

    By the rule of three fewer than -log(1 - level) units as far out as the farthest may be unseen. With a tail of
    index k those beyond x lie k x/(1 - k) farther out on average (the mean excess of a Pareto law). The residual's
    share of the squared response there is taken as larger than at the units farthest out, by `_REACH` in odds.

    Parameters
    ----------
    size : (units,) array
        Squared responses, in units of their mean.
    changed : (units,) array
        How much the residual of each changes the index, times the number of units.
    most : float
        The most that a share of the squared response can change it.
    """
    top = np.argpartition(size, -_FARTHEST)[-_FARTHEST:] if len(size) > _FARTHEST else np.arange(len(size))
    share = min(float(changed[top].sum() / size[top].sum()) / most, 1.0)
    share *= most * _REACH / (1 + (_REACH - 1) * share)
    k = min(max(tail_index(size), 0.0), 0.5)
    return float(-np.log1p(-level) * k / (1 - k) * share * size[top].max() / len(size))


def _with_direct(decomposed: np.ndarray, plain: np.ndarray) -> tuple[np.ndarray, float]:
    """Pseudo-values (units,) of the best mixture with the pick-freeze estimate of the rows themselves, and its trust.

    Both estimate one number; their difference is a control variate of mean zero. An index near 0 is seen by rows
    directly, far better than by the difference of two large parts.

    Parameters
    ----------
    decomposed : (units,) array
        Pseudo-values of the decomposition.
    plain : (n2,) array
        Pseudo-values of the simulator's rows, which are the first n2 units.
    """
    direct = np.full(len(decomposed), plain.mean())
    direct[: len(plain)] += len(decomposed) / len(plain) * (plain - plain.mean())
    apart = decomposed - direct
    if np.ptp(apart) <= ROUNDING:  # no surrogate: the same but for rounding
        return decomposed, 1.0
    taken, left = coefficients(decomposed, apart[:, None], FOLDS, np.zeros((1, 1)))
    return left, 1 - float(taken.mean())


def held(ends: list[float], errors: list[float], dof: float, level: float) -> Figure:
    """Interval of a number known to lie between two ends, each with its standard error.

    low = l - c se_l and high = u + c se_u with T(c + (u - l)/max se) - T(-c) = level, T Student's distribution: c is
    the two-sided quantile where the ends meet and falls to the one-sided one where they are far apart.
    """
    width, error = ends[-1] - ends[0], max(errors)
    gap = width / error if error > 0 else np.inf
    low, high = special.stdtrit(dof, level), special.stdtrit(dof, 0.5 + 0.5 * level)
    for _ in range(60):
        middle = 0.5 * (low + high)
        enough = special.stdtr(dof, middle + gap) - special.stdtr(dof, -middle) >= level
        low, high = (low, middle) if enough else (middle, high)
    bottom, top = ends[0] - high * errors[0], ends[-1] + high * errors[-1]
    return Figure(0.5 * (ends[0] + ends[-1]), float(bottom), float(top), error)
