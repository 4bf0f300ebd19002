"""What estimators with models of several fidelities share: models and their cost, pilot, growing blocks, diagnostics.

The finest model is the study's simulator. Others are the same simulator on coarser grids (`Task.levels`, each with
its declared work relative to the finest) and, where an estimator takes them, surrogates (at no work, each
evaluated `surrogate_runs` times at most). The budget counts work: a run on a grid of cost 1/16 is a sixteenth run.
Costs are declared, never measured, so that the numbers do not depend on the machine.

A pilot on inputs of its own runs every model once an input. It decides which models are used, the number of samples
of each and the coefficients, and enters no estimate: given the pilot, all that follows is fixed before its first
run, and the estimate is as free of bias as with numbers chosen by hand. Its work counts.

What only the finest model shows must be seen by its few runs: their least number is that of `least_fine`, and a
difference larger than it assumes, on rarer inputs, is as invisible here as it is to any sample of that size.

Where a coarse run fails, the value is the mean of the pilot's: a coarse model may be any function of the inputs, as
long as it is the same one wherever it appears. Failed runs of the finest model are another matter, see
`surecast.quantify.failures`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, model_validator

from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.allocation import LEAST_BLOCK, Budget
from surecast.quantify.estimators.blocks import Scheme, combined
from surecast.quantify.estimators.estimator import Estimator, Found, estimates, finished
from surecast.quantify.estimators.monte_carlo import sample_pseudo_values
from surecast.quantify.failures import with_failures
from surecast.quantify.hierarchy import problems as hierarchy_problems
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import t_quantile
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.sampling import Level, Model, Task, child, observe_rows, run_seeds, uniforms
from surecast.quantify.stopping import grow, looks
from surecast.study.component import Problem, refused
from surecast.study.errors import EstimationError

if TYPE_CHECKING:
    from surecast.study.model import Study

LARGEST_LEAST = 0.5
"""Share of the budget that `least_fine` may ask for."""
LEAST_PILOT, MOST_PILOT, PILOT_SHARE = 20, 200, 0.1
MOST_RUNS = 1_000_000
"""Runs of a coarse model at most."""


@dataclass
class Fidelity:
    """One model; `fill` (columns,) stands where a run of a coarse one fails."""

    name: str
    model: Model
    cost: float
    most: float
    simulated: bool
    fill: np.ndarray | None = None
    failed: int = 0


class Fidelities(Estimator):
    """Base of the estimators that combine models of several fidelities."""

    uses_levels: ClassVar[bool] = True
    takes_surrogates: ClassVar[bool] = True

    cells: list[int] | None = Field(
        default=None,
        min_length=2,
        description="Sizes of the grids (cells, or points), coarsest first; the last one is the simulator's own. "
        "By default every coarser grid that the simulator offers.",
    )
    costs: list[float] | None = Field(
        default=None,
        description="Work of a run on each grid of `cells`, in any unit; by default unknowns times time steps.",
    )
    pilot: int | None = Field(
        default=None,
        ge=LEAST_PILOT,
        le=100_000,
        description="Inputs of the pilot; by default a tenth of the budget, 20 to 200. It enters no estimate.",
    )

    @model_validator(mode="after")
    def _grids(self) -> Fidelities:
        if self.cells is not None and sorted(set(self.cells)) != self.cells:
            raise refused("cells", "does not rise.", "name each grid once, the coarsest first.")
        if self.costs is not None and (self.cells is None or len(self.costs) != len(self.cells)):
            raise refused("costs", "does not match `cells`.", "give one number a grid, or leave it out.")
        if self.costs is not None and not (min(self.costs) > 0 and max(self.costs) <= self.costs[-1] < math.inf):
            raise refused("costs", "must be positive, and none above that of the finest grid.", "correct them.")
        return self

    def problems(self, study: Study) -> Iterable[Problem]:
        """What the study's simulator does not offer."""
        return hierarchy_problems(study, self.cells, self.costs, required=not self.takes_surrogates)

    @abstractmethod
    def scheme(self, pilot: np.ndarray, budget: Budget) -> Scheme:
        """Blocks and terms from pseudo-values (M, n, S) of the pilot, the finest model first."""

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            Without a second model, for probabilities, or with too few runs.
        """
        if integrand.statistics[0].interval == "probability" or integrand.runs_per_row != 1:
            raise EstimationError(f"{self.kind} answers moments only.", "use another estimator for this question.")
        models = self._models(task)
        costs = np.array([model.cost for model in models])
        count = self._pilot_inputs(task, costs)
        spent = count * float(costs.sum())
        psi = self._pilot(integrand, task, models, count)
        work = task.runs - spent
        budget = Budget(work, costs, float(LEAST_BLOCK), np.array([model.most for model in models]))
        scheme = self.scheme(psi, budget)
        scheme = self.scheme(psi, replace(budget, least=least_fine(work, scheme.variance, task.level)))
        total = int(work)
        rows: list[list[dict[int, np.ndarray]]] = [[] for _ in scheme.blocks]

        def until(size: int) -> list[int]:
            """Rows of each block at a look: its share, but as many from the first one on as show its own spread."""
            least = LEAST_BLOCK if size else 0
            return [max(block.size * size // total, min(block.size, least)) for block in scheme.blocks]

        def cost_of(size: int) -> float:
            parts = zip(until(size), scheme.blocks, strict=True)
            return float(sum(count * costs[list(block.models)].sum() for count, block in parts))

        def observe(start: int, stop: int) -> None:
            for place, (first, last) in enumerate(zip(until(start), until(stop), strict=True)):
                if last > first:
                    key = (2, place)
                    rows[place].append(
                        {k: _observe(integrand, task, models[k], key, first, last, self.kind) for k in
                         scheme.blocks[place].models}
                    )  # fmt: skip

        def analyse(size: int, level: float) -> list[Found]:
            held = [_prefix(parts, end) for parts, end in zip(rows, until(size), strict=True)]
            fine = [block[0] for block in held if 0 in block]
            ends = np.cumsum([len(block) for block in fine])[:-1]

            def completed(done: np.ndarray) -> list[Found]:
                pieces = iter(np.split(done, ends))
                filled = [{**block, 0: next(pieces)} if 0 in block else block for block in held]
                return combined(integrand, scheme.terms, filled, level)

            return with_failures(integrand, np.concatenate(fine), task.bounds, completed)

        record = grow(looks(total, task), task, observe, analyse)
        size = max(record)
        fine = np.concatenate([part[0] for parts in rows for part in parts if 0 in part])
        plain = sample_pseudo_values(integrand, fine).var(axis=0, ddof=1)
        made = {k: count + sum(until(size)[b] for b, block in enumerate(scheme.blocks) if k in block.models)
                for k in range(len(models))}  # fmt: skip
        figures = self._diagnostics(models, made, count, scheme)
        surrogate_runs = sum(made[k] for k, model in enumerate(models) if not model.simulated)
        return [
            replace(one, diagnostics={**one.diagnostics, **figures, **_coefficients(models, scheme, index)})
            for index, one in enumerate(
                estimates(
                    self,
                    integrand,
                    task,
                    {math.ceil(spent + cost_of(size) - 1e-9): found for size, found in record.items()},
                    plain_variance=plain,
                    failed=int(np.isnan(fine).any(axis=2).sum()),
                    surrogate_runs=surrogate_runs,
                    rows=fine,
                )
            )
        ]

    def _models(self, task: Task) -> list[Fidelity]:
        models = [Fidelity("finest", task.truth, 1.0, math.inf, True)]
        models += [Fidelity(level.name, level.model, level.cost, MOST_RUNS, True) for level in self._levels(task)]
        if self.takes_surrogates:
            models += [
                Fidelity(f"surrogate_{place}", model, 0.0, task.surrogate_runs, False)
                for place, model in enumerate(task.surrogates)
            ]
        if len(models) == 1:
            also = ", or name a surrogate in the question" if self.takes_surrogates else ""
            raise EstimationError(
                f"{self.kind} needs models of other fidelities, but the simulator offers no coarser grid.",
                f"use monte_carlo or scrambled_sobol{also}.",
            )
        return models

    def _levels(self, task: Task) -> Sequence[Level]:
        return task.levels

    def _pilot_inputs(self, task: Task, costs: np.ndarray) -> int:
        each = float(costs.sum())
        count = self.pilot or min(max(round(PILOT_SHARE * task.runs / each), LEAST_PILOT), MOST_PILOT)
        needed = math.ceil(count * each + 2 * LEAST_BLOCK)
        if task.runs < needed:
            raise EstimationError(
                f"{task.runs} runs are too few: the pilot of {count} inputs on {len(costs)} models takes the work of "
                f"{count * each:.3g} runs.",
                f"raise the question's `runs` to {needed} or more.",
            )
        return count

    def _pilot(self, integrand: Integrand, task: Task, models: list[Fidelity], count: int) -> np.ndarray:
        """Pseudo-values (M, n, S) of every model on the pilot's inputs; 0 for a coarse model all of whose runs fail."""
        observed = []
        for place, model in enumerate(models):
            try:
                observed.append(_observe(integrand, task, model, (1,), 0, count, f"{self.kind}: pilot"))
            except EstimationError:
                if place == 0 or not model.simulated:
                    raise
                observed.append(np.full_like(observed[0], np.nan))
        done = finished(observed[0])
        psi = [sample_pseudo_values(integrand, observed[0])]
        for model, rows in zip(models[1:], observed[1:], strict=True):
            known = rows[finished(rows)]
            model.fill = known.mean(axis=(0, 1)) if len(known) else np.zeros(rows.shape[-1])
            psi.append(pseudo_values(*integrand.summands(_filled(model, rows)[done])))
        return np.stack(psi)

    def _diagnostics(
        self, models: Sequence[Fidelity], made: Mapping[int, int], pilot: int, scheme: Scheme
    ) -> dict[str, float]:
        found = {"pilot_inputs": float(pilot), "predicted_relative_variance": scheme.variance}
        for k, model in enumerate(models):
            found[f"runs_{model.name}"] = float(made[k])
            found[f"cost_{model.name}"] = model.cost
            if k and model.failed:
                found[f"failed_{model.name}"] = float(model.failed)
        return found


