"""Importance sampling with the simulator alone: part of the runs aims a proposal, the rest is drawn from it afresh.

    p = E_q[w 1{event}],   w = phi/q,   q = (1 - D) aimed + D/2 N(0, I) + D/2 N(0, s^2 I)

The runs that aim enter no estimate, so that the final sample is independent given q, whatever the aiming did.
The interval is that of a sum of few and unequal weights; the verdict doubts it where the effective number of
failures is low, where the weights' tail is too heavy, where the defensive components alone found much of the
probability, and where the aim never reached the event.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.disagreement import weighted_probability
from surecast.quantify.estimators.estimator import Estimator, Found, estimates
from surecast.quantify.estimators.gaussians import Mixture
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.integrand import Integrand
from surecast.quantify.normal_space import NormalSpace
from surecast.quantify.pictures import tail_picture
from surecast.quantify.sampling import Task, child, generator
from surecast.quantify.stopping import grow, looks
from surecast.quantify.weights import TAIL_INDEX, tail_index
from surecast.study.errors import EstimationError

UNKNOWN_SHARE = 0.1
"""Share of the probability found by the defensive components alone above which the aim is not trusted."""
UNKNOWN_SHARE_ALONE = 0.03
"""The same without a surrogate: what little the defence found may be all that it saw of a lost mode."""
LEAST_RUNS = 100


@dataclass(frozen=True)
class Proposal:
    """A mixture whose last two components are defensive, whether its aim reached the event, and further figures."""

    mixture: Mixture
    reached: bool
    diagnostics: dict[str, float] = field(default_factory=dict)


def exceedance_only(integrand: Integrand, kind: str) -> ExceedanceIntegrand:
    """The integrand, if it is a probability over continuous laws.

    Raises
    ------
    EstimationError
        If it is not.
    """
    if not isinstance(integrand, ExceedanceIntegrand):
        raise EstimationError(f"{kind} answers exceedance questions only.", "use control_variates or monte_carlo.")
    integrand.law.require_continuous(kind)
    return integrand


def diagnose(event: np.ndarray, weights: np.ndarray, proposal: Mixture, z: np.ndarray) -> dict[str, float]:
    """Effective number of failures (sum w)^2/sum w^2, failures, share of the defence, and tail index of a sample.

    Parameters
    ----------
    event, weights : (n,) arrays
        Event of each draw (NaN where the run failed), and its weight.
    z : (n, d) array
        The draws.
    """
    weighted = np.nan_to_num(event) * weights
    total, squares = float(weighted.sum()), float(np.square(weighted).sum())
    joint = proposal.log_densities(z)
    defended = np.logaddexp(joint[:, -2], joint[:, -1]) > proposal.log_density(z) + np.log(0.5)
    return {
        "effective_failures": total**2 / squares if squares > 0 else 0.0,
        "failures": float(np.nansum(event)),
        "unknown_share": float(weighted[defended].sum()) / total if total > 0 else 1.0,
        "tail_index": tail_index(weighted),
    }


def weight_reasons(found: dict[str, float], least: float, unknown: float = UNKNOWN_SHARE) -> list[str]:
    """Doubts about a weighted sample; see `diagnose`."""
    reasons = []
    if found["effective_failures"] < least:
        reasons.append(f"the effective number of failures, {found['effective_failures']:.0f}, is below {least:.0f}")
    elif found["tail_index"] > TAIL_INDEX:
        reasons.append(
            f"the weights' tail index, {found['tail_index']:.2f}, is above {TAIL_INDEX}, so their mean is not seen "
            "well enough"
        )
    if found["unknown_share"] > unknown:
        reasons.append(
            f"{100 * found['unknown_share']:.0f} % of the probability was found by the defensive components alone, "
            "so the aim misses part of the event"
        )
    return reasons


class WeightedSampling(Estimator):
    """Base of the estimators that aim with simulator runs."""

    adaptation: float = Field(
        0.5, ge=0.1, le=0.8, description="Share of the runs, at most, that aims the proposal; none enters the estimate."
    )
    stages: int = Field(8, ge=2, le=50, description="Stages of the adaptation at most, of equal size.")
    quantile: float = Field(
        0.1, gt=0, le=0.5, description="Share of a stage's runs that lies above its level of the margin."
    )
    defence: float = Field(0.2, ge=0.02, le=0.9, description="Share of the defensive components.")
    effective_failures: float = Field(
        50, ge=10, description="Effective number of failures below which the estimate is not certified."
    )
    rank: int = Field(64, ge=0, le=64, description="Directions of each fitted Gaussian whose variance is not 1.")

    title: ClassVar[str] = "the adaptation"

    @abstractmethod
    def aim(self, space: NormalSpace, runs: int, stream: np.random.Generator) -> Proposal:
        """Spend at most so many runs on a proposal."""

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            For a discrete law, for other questions than a probability, or with fewer than 100 runs.
        """
        space = NormalSpace(exceedance_only(integrand, self.kind), task, self.kind)
        if task.runs < LEAST_RUNS:
            raise EstimationError(
                f"{task.runs} runs are too few for {self.kind}.",
                f"raise the question's `runs` to {LEAST_RUNS} or more.",
            )
        aimed = self.aim(space, round(self.adaptation * task.runs), generator(child(task.seed, 2)))
        before = space.truth_runs
        z = aimed.mixture.draw(generator(child(task.seed, 3)), task.runs - before)
        weights = np.exp(space.log_law(z) - aimed.mixture.log_density(z))
        events: list[np.ndarray] = []

        def analyse(size: int, level: float) -> list[Found]:
            event = np.concatenate(events)[:size]
            diagnosed = diagnose(event, weights[:size], aimed.mixture, z[:size])
            reasons = weight_reasons(diagnosed, self.effective_failures, UNKNOWN_SHARE_ALONE)
            if not aimed.reached:
                reasons.append(f"{self.title} never reached the event")
            diagnosed |= {"adaptation_runs": before, "components": len(aimed.mixture.components) - 2}
            figure = weighted_probability(event, weights[:size], level)
            picture = tail_picture(event, weights[:size], aimed.mixture, z[:size])
            figures = {**aimed.diagnostics, **diagnosed}
            return [Found(figure, tuple(reasons), counted=True, diagnostics=figures, picture=picture)]

        record = grow(
            looks(len(z), task), task, lambda start, stop: events.append(space.truth(z[start:stop])[0]), analyse
        )
        p = record[max(record)][0].figure.value
        return estimates(
            self,
            integrand,
            task,
            {before + size: found for size, found in record.items()},
            plain_variance=[p * (1 - p)],
            failed=space.failed_runs,
        )
