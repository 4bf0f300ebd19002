"""Drawing in copies of this process: matplotlib takes longer over the figures than all else in a report takes.

A copy (a fork) writes what it has drawn to a file that both hold open, so that nothing is drawn twice or in another
order, and the bytes are those that one process alone would write.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import IO

from surecast.study.errors import SurecastError

_PROCESSES: ContextVar[int] = ContextVar("processes", default=1)
_running: list[Pending] = []


@contextlib.contextmanager
def processes(count: int) -> Iterator[None]:
    """Let so many processes draw at once, this one included; one draws all by itself."""
    token = _PROCESSES.set(count if hasattr(os, "fork") and sys.platform != "darwin" else 1)
    try:
        yield
    finally:
        _PROCESSES.reset(token)
        while _running:
            _running[0].wait()


class Pending:
    """Two pieces of bytes that are being made.

    Parameters
    ----------
    make : callable
        Makes them; called once, in a copy of this process where there may be one, else here and now.
    """

    def __init__(self, make: Callable[[], tuple[bytes, bytes]]) -> None:
        self._made: tuple[bytes, bytes] | None = None
        if _PROCESSES.get() < 2:
            self._made = make()
            return
        while len(_running) >= _PROCESSES.get():
            _running[0].wait()
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the copy writes it, this process reads it)
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                first, second = make()
                self._file.write(len(first).to_bytes(8, "big") + first + second)
                self._file.flush()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _running.append(self)

    def wait(self) -> tuple[bytes, bytes]:
        """The two pieces.

        Raises
        ------
        SurecastError
            If the copy did not end well; its traceback is in the log.
        """
        if self._made is None:
            _running.remove(self)
            _, status = os.waitpid(self._pid, 0)
            with self._file as file:
                if status:
                    raise SurecastError("a figure could not be drawn.", "its traceback is in the log: report it.")
                file.seek(0)
                size = int.from_bytes(file.read(8), "big")
                self._made = file.read(size), file.read()
        return self._made
