r"""Approximate control variates: several models correct the finest at once, each with a mean found by more samples.

    theta = Q_0(z) + sum_k beta_k (Q_k(z_k) - Q_k(z)),    z in z_k,  |z| = N,  |z_k| = r_k N

z_k is z and further inputs: the same ones for all models, the first of a common list (ACV-MF), or each model's own
(ACV-IS). With C the covariance of the other models, c that with the finest, s^2 the finest's variance,

    F_kj = 1 - 1/min(r_k, r_j) (ACV-MF);   (1 - 1/r_k)(1 - 1/r_j) for k != j, 1 - 1/r_k for k = j (ACV-IS)
    beta = (C o F)^-1 (diag(F) o c),   Var(theta) = (s^2 - (diag(F) o c)^T (C o F)^-1 (diag(F) o c))/N

(Gorodetsky, Geraci, Eldred and Jakeman 2020, J. Comput. Phys. 408, 109257, section 3). Multifidelity and multilevel
Monte Carlo, whose corrections form a chain, cannot beat a single control variate with known mean; this can. N and r
minimise the variance at the work given (SLSQP on log r, N from the budget); models without which it is no larger are
left out one by one. C, c, and so beta and the sizes come from a pilot that enters no estimate: no bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.quantify.estimators.allocation import BETTER, LEAST_BLOCK, Budget, alone, relative
from surecast.quantify.estimators.blocks import Block, Scheme, Term, nested_blocks
from surecast.quantify.estimators.fidelities import Fidelities

_RATIO = (1.05, 1e7)
_RIDGE = 1e-10


@dataclass(frozen=True)
class Plan:
    """Other models, N, their samples m_k = r_k N, and the variance predicted, relative to that of one plain run."""

    models: tuple[int, ...]
    fine: int
    samples: np.ndarray
    variance: float
    nested: bool


class ApproximateControlVariates(Fidelities):
    """Approximate control variates over grids of the simulator and surrogates."""

    kind: ClassVar[str] = "approximate_control_variates"
    methods: ClassVar[tuple[str, ...]] = ("gorodetsky2020",)

    samples: Literal["best", "nested", "independent"] = Field(
        default="best",
        description="Further inputs of the other models: nested (ACV-MF), independent (ACV-IS), or whichever the pilot "
        "predicts to be better.",
    )

    def scheme(self, pilot: np.ndarray, budget: Budget) -> Scheme:
        """See `Fidelities.scheme`."""
        tried = {"nested": [True], "independent": [False]}.get(self.samples, [True, False])
        plan = min((_eliminated(pilot, budget, nested) for nested in tried), key=lambda plan: plan.variance)
        one = np.ones(pilot.shape[2])
        if not plan.models:
            return Scheme((Block(plan.fine, (0,)),), (Term(0, (0,), one),), plan.variance * budget.work)
        beta = _coefficients(pilot, plan)
        order = np.argsort(plan.samples, kind="stable")
        models = [plan.models[k] for k in order]
        if plan.nested:
            blocks, sets = nested_blocks([0, *models], [plan.fine, *plan.samples[order].astype(int).tolist()])
        else:
            blocks = [Block(plan.fine, (0, *models))]
            blocks += [Block(int(plan.samples[k]) - plan.fine, (plan.models[k],)) for k in order]
            sets = [(0,), *[(0, place) for place in range(1, len(blocks))]]
        terms = [Term(0, (0,), one)]
        for place, k in enumerate(order, start=1):
            terms += [Term(plan.models[k], sets[place], beta[:, k]), Term(plan.models[k], (0,), -beta[:, k])]
        return Scheme(tuple(blocks), tuple(terms), plan.variance * budget.work)


def shared_samples(ratios: np.ndarray, *, nested: bool) -> np.ndarray:
    """The matrix F (K, K) of sample ratios r (K,)."""
    if nested:
        return np.asarray(1 - 1 / np.minimum(ratios[:, None], ratios))
    kept = 1 - 1 / ratios
    found = np.outer(kept, kept)
    np.fill_diagonal(found, kept)
    return found


def remaining(covariance: np.ndarray, cross: np.ndarray, ratios: np.ndarray, *, nested: bool) -> np.ndarray:
    """N Var(theta)/s^2 (S,) from C/s^2 (S, K, K) and c/s^2 (S, K)."""
    weighted, solved = _solved(covariance, cross, ratios, nested=nested)
    return np.asarray(1 - (weighted * solved).sum(axis=1))


def _solved(
    covariance: np.ndarray, cross: np.ndarray, ratios: np.ndarray, *, nested: bool
) -> tuple[np.ndarray, np.ndarray]:
    shared = shared_samples(ratios, nested=nested)
    weighted = np.diag(shared) * cross
    return weighted, np.linalg.solve(covariance * shared, weighted[..., None])[..., 0]


def _moments(pilot: np.ndarray, models: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """C/s^2 (S, K, K) and c/s^2 (S, K) of the statistics that vary, with a ridge against models that coincide."""
    scale, active = relative(pilot)
    chosen = pilot[[0, *models]][:, :, active] * scale
    centred = chosen - chosen.mean(axis=1, keepdims=True)
    whole = np.einsum("ans,bns->sab", centred, centred) / (pilot.shape[1] - 1)
    covariance, cross = whole[:, 1:, 1:].copy(), whole[:, 0, 1:]
    place = np.arange(len(models))
    own = covariance[:, place, place]
    covariance[:, place, place] = np.where(own > 0, own * (1 + _RIDGE), 1.0)
    return covariance, cross


def _coefficients(pilot: np.ndarray, plan: Plan) -> np.ndarray:
    """beta (S, K); 0 for a statistic that did not vary in the pilot."""
    _, active = relative(pilot)
    beta = np.zeros((pilot.shape[2], len(plan.models)))
    beta[active] = _solved(*_moments(pilot, plan.models), plan.samples / plan.fine, nested=plan.nested)[1]
    return beta


def _eliminated(pilot: np.ndarray, budget: Budget, nested: bool) -> Plan:
    """The best plan found by leaving out models one by one, as long as that is predicted to do no harm."""
    plain = alone(budget)
    best = Plan((), int(plain.samples[0]), np.empty(0), plain.variance, nested)
    varies = (pilot.std(axis=1) > 0).any(axis=1)
    if not varies[0]:
        return best
    others = tuple(k for k in range(1, len(pilot)) if varies[k])
    plan = _optimised(pilot, budget, others, nested) if others else None
    while plan is not None:
        if plan.variance < (BETTER if not best.models else 1 / BETTER) * best.variance:
            best = plan  # fewer models are taken where they are as good
        fewer = [tuple(k for k in plan.models if k != out) for out in plan.models] if len(plan.models) > 1 else []
        plans = [found for models in fewer if (found := _optimised(pilot, budget, models, nested)) is not None]
        least = min(plans, key=lambda found: found.variance, default=None)
        if least is None or least.variance > plan.variance / BETTER:
            break
        plan = least
    return best


def _optimised(pilot: np.ndarray, budget: Budget, models: tuple[int, ...], nested: bool) -> Plan | None:
    """Sizes of the smallest variance, without models that take no further samples; None where nothing is left."""
    from scipy.optimize import minimize

    covariance, cross = _moments(pilot, models)
    costs, most = budget.costs[list(models)], budget.most[list(models)]
    paid = costs > 0
    room = budget.work / (budget.least + 1)  # rounding takes up to one

    def sizes(logs: np.ndarray) -> tuple[float, np.ndarray]:
        ratios = np.exp(logs)
        fine = budget.work / (1 + float(costs[paid] @ ratios))
        samples = most.astype(np.float64).copy()
        samples[paid] = np.minimum(ratios * fine, most[paid])
        return fine, samples

    def loss(logs: np.ndarray) -> float:
        fine, samples = sizes(logs)
        left = remaining(covariance, cross, np.maximum(samples / fine, _RATIO[0]), nested=nested)
        return float(np.log(max(left.mean(), 1e-12) / fine))

    def spare(logs: np.ndarray) -> float:
        return float(np.log(room) - np.log1p(costs[paid] @ np.exp(logs)))

    def spare_slope(logs: np.ndarray) -> np.ndarray:
        parts = costs[paid] * np.exp(logs)
        return np.asarray(-parts / (1 + parts.sum()))

    logs = np.empty(0)
    if paid.any():
        squared = np.clip((cross**2 / covariance.diagonal(axis1=1, axis2=2)).mean(axis=0)[paid], 0.01, 0.9999)
        start = np.clip(np.sqrt(squared / (costs[paid] * (1 - squared))), 1.5, 1e6)
        free = room - 1
        spent = float(costs[paid] @ start)
        start = np.maximum(start * min(1.0, 0.9 * free / spent), 1.1) if free > 0 else start
        if 1 + float(costs[paid] @ np.full(paid.sum(), 1.1)) >= room:
            return None
        found = minimize(
            loss,
            np.log(start),
            method="SLSQP",
            bounds=[tuple(np.log(_RATIO))] * int(paid.sum()),
            constraints={"type": "ineq", "fun": spare, "jac": spare_slope},
            options={"maxiter": 50, "ftol": 1e-4},
        )
        logs = found.x if np.isfinite(found.fun) else np.log(start)
    fine, samples = sizes(logs)
    fine, samples = np.floor(fine), np.floor(samples)
    order = np.argsort(samples, kind="stable")
    before = fine
    for k in order:  # blocks too small to show their own spread are given up
        if samples[k] - before < LEAST_BLOCK:
            samples[k] = before
        before = samples[k] if nested else fine
    if fine < budget.least:
        return None
    if (samples <= fine).any():
        rest = tuple(k for k, size in zip(models, samples, strict=True) if size > fine)
        return _optimised(pilot, budget, rest, nested) if rest else None
    left = remaining(covariance, cross, samples / fine, nested=nested).mean()
    degrees = (pilot.shape[1] - 1) / max(pilot.shape[1] - 1 - len(models), 1)
    return Plan(models, int(fine), samples, float(left) * degrees / float(fine), nested)
