"""Benchmarks of Snakemake that count the copy of a warm process (`surecast.cli.warm`) with the script it works for."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any


def measure_copies(folder: Path) -> None:
    """Let Snakemake's benchmarks (9.27) count the copy of a script among the script's children.

    `folder` holds a file for each script that has a copy: its name is the script's process, its text the copy's.
    """
    import psutil
    from snakemake.benchmark import BenchmarkTimer

    class Script(psutil.Process):
        def children(self, recursive: bool = False) -> list[psutil.Process]:
            found = super().children(recursive)
            for process in (self, *found):
                with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
                    copy = psutil.Process(int((folder / str(process.pid)).read_text()))
                    found = [*found, copy, *copy.children(recursive=True)]
            return found

    made = BenchmarkTimer.__init__

    def measuring(self: Any, pid: int, *arguments: Any, **options: Any) -> None:
        made(self, pid, *arguments, **options)
        self.main = Script(pid)

    BenchmarkTimer.__init__ = measuring
