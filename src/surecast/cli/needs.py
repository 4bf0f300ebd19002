"""What the jobs that run the simulator ask Snakemake for, by what the study says one run needs.

A part and a question make as many runs at once as their cores allow. None of this is in a fingerprint: it decides no
number. Nothing heavy is imported here, since Snakemake reads it whenever it plans.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from surecast.study.at_once import at_once

if TYPE_CHECKING:
    from surecast.study.model import Study

LONGEST = 1440
"""Minutes that a question asks for at most: before they are over it ends by itself; tried again it goes on."""


@dataclass(frozen=True)
class Needs:
    """Needs of one run, and how many runs there are.

    Attributes
    ----------
    stated : bool
        Whether the study says anything of them.
    cpus, ranks, gpu : int
        Cores of a rank, MPI ranks (0: no MPI program), GPUs.
    mem_mb : int
        Memory, MB.
    minutes : float
        Time; 0 where it is not stated.
    beside : int
        Runs that the simulator makes at once by itself, as the study has it.
    runs_per_part : int
        Runs of the largest part.
    budgets : dict
        Runs that each question may make.
    """

    stated: bool = False
    cpus: int = 1
    ranks: int = 0
    gpu: int = 0
    mem_mb: int = 0
    minutes: float = 0.0
    beside: int = 1
    runs_per_part: int = 1
    budgets: dict[str, int] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        """Cores of a run."""
        return self.cpus * max(1, self.ranks)

    @property
    def threads(self) -> int:
        """Cores of a job: those of a run, times the runs that the simulator makes at once by itself."""
        return self.cores * (1 if self.gpu else self.beside)

    def at_once(self, threads: int) -> int:
        """Runs that a job of so many cores makes at once."""
        return at_once(threads, self.cores, self.gpu)

    def memory(self, own: int, threads: int) -> int:
        """Memory of a job, MB: its own and that of the runs under way."""
        return own + self.mem_mb * self.at_once(threads)

    def part_minutes(self, own: int, threads: int) -> int:
        """Time of a part, minutes: its own, and that of its runs."""
        return own + self._minutes(self.runs_per_part, threads)

    def question_minutes(self, own: int, question: str, threads: int) -> int:
        """Time of a question, minutes, which the first look at a target may not know."""
        return min(own + self._minutes(self.budgets.get(question, 0), threads), max(own, LONGEST))

    def tasks(self, threads: int) -> int | None:
        """MPI ranks of a job; None without MPI."""
        return self.ranks * self.at_once(threads) if self.ranks else None

    def _minutes(self, runs: int, threads: int) -> int:
        return math.ceil(self.minutes * math.ceil(runs / self.at_once(threads)))


def needs_of(study: Study) -> Needs:
    """The needs of a study that has been checked."""
    from surecast.simulate.side_by_side import SideBySide

    runs_per_part = study.build_design().runs_per_part
    budgets = {name: budget(study, name) for name in study.questions}
    of_run = study.simulator.resources
    if of_run is None:
        return Needs(runs_per_part=runs_per_part, budgets=budgets)
    simulator = study.build_simulator()
    return Needs(
        stated=True,
        cpus=of_run.cpus,
        ranks=of_run.mpi or 0,
        gpu=of_run.gpu,
        mem_mb=of_run.mem_mb,
        minutes=of_run.minutes or 0.0,
        beside=simulator.most_at_once() if isinstance(simulator, SideBySide) else 1,
        runs_per_part=runs_per_part,
        budgets=budgets,
    )


def budget(study: Study, question: str) -> int:
    """Largest number of simulator runs that a question may make: its runs for every estimator."""
    component = study.build_question(question)
    return int(component.runs) * max(1, len(component.estimators))
