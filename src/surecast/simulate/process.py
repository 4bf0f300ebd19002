"""One outside program, run to its end: a time limit, a bound on what it prints, and no process left behind.

The program leads a process group of its own. When it has ended, for whatever reason, the rest of the group is killed;
on Linux also those of its processes that left the group, which a variable of their environment betrays. Should this
process itself be killed, a shell that waits for it does the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

STDOUT, STDERR = "stdout.txt", "stderr.txt"
MOST_PRINTED = 2**28
"""Bytes that a program may print on either, so that an endless loop does not fill the disk before its time is over."""
LOOK_SECONDS = 0.1
"""Time between two looks at what it has printed."""
GRACE_SECONDS = 1.0
"""Time to end by itself when it is asked to: launchers such as mpirun end their own processes then."""
TAIL_LINES, TAIL_LETTERS = 5, 400
MARK = "SURECAST_SCRATCH"

# It is told when the program has ended; the end of its input without that means that whoever started it is gone.
_GUARD = 'read -r told || { kill -s KILL -- "-$0"; rm -rf -- "$1"; }'


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def at_once(call: Callable[[_Item, threading.Event], _Result], items: Sequence[_Item], parallel: int) -> list[_Result]:
    """Results of a call on every item, in order, `parallel` of them at once; the event tells calls to end early."""
    stop = threading.Event()
    with ThreadPoolExecutor(min(parallel, len(items))) as pool:
        waiting = [pool.submit(call, item, stop) for item in items]
        try:
            return [one.result() for one in waiting]
        except BaseException:  # Ctrl-C too: no program may go on
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_program(
    arguments: Sequence[str],
    folder: Path,
    stdin: Path,
    time_limit: float,
    environment: Mapping[str, str],
    stop: threading.Event,
) -> str:
    """Run a program in a folder; what it prints lies there as ``stdout.txt`` and ``stderr.txt``.

    Parameters
    ----------
    arguments : sequence of str
        The program and its arguments, handed over as they are: no shell reads them.
    folder : Path
        Its working directory, of no other use.
    stdin : Path
        The file that it reads as standard input.
    time_limit : float
        Seconds after which it is ended.
    environment : mapping
        Variables beside those of this process.
    stop : threading.Event
        Ends it early once set.

    Returns
    -------
    str
        Why it failed, with the tail of what it printed; empty if its exit code is 0.
    """
    variables = {**os.environ, **environment, MARK: str(folder)}
    with open(stdin, "rb") as given, open(folder / STDOUT, "wb") as out, open(folder / STDERR, "wb") as err:
        try:
            program = subprocess.Popen(
                list(arguments), cwd=folder, stdin=given, stdout=out, stderr=err, env=variables, start_new_session=True
            )
        except (OSError, ValueError) as error:  # a null byte in an argument is a ValueError
            return f"the program cannot be started ({getattr(error, 'strerror', None) or error})"
    with _guarded(program, folder):
        problem = _wait(program, folder, time_limit, stop)
    if not problem and program.returncode:
        code = program.returncode
        problem = f"exit code {code}" if code > 0 else f"was ended by the signal {_signal(-code)}"
    return f"{problem}; {_told(folder)}" if problem else ""


def _wait(program: subprocess.Popen[bytes], folder: Path, time_limit: float, stop: threading.Event) -> str:
    """Wait until the program has ended, or must."""
    deadline = time.monotonic() + time_limit
    while not stop.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            return f"was still running after time_limit = {time_limit:g} seconds"
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(min(left, LOOK_SECONDS))
            return ""
        for name in (STDOUT, STDERR):
            if _size(folder / name) > MOST_PRINTED:
                return f"had printed more than {MOST_PRINTED >> 20} MiB to {name.removesuffix('.txt')}"
    return "was interrupted"


def _end(program: subprocess.Popen[bytes], folder: Path) -> None:
    """End what is left of the program: ask it first, then kill its group and whatever left that."""
    if program.poll() is None:
        _send(program.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(GRACE_SECONDS)
    _send(program.pid, signal.SIGKILL)
    program.wait()
    for _ in range(10):  # one that is killed may just have started another
        strays = list(_strays(folder))
        for stray in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(stray, signal.SIGKILL)
        if not strays:
            return


def _send(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone; macOS: all gone but not yet buried
        os.killpg(group, number)


def _strays(folder: Path) -> Iterator[int]:
    """Processes that were started in `folder` and still run, wherever they belong to; Linux only."""
    mark = f"{MARK}={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)


@contextlib.contextmanager
def _guarded(program: subprocess.Popen[bytes], folder: Path) -> Iterator[None]:
    """The program ends with the block; if this process ends first, a shell kills its group and removes the folder."""
    command = ["/bin/sh", "-c", _GUARD, str(program.pid), str(folder)]
    null = subprocess.DEVNULL
    try:
        guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null, start_new_session=True)
    except BaseException:
        _end(program, folder)
        raise
    try:
        yield
    finally:
        _end(program, folder)
        guard.communicate(b"ended\n")


def _told(folder: Path) -> str:
    """The tail of what the program printed, on one line and without the name of its folder, which is another each time.

    What it said last on stderr is why it failed, as a rule; some programs say it on stdout.
    """
    for name in (STDERR, STDOUT):
        size = _size(folder / name)
        if not size:  # or the program has removed it
            continue
        with open(folder / name, "rb") as file:
            file.seek(max(0, size - 16 * TAIL_LETTERS))
            text = file.read(16 * TAIL_LETTERS).decode("utf-8", errors="replace").replace(str(folder), ".")
        lines = [" ".join("".join(filter(str.isprintable, line.expandtabs())).split()) for line in text.splitlines()]
        tail = " | ".join([line for line in lines if line][-TAIL_LINES:])
        if tail:
            shown = tail if len(tail) <= TAIL_LETTERS else f"...{tail[-TAIL_LETTERS:]}"
            return f"{name.removesuffix('.txt')} ends: {shown}"
    return "it printed nothing"


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return str(number)
