"""How many runs a job makes at once; without pydantic, since Snakemake plans by it."""

from __future__ import annotations


def at_once(cores: int, of_run: int, gpu: int = 0) -> int:
    """Number of runs that a job makes side by side: its cores over those of a run, one at least.

    Parameters
    ----------
    cores, of_run : int
        Cores of the job, and of a run.
    gpu : int
        GPUs of a run. Runs that have any follow each other within a job: it asks for those of one run.
    """
    return 1 if gpu else max(1, cores // of_run)
