"""Aiming a proposal at an event: refine surrogates, search their event, correct with a pilot of simulator runs.

The squared correlation on the validation runs, which ranks surrogates, says little of a rare event: all are judged
by runs near the event, the best two are searched, and the proposal holds what both found. Half of the pilot
corrects the surrogates and the aim where it finds failures that the surrogates do not know; by the other half,
which no surrogate has learnt from, the control and its coefficient are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surecast.quantify.estimators.gaussians import Gaussian, Mixture, fit_gaussian, fit_shares
from surecast.quantify.estimators.refinement import Refinement
from surecast.quantify.estimators.search import guarded, guards, reliability_index
from surecast.quantify.normal_space import NormalSpace, Predictor

if TYPE_CHECKING:
    from surecast.quantify.estimators.importance_sampling import ImportanceSampling

_EXPLORERS = 2
_OPTIMISM = 1.0
_LARGEST_DEFENCE = 0.5


@dataclass(frozen=True)
class Aim:
    """Proposal (its last two components are the law and the inflated law), and what the pilot chose.

    Parameters
    ----------
    coefficient : float
        Of the control's indicator as control variate, 0 to 1.
    control : Predictor
        The surrogate that is the control.
    refitted : bool
        Whether it learnt from the refinement.
    explored : float
        Probability of the event by the surrogates that were searched, roughly.
    reached : bool
        Whether one of them reaches the event at all.
    aimed : int
        Number of aimed components.
    error : float
        Root mean square, under the input law, of the control's error in the margin.
    refinement, pilot : int
        Runs spent.
    """

    proposal: Mixture
    coefficient: float
    control: Predictor
    refitted: bool
    explored: float
    reached: bool
    aimed: int
    error: float
    refinement: int
    pilot: int


def aim(space: NormalSpace, settings: ImportanceSampling, refinement: int, pilot: int) -> Aim:
    """Refine with at most so many runs, then correct with a pilot."""
    active = Refinement(space, settings.rank, settings.components, settings.samples)
    active.refine(refinement)
    spent = active.spent
    components, shares, likely, reached = _found(active, settings)
    defence = guards(space.dimension, reliability_index(likely))
    share = max(settings.defence, 0.4)
    first = guarded(components, shares, defence, share)
    z = first.draw(active.stream, pilot // 2)
    event = np.nan_to_num(active.observe(z))
    known = space.margin_of(active.leaders(1)[0].fitted.values(z)) > 0
    active.learn()
    components, shares, again, so = _found(active, settings)
    likely, reached = (again, so) if so else (likely, reached)
    weights = np.exp(space.log_law(z) - first.log_density(z))
    components, shares = _corrected(components, shares, z, event, event * weights, known, settings.rank)
    defence = guards(space.dimension, reliability_index(likely))
    second = guarded(components, shares, defence, share)
    fresh = second.draw(active.stream, pilot - len(z))
    rivals = active.leaders(len(active.rivals))
    predicted = np.stack([space.margin_of(rival.fitted.values(fresh)) for rival in rivals], axis=1)
    happened, margin = space.truth(fresh)
    event = np.nan_to_num(happened)
    weights = np.exp(space.log_law(fresh) - second.log_density(fresh))
    seen = (predicted > 0).astype(float)
    ratio = (space.task.runs - active.spent - len(fresh)) / space.task.surrogate_runs
    control, coefficient = _control(event, seen, weights, ratio)
    components, shares = _corrected(
        components, shares, fresh, event, event * weights, seen[:, control] > 0, settings.rank
    )
    missing = float(np.sum(weights * np.abs(event - seen[:, control])))
    missing /= max(float(np.sum(weights * event)), 1e-300)
    share = float(np.clip(0.5 * missing, settings.defence, _LARGEST_DEFENCE))
    residuals = margin - predicted[:, control]
    error = float(np.sqrt(np.nansum(weights * residuals**2) / np.sum(weights[~np.isnan(residuals)])))
    return Aim(
        guarded(components, shares, defence, share),
        coefficient,
        rivals[control].fitted,
        rivals[control].learns,
        likely,
        reached,
        len(components),
        error,
        spent,
        pilot,
    )


def _found(active: Refinement, settings: ImportanceSampling) -> tuple[list[Gaussian], np.ndarray, float, bool]:
    """Components and shares of what the best surrogates find, its rough probability, and whether any reached it."""
    # A Gaussian as narrow as the surrogate's own event would leave huge weights to the failures just outside it.
    found = [active.search(rival, settings.samples, optimism=_OPTIMISM) for rival in active.leaders(_EXPLORERS)]
    reached = [one for one in found if one.reached] or found
    components = [component for one in reached for component in one.components]
    shares = np.concatenate([one.shares for one in reached]) / len(reached)
    return components, shares, float(np.mean([one.probability for one in reached])), any(o.reached for o in found)


def _corrected(
    components: list[Gaussian],
    shares: np.ndarray,
    z: np.ndarray,
    event: np.ndarray,
    mass: np.ndarray,
    known: np.ndarray,
    rank: int,
) -> tuple[list[Gaussian], np.ndarray]:
    """Add components where the pilot failed, and set all shares by cross-entropy on the pilot's failures.

    The heaviest failures that the surrogate does not know get a Gaussian each, around those near them. The pilot's
    shares are averaged with those of the search, for the pilot is small.
    """
    added = list(components)
    failures = event > 0
    unknown = np.flatnonzero(failures & ~known)
    for k in unknown[np.argsort(-mass[unknown], kind="stable")][:3]:
        near = unknown[np.square(z[unknown] - z[k]).sum(axis=1) <= 4.0]
        added.append(fit_gaussian(z[near], mass[near], rank))
    if not failures.any():
        return added, shares
    fitted = fit_shares(np.stack([c.log_density(z) for c in added], axis=1)[failures], mass[failures], least=0.2)
    new = len(added) - len(components)
    return added, 0.5 * fitted + 0.5 * np.append((1 - 0.1 * new) * shares, np.full(new, 0.1))


def _control(event: np.ndarray, seen: np.ndarray, weights: np.ndarray, ratio: float) -> tuple[int, float]:
    """Surrogate whose weighted indicator follows the simulator's best, and its coefficient.

    The best coefficient is Cov/(Var (1 + ratio)), with `ratio` the final sample's size over that of the
    surrogate's own: the less its own probability is known, the smaller. Of equals the first is taken.
    """
    failure = event * weights
    best, coefficient, score = 0, 0.0, 0.0
    for k in range(seen.shape[1]):
        predicted = seen[:, k] * weights
        variance = float(predicted.var())
        if variance <= 0 or float(failure.var()) <= 0:
            continue
        covariance = float(np.mean((failure - failure.mean()) * (predicted - predicted.mean())))
        correlation = covariance / np.sqrt(variance * float(failure.var()))
        if correlation > score + 1e-9:
            best, score = k, correlation
            coefficient = float(np.clip(covariance / variance / (1 + ratio), 0.0, 1.0))
    return best, coefficient