def least_fine(work: float, variance: float, level: float) -> float:
    """Final runs of the finest model at least, for what it alone shows to be seen.

    Inputs of probability -log(1 - level)/n (the rule of three) may stay unseen in n runs. Where the finest model
    differs there by one of its standard deviations s, that moves a mean by as many s/n: n is such that this is no
    more than the half-width t s sqrt(variance/work) of the interval, up to half of the budget.
    """
    wanted = -np.log1p(-level) / t_quantile(level, math.inf) * np.sqrt(work / variance)
    return float(max(min(wanted, LARGEST_LEAST * work), LEAST_BLOCK))


def _observe(
    integrand: Integrand, task: Task, model: Fidelity, key: tuple[int, ...], start: int, stop: int, label: str
) -> np.ndarray:
    """Observations of a model on rows start to stop of a stream; every model of a stream sees the same inputs."""
    drawn = uniforms(child(task.seed, *key, 0), start, stop, integrand.row_dimension)
    seeds = run_seeds(child(task.seed, *key, 1), start, stop, 1) if model.simulated else None
    chunk = task.chunk if model.simulated else task.surrogate_chunk
    rows = observe_rows(model.model, integrand, drawn, label=f"{label}, {model.name}", chunk=chunk, seeds=seeds)
    model.failed += int((~finished(rows)).sum())
    return rows if model.fill is None else _filled(model, rows)


def _filled(model: Fidelity, rows: np.ndarray) -> np.ndarray:
    assert model.fill is not None
    return np.where(finished(rows)[:, None, None], rows, model.fill)


def _prefix(parts: Sequence[Mapping[int, np.ndarray]], end: int) -> dict[int, np.ndarray]:
    return {k: np.concatenate([part[k] for part in parts])[:end] for k in parts[0]}


def _coefficients(models: Sequence[Fidelity], scheme: Scheme, statistic: int) -> dict[str, float]:
    """Coefficient of each other model that is used: minus its weight on the sample that it shares with the finest."""
    shared = {place for place, block in enumerate(scheme.blocks) if 0 in block.models}
    return {
        f"coefficient_{models[term.model].name}": float(abs(term.weight[statistic]))
        for term in scheme.terms
        if term.model and set(term.blocks) <= shared
    }
