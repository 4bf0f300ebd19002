"""Surrogate-aimed importance sampling: p = E_q[w 1{event}], w = phi/q, in standard-normal space.

1. Active refinement: a share of the runs trains and judges surrogates where they may be wrong about the event
   (see `refinement`); without a surrogate at hand Gaussian processes learn from these runs alone.
2. The best two surrogates are searched for all modes of the event (see `search`); Gaussians are fitted there.
3. A pilot with the simulator corrects the aim: new components where it found failures the surrogate
   does not know, shares by cross-entropy, a larger defence the more the two disagree (see `aim`).
4. The final sample is drawn afresh from q = (1 - D) aimed + D/2 N(0, I) + D/2 N(0, s^2 I); weights are by
   the density of the whole mixture. The defensive components (Hesterberg 1995) bound the weights and
   visit what the surrogate never proposed; s^2 = 1 + beta^2/d puts the inflated law where |z|^2 is as
   large as on the event. No run of the steps before enters the estimate.
5. A surrogate's indicator is a control variate with a coefficient regressed on the pilot; the interval holds
   for few and unequal disagreements, and none seen still leaves a rule-of-three floor (see `disagreement`).

The verdict doubts the answer if the effective number of failures (sum w)^2/sum w^2 is below a floor, if the
weights have too heavy a tail (see `weights`), if much of the probability was found by the defensive components
alone, if the simulator and the surrogate disagree about most of the event, or if the surrogate's error under the
input law is so large that events may lie where it sees none: P(s + error > 0) well above the probability found.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import ndtr

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.aim import Aim, aim
from surecast.quantify.estimators.disagreement import Indicators, probability
from surecast.quantify.estimators.estimator import Estimator, Found, estimates
from surecast.quantify.estimators.weighted import diagnose, exceedance_only, weight_reasons
from surecast.quantify.integrand import Integrand
from surecast.quantify.normal_space import NormalSpace
from surecast.quantify.pictures import tail_picture
from surecast.quantify.sampling import Task, child, generator
from surecast.quantify.stopping import grow, looks
from surecast.study.errors import EstimationError

DISAGREEMENT_SHARE = 0.6
"""Disagreement relative to the probability above which the surrogate is no guide to where the event lies."""
BLURRED_FACTOR = 2.0
"""Probability of the surrogate blurred by its own error over the probability found: above this it may hide events."""


class ImportanceSampling(Estimator):
    """Importance sampling for rare events; every input law must be continuous."""

    kind: ClassVar[str] = "importance_sampling"
    methods: ClassVar[tuple[str, ...]] = (
        "rubinstein2004", "hesterberg1995", "peherstorfer2016", "elmasri2021", "au2001", "papaioannou2015", "veach1995",
        "fay1997", "zou2008", "echard2011", "geyer2019", "rasmussen2006", "vehtari2024",
    )  # fmt: skip

    refinement: float = Field(
        0.35,
        ge=0.1,
        le=0.7,
        description="Share of the runs, at most, that refines surrogates where they may be wrong about the event; "
        "none enters the estimate.",
    )
    pilot: float = Field(
        0.15, gt=0.05, le=0.25, description="Share of the runs that corrects the aim; none enters the estimate."
    )
    defence: float = Field(0.2, ge=0.05, le=0.9, description="Least share of the defensive components.")
    effective_failures: float = Field(
        50, ge=10, description="Effective number of failures below which the estimate is not certified."
    )
    rank: int = Field(4, ge=0, le=64, description="Directions of each fitted Gaussian whose variance is not 1.")
    components: int = Field(4, ge=1, le=16, description="Gaussians fitted to the surrogate's samples at most.")
    samples: int = Field(
        1024, ge=128, le=10**6, description="Samples of the surrogate on each level of the exploration."
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            For a discrete law, for other questions than a probability, or with fewer than 50 runs.
        """
        event_of = exceedance_only(integrand, self.kind)
        if task.runs < 50:
            raise EstimationError(
                f"{task.runs} runs are too few for importance sampling.", "raise the question's `runs` to 50 or more."
            )
        space = NormalSpace(event_of, task)
        aimed = aim(space, self, round(self.refinement * task.runs), max(20, round(self.pilot * task.runs)))
        before = space.truth_runs
        count = task.runs - before
        z = aimed.proposal.draw(generator(child(task.seed, 3)), count)
        seen = (space.margin_of(aimed.control.values(z)) > 0).astype(float)
        weights = np.exp(space.log_law(z) - aimed.proposal.log_density(z))
        own, blurred = self._own_probability(space, aimed, task)
        events: list[np.ndarray] = []

        def analyse(size: int, level: float) -> list[Found]:
            event = np.concatenate(events)[:size]
            coefficients = np.full(size, aimed.coefficient)
            sample = Indicators(event, seen[:size], weights[:size], coefficients, own)
            found = probability(sample, level)
            diagnosed = self._diagnose(sample, aimed, z[:size]) | {"blurred_probability": blurred}
            reasons = self._reasons(diagnosed, aimed, found.value)
            picture = tail_picture(event, weights[:size], aimed.proposal, z[:size])
            figures = {**self._described(aimed), **diagnosed}
            return [Found(found, tuple(reasons), counted=True, diagnostics=figures, picture=picture)]

        record = grow(
            looks(count, task),
            task,
            lambda start, stop: events.append(space.truth(z[start:stop])[0]),
            analyse,
        )
        p = record[max(record)][0].figure.value
        return estimates(
            self,
            integrand,
            task,
            {before + size: found for size, found in record.items()},
            plain_variance=[p * (1 - p)],
            failed=space.failed_runs,
            surrogate_runs=space.surrogate_runs,
        )

    @staticmethod
    def _described(aimed: Aim) -> dict[str, float]:
        return {
            "coefficient": aimed.coefficient,
            "refinement_runs": aimed.refinement,
            "pilot_runs": aimed.pilot,
            "refitted": float(aimed.refitted),
            "components": aimed.aimed,
            "defence": float(aimed.proposal.shares[-2:].sum()),
            "explored_probability": aimed.explored,
        }

    def _own_probability(self, space: NormalSpace, aimed: Aim, task: Task) -> tuple[np.ndarray, float]:
        """Weighted indicators (m,) of the surrogate under the proposal, on draws of their own.

        Beside them the probability that the surrogate's margin plus a normal error of its own size is
        positive: far above the probability found, the surrogate is too poor to say where the event is not.
        """
        z = aimed.proposal.draw(generator(child(task.seed, 4)), task.surrogate_runs)
        space.surrogate_runs += len(z)
        margin = space.margin_of(aimed.control.values(z))
        weights = np.exp(space.log_law(z) - aimed.proposal.log_density(z))
        blurred = float(np.mean(weights * ndtr(margin / max(aimed.error, 1e-12))))
        return np.asarray((margin > 0) * weights), blurred

    def _diagnose(self, sample: Indicators, aimed: Aim, z: np.ndarray) -> dict[str, float]:
        event = np.nan_to_num(sample.event)
        total = float((event * sample.weights).sum())
        disagree = float((sample.weights * np.abs(event - sample.seen)).sum())
        return {
            **diagnose(sample.event, sample.weights, aimed.proposal, z),
            "disagreement_share": disagree / total if total > 0 else 1.0,
        }

    def _reasons(self, found: dict[str, float], aimed: Aim, probability: float) -> list[str]:
        reasons = weight_reasons(found, self.effective_failures)
        if found["disagreement_share"] > DISAGREEMENT_SHARE:
            percent = 100 * min(found["disagreement_share"], 9.99)
            reasons.append(f"simulator and surrogate disagree about {percent:.0f} % of the event")
        if found["blurred_probability"] > BLURRED_FACTOR * probability:
            ratio = found["blurred_probability"] / probability if probability > 0 else np.inf
            reasons.append(
                f"the surrogate's error leaves room for {ratio:.2g} times the probability found, "
                "so part of the event may be unseen"
            )
        if not aimed.reached:
            reasons.append("the surrogate never reaches the event")
        return reasons
