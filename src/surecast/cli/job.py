"""What every job of the workflow does around its one call: log, message, record, an end with its parent."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.cli import imports, lock, warm
from surecast.study.errors import SurecastError

if TYPE_CHECKING:
    from surecast.study.model import Study


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator[Study]:
    """Run the body as the job of one rule of a study: as `bare_job`, with the study, and a record of what was made."""
    with bare_job(snakemake, snakemake.wildcards.study):
        from surecast.study.load import load_study

        yield load_study(Path(snakemake.config["study_files"][snakemake.wildcards.study]))
        from surecast.cli.record import write_record

        write_record(snakemake)


@contextlib.contextmanager
def bare_job(snakemake: Any, of: str) -> Iterator[None]:
    """Run the body as the job of one rule: log to ``snakemake.log``, end with the main process.

    An error of the family in `surecast.study.errors` ends the process with one message, in the log and on
    the terminal, and without a traceback; any other exception is a defect, and its traceback is in the log.

    Parameters
    ----------
    snakemake : snakemake.script.Snakemake
        What Snakemake hands to a script.
    of : str
        Whose job it is, for messages.
    """
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads != "1":
        raise SystemExit(f"OMP_NUM_THREADS is {threads!r}: sums would depend on it. Run the job through the Snakefile.")
    warm.hand_over(snakemake.rule)
    _end_with_main_process()
    terminal = os.dup(2)
    with open(snakemake.log[0], "w", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        imports.spare()
        yield
    except SurecastError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)
        _say(terminal, f"Error in {snakemake.rule} of {of}: {error}")
        sys.exit(error.exit_code)
    except Exception as error:
        _say(terminal, f"Unexpected {type(error).__name__} in {snakemake.rule} of {of}: {error}")
        raise


def _say(terminal: int, text: str) -> None:
    os.write(terminal, f"\n{text}\n".encode())


def _end_with_main_process() -> None:
    """End this process when the main Snakemake process is gone: after a `kill -9` nothing must go on writing."""
    owner = lock.main_process()
    if owner is None:
        return

    def watch() -> None:
        while owner.alive():
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
