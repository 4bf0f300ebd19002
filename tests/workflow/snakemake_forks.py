"""Snakemake in copies (forks) of one process that has imported it, which takes longer than most of what tests ask.

Each call is one of Snakemake's own `main` in a process of its own, as from a shell; only the import is shared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 900
"""After so long a call is ended: a job that waits for more than there is would wait for ever."""


class Forks:
    """The process that has imported Snakemake; use as a context."""

    def __enter__(self) -> Forks:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run ``snakemake ARGUMENTS`` in a folder and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as error:
            request = [list(arguments), str(folder), dict(environment), out.name, error.name]
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            said = (Path(file.name).read_text(encoding="utf-8") for file in (out, error))
            return subprocess.CompletedProcess(["snakemake", *arguments], code, *said)


def _become(arguments: list[str], folder: str, environment: dict[str, str], out: str, error: str) -> int:
    """In a copy: run Snakemake to its end; the exit code."""
    import atexit
    import signal
    import threading

    from snakemake.cli import main

    signal.alarm(SECONDS)
    for name, place in ((os.devnull, 0), (out, 1), (error, 2)):
        os.dup2(os.open(name, os.O_RDWR), place)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.argv = ["snakemake", *arguments]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def _serve() -> None:
    import snakemake.cli  # noqa: F401
    import snakemake_executor_plugin_slurm  # noqa: F401 (Snakemake imports its plugins, and this one imports pandas)

    assert not [name for name in sys.modules if name.startswith("surecast")], "that is for each copy to import"
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _become(*json.loads(line))
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
