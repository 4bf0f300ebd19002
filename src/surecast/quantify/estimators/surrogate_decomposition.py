r"""Sobol indices from one run of the simulator a sample: the surrogate's own, corrected by the residual r = f - s.

    Q_j(f) = Q_j(s) + 2 Cov(P_j s, r) + Q_j(r)

(see `decomposition`): the first term is exact or cheap, the second a mean over single runs, which pick-freeze
estimators spend G + 2 times over, and the third small: bounded by 0 and V(r), or estimated from pick-freeze rows on a
share of the runs, as a pilot decides (see `pilot`), none of whose runs is in the estimate.

The surrogate is a sparse polynomial chaos fitted to f - beta s_given (beta from the pilot, 0 without a given one) by
cross-fitting: runs of a fold are corrected with the chaos of the other folds and of the pilot, so that every run both
trains and corrects, and a study without any trained surrogate can be answered too. A given surrogate that is no chaos
expansion is used alone where the pilot finds its residual much smaller than that of the chaos.

This is the debiased one-step estimator of E[E[f|x_i]^2] (Chernozhukov et al. 2018, with their cross-fitting) with its
second-order remainder, the variance of the residual's effect, inside the interval: without it a linear
surrogate's interval covers 16 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.decomposition import NEGLIGIBLE, Sample, decompose
from surecast.quantify.estimators.effects import ChaosEffects, Effects, SampledEffects, added, normals_where
from surecast.quantify.estimators.estimator import Estimator, Found, estimates, finished
from surecast.quantify.estimators.pilot import LEAST_ROWS, Chaos, Pilot
from surecast.quantify.integrand import Integrand
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import Heard, Task, child, observe_rows, run_seeds, uniforms
from surecast.quantify.stopping import grow, looks
from surecast.quantify.verdict import constant_outputs, require_squares, tail_reasons
from surecast.study.errors import EstimationError
from surecast.train.models.chaos import Expansion

LEAST_PILOT = 40


@dataclass(frozen=True)
class Plan:
    """Shares of the runs after the pilot and the surrogate of each output: what the pilot decided."""

    pairs: float
    given: tuple[Expansion | SampledEffects | None, ...]


class SurrogateDecomposition(Estimator):
    """Surrogate's indices plus corrections from single runs; needs no surrogate where every law is continuous."""

    kind: ClassVar[str] = "surrogate_decomposition"
    methods: ClassVar[tuple[str, ...]] = ("sudret2008", "blatman2011", "chernozhukov2018", "imbens2004")

    folds: int = Field(4, ge=2, le=50, description="Folds of the cross-fitting.")
    pilot: float = Field(0.1, gt=0, le=0.5, description="Share of the runs that decides and trains alone.")
    pairs: Annotated[float, Field(ge=0, le=1)] | Literal["pilot"] = Field(
        "pilot",
        description="Share of the runs in pick-freeze rows, which estimate the residual's indices: between 0 (they are "
        "bounded instead) and 1; `pilot`: whichever the pilot says is tighter.",
    )
    refit: bool = Field(True, description="Whether a polynomial chaos is fitted to the runs by cross-fitting.")
    degree: int = Field(12, ge=1, le=50, description="Highest degree of the polynomial chaos that is tried.")
    terms: int = Field(4000, ge=10, le=100_000, description="Most candidate terms of the polynomial chaos.")
    training: int = Field(4000, ge=50, le=10**6, description="Most runs that a fold's polynomial chaos learns from.")

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            If the question is not about Sobol indices of scalars, Shapley effects are asked of dependent inputs, no
            surrogate can be had, or the runs are too few.
        """
        work = _Work(self, integrand, task)
        after = task.runs - work.pilot_runs
        if after < 3 * LEAST_PILOT:
            raise EstimationError(
                f"{task.runs} runs are too few for surrogate_decomposition.",
                f"raise the question's `runs` to {5 * LEAST_PILOT} or more, or use control_variates.",
            )
        plan = work.decide(after)
        record = grow(
            looks(after, task, least=3 * LEAST_PILOT),
            task,
            lambda start, stop: work.observe(plan, start, stop),
            lambda size, level: work.analyse(plan, size, level),
            sizes=lambda size: [size // 4, size // 2] if task.steps and size >= 16 * LEAST_PILOT else [],
        )
        failed = sum(int(np.isnan(block).sum(axis=(1, 2)).sum()) for block in work.observed())
        found = estimates(
            self,
            work.integrand,
            task,
            {work.pilot_runs + size: found for size, found in record.items()},
            plain_variance=work.plain_variance(plan),
            failed=failed,
            surrogate_runs=work.asked(plan),
        )
        return [replace(one, methods=tuple(dict.fromkeys(one.methods))) for one in found]


class _Work:
    """One estimate in the making: what was drawn, observed and fitted."""

    def __init__(self, settings: SurrogateDecomposition, integrand: Integrand, task: Task) -> None:
        if not isinstance(integrand, SobolIntegrand) or integrand.fields:
            raise EstimationError(
                "surrogate_decomposition answers Sobol indices of scalars only.", "use control_variates instead."
            )
        if integrand.splits_dependent():
            raise EstimationError(
                "surrogate_decomposition cannot give Shapley effects of dependent inputs: the terms of the functional "
                "decomposition are no longer orthogonal.",
                "use control_variates, monte_carlo or scrambled_sobol, or put dependent inputs into one group.",
            )
        if not task.surrogates and not (settings.refit and integrand.law.continuous):
            raise EstimationError(
                "surrogate_decomposition has no surrogate: none is given, and none is fitted "
                + ("because `refit` is false." if integrand.law.continuous else "because an input is discrete."),
                "name a `surrogate` in the question, or use scrambled_sobol or monte_carlo.",
            )
        self.heard = Heard(task.truth, _Single(integrand))
        self.settings, self.integrand, self.task = settings, integrand, task
        self.refits = settings.refit and integrand.law.continuous
        self.each = [integrand.of_output(output) for output in integrand.outputs]
        self.chaos = Chaos(integrand.law, settings.degree, settings.terms) if self.refits else None
        self.decides = Pilot(integrand, task, self.chaos)
        self.pilot_runs = max(LEAST_PILOT, round(settings.pilot * task.runs))
        self.singles = _Single(integrand)
        self.pilot = self._draw(self.singles, 0, 0, self.pilot_runs)
        self.single: list[tuple[np.ndarray, np.ndarray]] = []
        self.rows: list[tuple[np.ndarray, np.ndarray]] = []

    def _draw(self, integrand: Integrand, key: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Uniforms and observations of rows start to stop of a stream."""
        task = self.task
        if start == stop:
            slots = integrand.runs_per_row + integrand.row_dimension - 2 * self.integrand.law.dimension
            slots = 1 if integrand.runs_per_row == 1 else slots
            return np.empty((0, integrand.row_dimension)), np.empty((0, slots, len(integrand.outputs)))
        drawn = uniforms(child(task.seed, key), start, stop, integrand.row_dimension)
        seeds = run_seeds(child(task.seed, key + 1), start, stop, integrand.runs_per_row)
        kind = self.settings.kind
        return drawn, observe_rows(self.heard, integrand, drawn, label=kind, chunk=task.chunk, seeds=seeds)

    def observed(self) -> list[np.ndarray]:
        """All observations of the simulator, (n, runs, outputs) each."""
        return [block for _, block in (self.pilot, *self.single, *self.rows) if len(block)]

    # What the pilot decides.

    def decide(self, runs: int) -> Plan:
        """Surrogates and share of pick-freeze rows from the pilot alone."""
        drawn, observed = self.pilot
        done = finished(observed)
        if done.sum() < LEAST_PILOT // 2:
            raise self.heard.few(f"only {done.sum()} of the {len(observed)} pilot runs finished: nothing can be said.")
        require_squares(self.integrand, observed[done])
        chosen = [
            self.decides.given(place, drawn[done], observed[done][:, 0, place])
            for place in range(len(self.integrand.outputs))
        ]
        share = max(residual for _, residual in chosen)
        pairs = (
            self.decides.share_of_pairs(share, runs) if self.settings.pairs == "pilot" else float(self.settings.pairs)
        )
        if pairs and pairs * runs < LEAST_ROWS * self.integrand.runs_per_row:
            raise EstimationError(
                f"a share of {pairs:g} of {runs} runs makes fewer than {LEAST_ROWS} pick-freeze rows.",
                "raise `runs` or `pairs`, or write `pairs: 0`.",
            )
        return Plan(pairs, tuple(given for given, _ in chosen))

    # The final sample.

    def _sizes(self, plan: Plan, size: int) -> tuple[int, int]:
        """Single runs and pick-freeze rows among `size` runs."""
        rows = int(plan.pairs * size) // self.integrand.runs_per_row
        return int((1 - plan.pairs) * size), rows

    def observe(self, plan: Plan, start: int, stop: int) -> None:
        """Make runs start to stop of the final sample."""
        (a, b), (c, d) = self._sizes(plan, start), self._sizes(plan, stop)
        self.single.append(self._draw(self.singles, 2, a, c))
        self.rows.append(self._draw(self.integrand, 4, b, d))

    def analyse(self, plan: Plan, size: int, level: float) -> list[Found]:
        """What the first `size` runs of the final sample say."""
        count, rows = self._sizes(plan, size)
        single = _first(self.single, count)
        paired = _first(self.rows, rows)
        found = [self._analyse(plan.given[k], k, single, paired, level) for k in range(len(self.each))]
        spent = {"pilot_runs": float(self.pilot_runs)}
        return [replace(one, diagnostics=one.diagnostics | spent) for output in found for one in output]

    def _analyse(
        self, given: Expansion | SampledEffects | None, place: int, single: Any, paired: Any, level: float
    ) -> list[Found]:
        integrand, width = self.each[place], self.integrand.runs_per_row
        (u1, y1), (u2, y2) = ((u[finished(y)], y[finished(y)][..., place]) for u, y in (single, paired))
        if len(y1) + len(y2) < LEAST_PILOT or 0 < len(y2) < 10:
            raise self.heard.few(f"only {len(y1)} runs and {len(y2)} rows finished: nothing can be said.")
        x = np.concatenate([integrand.runs(u2).reshape(-1, integrand.law.dimension), u1])
        y = np.concatenate([y2[:, :width].reshape(-1), y1[:, 0]])
        constant_outputs(integrand, y[:, None, None])
        unit = np.concatenate([np.repeat(np.arange(len(y2)), width), len(y2) + np.arange(len(y1))])
        weight = np.where(unit < len(y2), 2.0 / width, 1.0)
        fold = unit % self.settings.folds if self.refits and not isinstance(given, SampledEffects) else 0 * unit
        blocks = []
        residual = np.empty(len(y))
        for k in range(int(fold.max()) + 1):
            inside = fold == k
            effects = given if isinstance(given, SampledEffects) else self._effects(integrand, given, x, y, ~inside)
            values, projected = effects(x[inside])
            left = y[inside] - values
            left -= left.mean()
            residual[inside] = left
            n = int(inside.sum())
            own = (effects.variance - effects.variance.mean(), effects.quadratic - effects.quadratic.mean(axis=0))
            shape = np.ones(n)
            blocks.append(
                (np.flatnonzero(inside), left, values - values.mean(), projected, effects.variance.mean() * shape,
                 effects.quadratic.mean(axis=0) * shape[:, None], shape * n / (n - 1))
            )  # fmt: skip
        order = np.argsort(np.concatenate([block[0] for block in blocks]))
        parts = [np.concatenate([block[part] for block in blocks])[order] for part in range(1, 7)]
        left, values, projected, variance, quadratic, scale = parts
        sample = Sample(unit, left, values, projected, variance, quadratic, scale, weight)
        pseudo = None
        if len(y2):
            kept = np.concatenate([residual[: y2[:, :width].size].reshape(-1, width), y2[:, width:]], axis=1)
            of_residual, plain = (pseudo_values(*integrand.summands(rows[:, :, None])) for rows in (kept, y2))
            pseudo = of_residual, plain
        found = decompose(sample, pseudo, own, level)
        # One run that makes most of the output's variance, and that the surrogate does not foresee.
        unseen = tail_reasons(y) if tail_reasons(residual) else ()
        return [
            replace(one, reasons=tuple(dict.fromkeys((*one.reasons, *unseen))))
            if one.figure.high - one.figure.low > 2 * NEGLIGIBLE
            else one
            for one in found
        ]

    def _effects(
        self, integrand: SobolIntegrand, given: Expansion | None, x: np.ndarray, y: np.ndarray, others: np.ndarray
    ) -> Effects:
        """The chaos of the other folds and of the pilot, added to the given one."""
        if self.chaos is None:
            assert given is not None
            return ChaosEffects(integrand, given)
        drawn, observed = self.pilot
        done = finished(observed)
        place = self.integrand.outputs.index(integrand.outputs[0])
        points = np.concatenate([drawn[done], x[others]])[: self.settings.training]
        values = np.concatenate([observed[done][:, 0, place], y[others]])[: self.settings.training]
        if given is None:
            return ChaosEffects(integrand, self.chaos.fit(points, values))
        rest = values - given(normals_where(given, points))
        return ChaosEffects(integrand, added(given, 1.0, self.chaos.fit(points, rest)))

    # What goes on record beside the estimates.

    def asked(self, plan: Plan) -> int:
        """Surrogate evaluations."""
        given = sum(item.asked for item in plan.given if isinstance(item, SampledEffects))
        return given + len(self.pilot[0]) * len(self.each) * bool(self.task.surrogates)

    def plain_variance(self, plan: Plan) -> np.ndarray:
        """Variance of a run of pick-freeze Monte Carlo for each statistic, of the surrogate where it stands in."""
        width = self.integrand.runs_per_row
        if plan.pairs:
            rows = np.concatenate([block for _, block in self.rows])
            rows = rows[finished(rows)]
            return width * pseudo_values(*self.integrand.summands(rows)).var(axis=0, ddof=1)
        return np.full(len(self.integrand.statistics), np.nan)


class _Single(Integrand):
    """One run a row, nothing asked of it: what observes single runs."""

    runs_per_row = 1

    def __init__(self, integrand: SobolIntegrand) -> None:
        self.law, self.outputs, self.row_dimension = integrand.law, integrand.outputs, integrand.law.dimension

    def summands(self, rows: np.ndarray) -> Any:
        """See `Integrand.summands`."""
        raise NotImplementedError


def _first(blocks: list[tuple[np.ndarray, np.ndarray]], count: int) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([u for u, _ in blocks])[:count], np.concatenate([y for _, y in blocks])[:count]
