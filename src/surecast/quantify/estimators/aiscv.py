r"""Adaptive importance sampling with the proposal's own components as control variates: many expectations, one sample.

    I^_j = beta_j . 1 + mean[(w_{l(j)} phi_j - beta_j . g/f)/(q/f)]

(Demange-Chryst, Bachoc and Morio 2022; see `mixture_controls`). Up to half of the runs learn where each integrand is,
the rest are drawn afresh from the mixture that was learnt. The final sample's rows are independent, so that their
sample covariance over their number is that of all estimates, with t intervals; with a tolerance it grows on declared
looks. Where the authors take positive integrands, any are taken here.

A failed run has the mean of the finished ones, weighted to the law, in its place, and no certificate; events count
it once as event and once as none, and powers of an output with `bounds` at both ends.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import Estimator, Figure, Found, estimates, figure, jointly
from surecast.quantify.estimators.mixture_controls import MixtureProposal, Targets, learn
from surecast.quantify.expectations import LEAST_EVENTS, ExpectationsIntegrand
from surecast.quantify.integrand import Integrand
from surecast.quantify.sampling import Heard, Task, child, generator, run_seeds, values_at
from surecast.quantify.stopping import grow, looks
from surecast.quantify.verdict import (
    constant_outputs,
    constant_reasons,
    effective_number,
    sampling_error,
    tail_reasons,
)
from surecast.study.errors import EstimationError
from surecast.study.progress import progress

LEAST_RUNS = 200
_LOG_TAU = float(np.log(2 * np.pi))


class Aiscv(Estimator):
    """Adaptive importance sampling and control variates for many expectations; every input law must be continuous."""

    kind: ClassVar[str] = "aiscv"
    methods: ClassVar[tuple[str, ...]] = ("demangechryst2022", "leluc2022", "veach1995", "deboer2005")

    gaussians: int = Field(2, ge=1, le=2, description="Gaussians fitted to each expectation.")
    learning: float = Field(0.5, gt=0, le=0.9, description="Share of the runs that may learn the proposal.")
    defence: float = Field(
        0.1, ge=0.02, le=0.5, description="Least share of draws from the input laws and from a wider one."
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            If the question is none of expectations, a law is discrete, there are fewer than 200 runs, or fewer
            than 10 of those for learning finished.
        """
        if not isinstance(integrand, ExpectationsIntegrand):
            raise EstimationError("aiscv answers expectations only.", "ask a question of kind `expectations`.")
        for law in (integrand.law, *integrand.others.values()):
            law.require_continuous("aiscv")
        if task.runs < LEAST_RUNS:
            raise EstimationError(
                f"{task.runs} runs are too few to learn a proposal and to estimate with it.",
                f"raise the question's `runs` to {LEAST_RUNS} or more.",
            )
        space = _Space(integrand, task)
        targets = space.targets()
        stream = generator(child(task.seed, 0))
        learnt = learn(
            targets, task.runs, stream, gaussians=self.gaussians, share=0.2 * self.learning, defence=self.defence,
            most=self.learning,
        )  # fmt: skip
        first = learnt.runs
        points = learnt.proposal.draw(generator(child(task.seed, 2)), task.runs - first)
        blocks: list[np.ndarray] = []
        plan = looks(len(points), task)

        def observe(start: int, stop: int) -> None:
            blocks.append(space.values(points[start:stop]))

        def analyse(size: int, level: float) -> list[Found]:
            return space.figures(learnt.proposal, points[:size], np.concatenate(blocks)[:size], task, level)

        record = grow(plan, task, observe, analyse)
        values = np.concatenate(blocks)
        still = constant_outputs(integrand, values[:, None, :])
        finals = {first + size: found for size, found in record.items()}
        last = finals[max(finals)]
        finals[max(finals)] = [
            Found(
                one.figure,
                (*one.reasons, *constant_reasons(statistic, still)),
                one.counted,
                one.methods,
                {**one.diagnostics, "learning_runs": first, "rounds": learnt.rounds},
                one.covariance,
            )
            for statistic, one in zip(integrand.statistics, last, strict=True)
        ]
        return estimates(
            self,
            integrand,
            task,
            finals,
            plain_variance=space.plain_variance(learnt.proposal, points[: len(values)], values),
            failed=space.failed,
        )


