"""The floor of counts: with no event (or disagreement) in n runs the interval is still [0, 1 - (alpha/2)^(1/n)].

That is about 3.7/n at 95 %. A tolerance below its half is refused before the first run.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from surecast.study.errors import EstimationError

if TYPE_CHECKING:
    from surecast.quantify.sampling import Task


def least_runs(tolerance: float, level: float) -> int:
    """Fewest independent runs whose count of events can have an interval of half-width `tolerance`.

    The exact interval of no event in n runs is the narrowest, [0, 1 - (alpha/2)^(1/n)]; its half-width is
    at most `tolerance` from n = log(alpha/2)/log(1 - 2 tolerance) on. A tolerance relative to a probability
    asks for at least as much, since no probability exceeds 1.
    """
    if tolerance >= 0.5:
        return 1
    return math.ceil(math.log(0.5 * (1 - level)) / math.log1p(-2 * tolerance))


def require_floor(task: Task, level: float, rows: int, runs_per_count: float) -> None:
    """Refuse a tolerance that the count of so many rows cannot reach whatever it is.

    Parameters
    ----------
    level : float
        Level of the interval at the last look.
    rows : int
        Independent rows of the final sample at most.
    runs_per_count : float
        Runs of the budget for each of them.

    Raises
    ------
    EstimationError
        With the number of runs that it takes at least.
    """
    wanted = [tolerance for tolerance in (task.tolerance, task.absolute_tolerance) if tolerance is not None]
    if not wanted:
        return
    least = least_runs(max(wanted), level)
    if rows < least:
        needed = math.ceil(least * runs_per_count)
        raise EstimationError(
            f"a tolerance of {max(wanted):g} cannot be reached with {task.runs} runs: even if no event (or no "
            f"disagreement of the surrogate) is seen, the interval is wider; it needs at least {needed} runs.",
            f"write `runs: {needed}` or more, or a larger tolerance.",
        )
