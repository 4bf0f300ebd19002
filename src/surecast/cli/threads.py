"""One thread a process, also where a rule has several threads: these are processes of its own."""

from __future__ import annotations

import os
import sys
from typing import Any

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def one_thread(snakemake: Any) -> None:
    """Set the number of threads of this process back to one, where Snakemake set it to those of the rule.

    It does so for every script of a rule with `threads` above one. Libraries read it when they are imported, so it
    is left as it is, to be refused, once NumPy has been.

    Parameters
    ----------
    snakemake : snakemake.script.Snakemake
        What Snakemake hands to a script.
    """
    threads = str(getattr(snakemake, "threads", 1))
    if os.environ.get("OMP_NUM_THREADS") == threads != "1" and "numpy" not in sys.modules:
        os.environ.update(dict.fromkeys(VARIABLES, "1"))
