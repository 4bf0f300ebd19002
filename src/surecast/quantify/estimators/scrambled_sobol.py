"""Scrambled Sobol points: R independent scramblings of the same 2^m points, and a t interval over them.

Each scrambling gives unbiased means of the summands; the answer is the smooth function g of their
mean over scramblings, jackknifed over scramblings, so that products and ratios of means carry no bias
from the small number of points in each. The spread over scramblings is the only honest error of
quasi-random points (Owen 1997; L'Ecuyer and Lemieux 2002): bootstraps within one set are not.
A tail that no scrambling saw is not in that spread: where single rows make much of the sample variance
the interval is widened, and where one makes most of it there is a doubt (see `surecast.quantify.verdict`). Nor is
where between two points a step of the output lies: see `surecast.quantify.estimators.steps`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.distribution import DistributionIntegrand
from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import Estimator, Figure, Found, both_ways, estimates, figure, finished
from surecast.quantify.estimators.monte_carlo import sample_pseudo_values
from surecast.quantify.estimators.steps import largest_step
from surecast.quantify.failures import with_failures
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import clopper_pearson, union
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.sampling import Model, Task, child, observe_rows, run_seeds, scrambled_sobol
from surecast.quantify.stopping import grow, looks
from surecast.quantify.verdict import index_tail_reasons, sampling_error
from surecast.study.errors import EstimationError

FEW_EVENTS = 50
"""Below so many events replicate means are far from normal: the interval also holds the binomial one."""


class ScrambledSobol(Estimator):
    """Randomised quasi-Monte Carlo; needs no surrogate."""

    kind: ClassVar[str] = "scrambled_sobol"
    methods: ClassVar[tuple[str, ...]] = ("sobol1967", "matousek1998", "owen1997", "lecuyer2002")

    scramblings: int = Field(
        12,
        ge=8,
        le=1024,
        description="Least number of independent scramblings; up to twice as many to use the runs up.",
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            If fewer than two points a scrambling fit into the runs.
        """
        width = integrand.runs_per_row
        scramblings, points = layout(task.runs // width, self.scramblings)
        sample = Replicates(task.truth, integrand, child(task.seed, 0), scramblings, task.chunk, self.kind)

        def observe(start: int, stop: int) -> None:
            sample.observe(start, stop, child(task.seed, 1))

        def analyse(size: int, level: float) -> list[Found]:
            rows, drawn = sample.rows[:, :size], sample.drawn[:, :size]
            return with_failures(
                integrand, rows, task.bounds, lambda done: replicate_figures(integrand, done, drawn, level)
            )

        record = grow(
            looks(points, task, least=4),
            task,
            observe,
            analyse,
            sizes=lambda size: [size >> shift for shift in range(task.steps) if size >> shift >= 4],
        )
        rows = sample.rows.reshape(-1, *sample.rows.shape[2:])
        return estimates(
            self,
            integrand,
            task,
            {scramblings * size * width: found for size, found in record.items()},
            plain_variance=width * sample_pseudo_values(integrand, rows).var(axis=0, ddof=1),
            failed=int(np.isnan(rows).any(axis=2).sum()),
            rows=rows,
        )


def layout(rows: int, least: int) -> tuple[int, int]:
    """Scramblings (`least` to twice that) and points (a power of two) that use up the rows.

    Raises
    ------
    EstimationError
        If not even two points a scrambling fit.
    """
    if rows < 2 * least:
        raise EstimationError(
            f"{rows} rows are too few for {least} scramblings of at least two points.", "raise the question's `runs`."
        )
    points = 1 << ((rows // least).bit_length() - 1)
    return rows // points, points


class Replicates:
    """A model observed on independently scrambled Sobol points, as many of each scrambling as were asked for.

    Attributes
    ----------
    rows : (scramblings, points, runs_per_row, columns) array
    drawn : (scramblings, points, row_dimension) array
        Their uniforms.
    """

    def __init__(
        self,
        model: Model,
        integrand: Integrand,
        seed: np.random.SeedSequence,
        scramblings: int,
        chunk: int,
        label: str,
    ) -> None:
        self.model, self.integrand, self.seed, self.chunk, self.label = model, integrand, seed, chunk, label
        self.scramblings = scramblings
        self._blocks: list[np.ndarray] = []
        self._uniforms: list[np.ndarray] = []

    @property
    def rows(self) -> np.ndarray:
        """What was observed so far."""
        return np.concatenate(self._blocks, axis=1)

    @property
    def drawn(self) -> np.ndarray:
        """Where it was observed."""
        return np.concatenate(self._uniforms, axis=1)

    def observe(self, start: int, stop: int, stream: np.random.SeedSequence | None = None) -> Replicates:
        """Add points start to stop of every scrambling; `stream` gives the simulator's run seeds."""
        drawn = scrambled_sobol(self.seed, self.scramblings, start, stop, self.integrand.row_dimension)
        width = self.integrand.runs_per_row
        seeds = None
        if stream is not None:
            seeds = np.concatenate([run_seeds(child(stream, r), start, stop, width) for r in range(self.scramblings)])
        rows = observe_rows(
            self.model,
            self.integrand,
            drawn.reshape(-1, drawn.shape[2]),
            label=self.label,
            chunk=self.chunk,
            seeds=seeds,
        )
        self._blocks.append(rows.reshape(self.scramblings, stop - start, *rows.shape[1:]))
        self._uniforms.append(drawn)
        return self


def replicate_pseudo_values(integrand: Integrand, rows: np.ndarray) -> np.ndarray:
    """Jackknife pseudo-values (R, S) over scramblings of rows (R, n, runs_per_row, columns); failed rows are left out.

    Raises
    ------
    EstimationError
        If a scrambling has no row that finished.
    """
    done = np.stack([finished(replicate) for replicate in rows])
    if not done.any(axis=1).all():
        raise EstimationError(
            "a whole scrambling failed: nothing can be said.", "look at the messages of the failed runs."
        )
    summands, function = integrand.summands(rows[done])
    owner = np.nonzero(done)[0]
    means = np.empty((len(rows), summands.shape[1]))
    for index in range(len(rows)):
        means[index] = summands[owner == index].mean(axis=0)
    return pseudo_values(means, function)


def replicate_figures(
    integrand: Integrand, rows: np.ndarray, drawn: np.ndarray, level: float, replicates: str = "scramblings"
) -> list[Found]:
    """Value and interval of every statistic from independent replicates.

    Parameters
    ----------
    rows : (R, m, runs_per_row, columns) array
        Observations.
    drawn : (R, m, row_dimension) array
        Their uniforms.
    replicates : str
        What the replicates are called.
    """
    if isinstance(integrand, DistributionIntegrand):
        return integrand.from_replicates(rows, level)
    layout = {replicates: float(rows.shape[0]), "points": float(rows.shape[1])}
    if integrand.statistics[0].interval == "probability":
        ways = [_probability(integrand, np.where(np.isnan(rows), fill, rows), level) for fill in (0.0, 1.0)]
        return [Found(both_ways(*ways), counted=True, diagnostics=layout)]
    flat = rows.reshape(-1, *rows.shape[2:])
    single = sample_pseudo_values(integrand, flat)
    unseen = np.array([unseen_error(values, level) for values in single.T])
    step = largest_step(drawn.reshape(len(flat), -1)[finished(flat)], single)
    figures = _from_replicates(integrand, rows, level, unseen, step)
    return [
        Found(found, index_tail_reasons(values, statistic, found), diagnostics=layout)
        for statistic, found, values in zip(integrand.statistics, figures, single.T, strict=True)
    ]


def _from_replicates(
    integrand: Integrand, rows: np.ndarray, level: float, unseen: np.ndarray | float, step: np.ndarray | float
) -> list[Figure]:
    """t intervals over replicates.

    Parameters
    ----------
    unseen : (S,) array
        What a heavy tail adds to the standard error.
    step : (S,) array
        Height of a step that the points may hide, see `surecast.quantify.estimators.steps`.
    """
    pseudo = replicate_pseudo_values(integrand, rows)
    count, points = rows.shape[:2]
    values = pseudo.mean(axis=0)
    spread = np.maximum(pseudo.std(axis=0, ddof=1), 0.5 * np.asarray(step) / points)
    errors = np.hypot(spread / np.sqrt(count), unseen)
    return [
        figure(statistic, float(value), float(error), count - 1, level)
        for statistic, value, error in zip(integrand.statistics, values, errors, strict=True)
    ]


def unseen_error(values: np.ndarray, level: float) -> float:
    """What runs as far out as the farthest, but unseen, may add to the error; see `verdict.sampling_error`.

    Replicates share a heavy tail: where it was missed all of them miss it, and their spread does not tell.
    """
    plain = float(values.var(ddof=1)) / len(values)
    return float(np.sqrt(max(sampling_error(values, level) ** 2 - plain, 0.0)))


def _probability(integrand: Integrand, rows: np.ndarray, level: float) -> Figure:
    events, points = int(rows.sum()), rows.shape[1]
    share = events / rows.size
    # An indicator steps by 1; the few points of rare events are spread like independent ones.
    coin = min(1.0, 2 * np.sqrt(share * (1 - share) * points))
    (found,) = _from_replicates(integrand, rows, level, 0.0, coin)
    if min(events, rows.size - events) >= FEW_EVENTS:
        return found
    low, high = union((found.low, found.high), clopper_pearson(events, rows.size, level))
    return Figure(found.value, low, high, found.standard_error)
