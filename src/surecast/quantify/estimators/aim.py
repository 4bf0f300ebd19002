"""Aiming a proposal at an event: explore with surrogates, correct with a pilot of simulator runs.

The squared correlation on the validation runs, which ranks surrogates, says little of a rare event: the best two
explore, the proposal holds what both found, and the pilot decides which part and which surrogate are worth it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from surecast.quantify.estimators.exploration import Exploration, explore
from surecast.quantify.estimators.gaussians import Gaussian, Mixture, fit_gaussian, fit_mixture, fit_shares, isotropic
from surecast.quantify.normal_space import NormalSpace
from surecast.quantify.sampling import child, generator

if TYPE_CHECKING:
    from surecast.quantify.estimators.importance_sampling import ImportanceSampling

_ROUNDS = 2
_EXPLORERS = 2
_LARGEST_DEFENCE = 0.5


@dataclass(frozen=True)
class Aim:
    """Proposal (its last two components are the law and the inflated law), and what the pilot chose.

    Parameters
    ----------
    coefficient : float
        Of the surrogate's indicator as control variate, 0 to 1.
    control : int
        Which surrogate is the control.
    explored : float
        Probability of the event by the surrogates that explored, roughly.
    reached : bool
        Whether one of them reaches the event at all.
    aimed : int
        Number of aimed components.
    error : float
        Root mean square, under the input law, of the surrogate's error in the margin.
    """

    proposal: Mixture
    coefficient: float
    control: int
    explored: float
    reached: bool
    aimed: int
    error: float


def aim(space: NormalSpace, settings: ImportanceSampling, pilot: int) -> Aim:
    """Explore, then correct in two rounds of pilot runs."""
    task, d = space.task, space.dimension
    explored = [_explored(space, k, settings) for k in range(min(_EXPLORERS, len(task.surrogates)))]
    seed = int(child(task.seed, 5).generate_state(1)[0])
    fitted = [fit_mixture(found.samples, settings.rank, settings.components, seed) for found in explored]
    components = [component for found, _ in fitted for component in found]
    shares = np.concatenate([share for _, share in fitted]) / len(fitted)
    likely = float(np.mean([found.probability for found in explored]))
    beta = -float(ndtri(min(max(likely, 1e-12), 0.3)))
    guards = (isotropic(d, 1.0), isotropic(d, float(np.sqrt(1 + beta**2 / d))))
    defence = max(settings.defence, 0.4)
    rng = generator(child(task.seed, 6))
    drawn: list[np.ndarray] = []
    events: list[np.ndarray] = []
    margins: list[np.ndarray] = []
    proposals: list[tuple[Mixture, int]] = []
    ratio = (task.runs - pilot) / task.surrogate_runs
    for index in range(_ROUNDS):
        proposal = _guarded(components, shares, guards, defence)
        z = proposal.draw(rng, pilot // _ROUNDS + (pilot % _ROUNDS if index == 0 else 0))
        drawn.append(z)
        happened, margin = space.truth(z)
        events.append(np.nan_to_num(happened))
        margins.append(margin)
        proposals.append((proposal, len(z)))
        points, event = np.concatenate(drawn), np.concatenate(events)
        weights = np.exp(space.log_law(points) - _balance(proposals, points))
        predicted = np.stack([space.margin(k, points) for k in range(len(task.surrogates))], axis=1)
        seen = (predicted > 0).astype(float)
        control, coefficient = _control(event, seen, weights, ratio)
        known = seen[:, control]
        components, shares = _corrected(components, points, event, event * weights, known, settings.rank)
        missing = float(np.sum(weights * np.abs(event - known))) / max(float(np.sum(weights * event)), 1e-300)
        defence = float(np.clip(0.5 * missing, settings.defence, _LARGEST_DEFENCE))
    residuals = np.concatenate(margins) - predicted[:, control]
    error = float(np.sqrt(np.nansum(weights * residuals**2) / np.sum(weights[~np.isnan(residuals)])))
    final = _guarded(components, shares, guards, defence)
    reached = any(found.reached for found in explored)
    return Aim(final, coefficient, control, likely, reached, len(components), error)


def _explored(space: NormalSpace, surrogate: int, settings: ImportanceSampling) -> Exploration:
    """What one surrogate finds; all start from the same random numbers, so that only the surrogates differ."""
    stream = generator(child(space.task.seed, 2))
    return explore(lambda z: space.margin(surrogate, z), space.dimension, settings.samples, stream)


def _guarded(
    components: list[Gaussian], shares: np.ndarray, guards: tuple[Gaussian, Gaussian], defence: float
) -> Mixture:
    return Mixture((*components, *guards), np.append((1 - defence) * shares, [0.5 * defence, 0.5 * defence]))


def _balance(proposals: list[tuple[Mixture, int]], z: np.ndarray) -> np.ndarray:
    """Log density of the mixture of all rounds (balance heuristic, Veach and Guibas 1995)."""
    total = sum(count for _, count in proposals)
    return np.asarray(np.logaddexp.reduce([p.log_density(z) + np.log(count / total) for p, count in proposals]))


def _corrected(
    components: list[Gaussian], z: np.ndarray, event: np.ndarray, mass: np.ndarray, seen: np.ndarray, rank: int
) -> tuple[list[Gaussian], np.ndarray]:
    """Add components where the pilot failed, and set all shares by cross-entropy on the pilot's failures.

    The heaviest failures that the surrogate does not know get a Gaussian each, around those near them.
    """
    added = list(components)
    failures = event > 0
    if failures.sum() >= 10:
        added.append(fit_gaussian(z[failures], mass[failures], rank))
    unknown = np.flatnonzero(failures & (seen == 0))
    for k in unknown[np.argsort(-mass[unknown], kind="stable")][:3]:
        near = unknown[np.square(z[unknown] - z[k]).sum(axis=1) <= 4.0]
        added.append(fit_gaussian(z[near], mass[near], rank))
    shares = fit_shares(np.stack([c.log_density(z) for c in added], axis=1)[failures], mass[failures], least=0.2)
    return added, shares


def _control(event: np.ndarray, seen: np.ndarray, weights: np.ndarray, ratio: float) -> tuple[int, float]:
    """Surrogate whose weighted indicator follows the simulator's best, and its coefficient.

    The best coefficient is Cov/(Var (1 + ratio)), with `ratio` the final sample's size over that of the
    surrogate's own: the less its own probability is known, the smaller.
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
        if correlation > score:
            best, score = k, correlation
            coefficient = float(np.clip(covariance / variance / (1 + ratio), 0.0, 1.0))
    return best, coefficient
