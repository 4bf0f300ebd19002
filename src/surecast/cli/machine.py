"""What this machine has for the runs of a study: cores, memory, GPUs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Cores that this process may use, memory in MB (10^6 bytes), NVIDIA GPUs."""

    cores: int
    mem_mb: int
    gpus: int


def this_machine() -> Machine:
    """Look at it; GPUs as the profile counts them for Snakemake."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(cores, memory // 10**6, len(list(Path("/dev").glob("nvidia[0-9]*"))))