class _Space:
    """The integrand over standard normals z (n, d); every call has run seeds of its own."""

    def __init__(self, integrand: ExpectationsIntegrand, task: Task) -> None:
        self.integrand, self.task = integrand, task
        self.heard = Heard(task.truth, integrand)
        self.made = self.failed = 0
        self.names = {name: place for place, name in enumerate(("", *integrand.others))}

    def targets(self) -> Targets:
        """What is asked, as the learning takes it."""
        integrand = self.integrand
        others = list(integrand.others.values())

        def draw(law: int, normals: np.ndarray) -> np.ndarray:
            if law == 0:
                return normals
            return integrand.law.to_normal(others[law - 1].from_normal(normals))

        return Targets(
            integrand.law.dimension,
            self.log_laws,
            draw,
            lambda z: integrand.columns(self.required(z)),
            [(function, self.names[law]) for function, law in integrand.pairs],
            len(self.names),
        )

    def log_laws(self, z: np.ndarray) -> np.ndarray:
        """log density of every law over z, (n, L); the study's is standard normal."""
        base = -0.5 * ((z * z).sum(axis=1, keepdims=True) + z.shape[1] * _LOG_TAU)
        if not self.integrand.others:
            return np.asarray(base)
        return np.concatenate([base, base + self.integrand.log_weights(self.integrand.law.from_normal(z))], axis=1)

    def values(self, z: np.ndarray) -> np.ndarray:
        """Outputs (n, outputs) of the simulator, NaN where a run failed."""
        size, start = self.task.chunk, self.made
        seeds = run_seeds(child(self.task.seed, 1), start, start + len(z), 1)[:, 0]
        blocks = [
            values_at(
                self.heard,
                self.integrand,
                self.integrand.law.from_normal(z[place : place + size]),
                seeds[place : place + size],
            )
            for place in progress(range(0, len(z), size), "aiscv", total=-(-len(z) // size))
        ]
        found = np.concatenate(blocks)
        self.made += len(z)
        self.failed += int(np.isnan(found).any(axis=1).sum())
        return found

    def required(self, z: np.ndarray) -> np.ndarray:
        """As `values`, but next to no run that finished is an error."""
        found = self.values(z)
        if self.made - self.failed < 10:
            raise self.heard.few(f"only {self.made - self.failed} of {self.made} runs finished: nothing can be said.")
        return found

    def figures(
        self, proposal: MixtureProposal, z: np.ndarray, values: np.ndarray, task: Task, level: float
    ) -> list[Found]:
        """Value, interval, doubts and covariance of every expectation from rows of the final sample."""
        phi = self.integrand.columns(values)
        weights = proposal.summands(z, np.zeros_like(phi))[1]
        if not np.isnan(phi).any():
            return self._found(proposal, z, phi, weights, level, np.zeros(phi.shape[1], dtype=bool))
        ends = [one.ends(task.bounds) for one in self.integrand.functions]
        known = np.array([end is not None or not np.isnan(phi[:, k]).any() for k, end in enumerate(ends)])
        ways = []
        for side in (0, 1):
            filled = phi.copy()
            for k, end in enumerate(ends):
                lost = np.isnan(phi[:, k])
                w = weights[:, 0] * ~lost
                middle = float(w @ np.nan_to_num(phi[:, k])) / max(float(w.sum()), np.finfo(float).tiny)
                filled[lost, k] = middle if end is None else end[side]
            ways.append(self._found(proposal, z, filled, weights, level, known))
        return [_both(low, high) for low, high in zip(*ways, strict=True)]

    def _found(
        self,
        proposal: MixtureProposal,
        z: np.ndarray,
        phi: np.ndarray,
        weights: np.ndarray,
        level: float,
        known: np.ndarray,
    ) -> list[Found]:
        summands = proposal.summands(z, phi)[0]
        n = len(summands)
        found = []
        for column, statistic, (function, law) in zip(
            summands.T, self.integrand.statistics, self.integrand.pairs, strict=True
        ):
            w = weights[:, self.names[law]]
            reasons = tail_reasons(column) + self._rare(function, phi[:, function], w)
            number = figure(statistic, float(column.mean()), sampling_error(column, level), n - 1, level)
            found.append(
                Found(number, reasons, bool(known[function]), diagnostics={"effective_runs": effective_number(w)})
            )
        return jointly(found, np.cov(summands, rowvar=False) / n)

    def _rare(self, function: int, phi: np.ndarray, weights: np.ndarray) -> tuple[str, ...]:
        """Doubt about an event with too few runs on one side for a t interval."""
        if self.integrand.functions[function].event is None:
            return ()
        least = min(effective_number(weights[phi > 0]), effective_number(weights[phi <= 0]))
        if least >= LEAST_EVENTS:
            return ()
        return (
            f"only {least:.0f} effective runs lie on one side of the event: "
            "ask an `exceedance`, whose intervals hold for small counts",
        )

    def plain_variance(self, proposal: MixtureProposal, z: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Variance of each phi_j under its own law, from the weighted final sample."""
        phi = self.integrand.columns(values)
        done = np.isfinite(phi).all(axis=1)
        weights = proposal.summands(z, np.zeros_like(phi))[1][done]
        weights = weights / weights.sum(axis=0)
        function, law = np.array(proposal.targets.pairs).T
        mean = np.einsum("ij,ij->j", weights[:, law], phi[done][:, function])
        return np.einsum("ij,ij->j", weights[:, law], np.square(phi[done][:, function] - mean))


def _both(low: Found, high: Found) -> Found:
    a, b = low.figure, high.figure
    return Found(
        Figure(
            0.5 * (a.value + b.value), min(a.low, b.low), max(a.high, b.high), max(a.standard_error, b.standard_error)
        ),
        tuple(dict.fromkeys((*low.reasons, *high.reasons))),
        low.counted,
        low.methods,
        low.diagnostics,
        low.covariance,
    )
