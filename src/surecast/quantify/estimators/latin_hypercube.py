"""Replicated Latin hypercubes: R independent hypercubes of m points each, and a t interval over them.

In a hypercube each of m strata of every input holds one point, which takes the variance of the part of the output
that is a sum over inputs away, Var = Var(residual from additivity)/m + o(1/m), and is never worse than m - 1
independent runs for a mean (McKay, Beckman and Conover 1979, sections 2 and 3; Owen 1997 for the bound). The points
of one hypercube depend on each other, so that only the spread over independent hypercubes is an honest error.

A hypercube cannot grow. Where a tolerance is asked for, looks are at declared numbers of hypercubes of m points.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.design.latin_hypercube import latin_points
from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.estimator import Estimator, estimates, growing
from surecast.quantify.estimators.monte_carlo import sample_pseudo_values
from surecast.quantify.estimators.scrambled_sobol import replicate_figures
from surecast.quantify.failures import with_failures
from surecast.quantify.integrand import Integrand
from surecast.quantify.sampling import Task, child, generator, observe_rows, run_seeds
from surecast.quantify.stopping import grow, looks
from surecast.study.errors import EstimationError

LEAST_REPLICATES = 8
"""Fewest hypercubes of a look: below it their spread is hardly known."""


class LatinHypercube(Estimator):
    """Independent Latin hypercubes; needs no surrogate."""

    kind: ClassVar[str] = "latin_hypercube"
    methods: ClassVar[tuple[str, ...]] = ("mckay1979", "owen1997")

    replicates: int = Field(
        32,
        ge=LEAST_REPLICATES,
        le=4096,
        description="Number of independent hypercubes; more where the runs are no multiple of it, fewer only where "
        "they would have one point each.",
    )

    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """See `Estimator.estimate`.

        Raises
        ------
        EstimationError
            If fewer than eight hypercubes of two points fit into the runs.
        """
        width = integrand.runs_per_row
        replicates, points = layout(task.runs // width, self.replicates)
        blocks: list[np.ndarray] = []
        places: list[np.ndarray] = []

        def observe(start: int, stop: int) -> None:
            drawn: list[np.ndarray] = []
            seeds = []
            for index in range(start, stop):
                stream = generator(child(task.seed, 0, index))
                drawn.append(latin_points(points, integrand.row_dimension, stream))
                seeds.append(run_seeds(child(task.seed, 1, index), 0, points, width))
            rows = observe_rows(
                task.truth,
                integrand,
                np.concatenate(drawn),
                label=self.kind,
                chunk=task.chunk,
                seeds=np.concatenate(seeds),
            )
            blocks.append(rows.reshape(stop - start, points, *rows.shape[1:]))
            places.extend(drawn)

        record = grow(
            looks(replicates, task, least=LEAST_REPLICATES),
            task,
            observe,
            lambda size, level: with_failures(
                integrand,
                np.concatenate(blocks)[:size],
                task.bounds,
                lambda rows: replicate_figures(integrand, rows, np.stack(places[:size]), level, "hypercubes"),
            ),
            sizes=lambda size: growing(size, task.steps, least=LEAST_REPLICATES),
        )
        rows = np.concatenate([block.reshape(-1, *block.shape[2:]) for block in blocks])
        return estimates(
            self,
            integrand,
            task,
            {size * points * width: found for size, found in record.items()},
            plain_variance=width * sample_pseudo_values(integrand, rows).var(axis=0, ddof=1),
            failed=int(np.isnan(rows).any(axis=2).sum()),
            rows=rows,
        )


def layout(rows: int, replicates: int) -> tuple[int, int]:
    """Hypercubes and points in each: as many points as let `replicates` of them fit, two at least.

    Raises
    ------
    EstimationError
        If fewer than eight hypercubes of two points fit.
    """
    if rows < 2 * LEAST_REPLICATES:
        raise EstimationError(
            f"{rows} rows are too few for {LEAST_REPLICATES} Latin hypercubes of at least two points.",
            "raise the question's `runs`.",
        )
    points = max(2, rows // replicates)
    return rows // points, points
