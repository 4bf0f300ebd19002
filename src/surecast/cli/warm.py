"""Jobs that start warm: a process has imported what jobs need, and a copy of it (a fork) does the work of each job.

Importing NumPy, xarray and SciPy takes a job of a small study longer than its work. So the main process of Snakemake
starts a few more, which import them once and wait on sockets, each for the jobs of some stages. A script that
Snakemake has started hands itself over: it sends its path, environment and output, and waits for its copy to end, whose
exit code is its own. Nothing else changes: the copy runs the same script with the same log. Where there is no such
process (on a node of a cluster, in a debugger, on macOS, or after it has died) a script runs where it is.

A waiting script that is killed takes its copy with it, and all end with the main process.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from surecast.cli import imports, lock
from surecast.cli.measure_copies import measure_copies

SOCKETS = "SURECAST_WARM_PROCESSES"
"""Variable of the environment in which jobs find the folder of the sockets."""
EVERY_JOB = ("snakemake.iocontainers", "snakemake.logging", "surecast.study.load", "surecast.cli.record", "netCDF4")
GROUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "runs": (
        ("design", "simulate", "assemble", "baselines"),
        (
            "surecast.design.make",
            "surecast.simulate.part",
            "scipy.fft",
            "surecast.assemble.dataset",
            "zarr",
            "dask.array",
        ),
    ),
    "learnt": (
        ("train", "evaluate", "quantify"),
        ("surecast.train.train", "safetensors.numpy", "zarr", "surecast.evaluate.evaluate", "surecast.quantify.answer"),
    ),
    "page": (
        ("report", "card", "papers_page"),
        (
            "matplotlib.backends.backend_svg",
            "matplotlib.backends.backend_pdf",
            "surecast.report.report",
            "jinja2",
            "surecast.report.figures.fonts:prepare",
        ),
    ),
}
"""What each process serves and imports: the first jobs must not wait for what only later ones need."""
AFTER = {"page": "learnt"}
"""Imports nothing, unless it is asked for a job, until that other process has imported all: its jobs come last."""
EXPECTED, READY = "expected.json", "ready"
SECONDS = 0.5
"""Time between two looks at whether the main process is there."""
_started: list[subprocess.Popen[bytes]] = []


def start(rules: Iterable[str] | None = None) -> None:
    """Start the processes, from the main process of Snakemake, whose jobs find them in the environment; once.

    On Linux alone: a fork of a process that has used macOS's own libraries is not safe.

    Parameters
    ----------
    rules : iterable of str, optional
        Rules that have jobs; all have, where that is not known yet.
    """
    wanted = set(rules) if rules is not None else None
    groups = [group for group, (served, _) in GROUPS.items() if wanted is None or not wanted.isdisjoint(served)]
    if sys.platform != "linux" or SOCKETS in os.environ or not groups:
        return
    folder = tempfile.mkdtemp(prefix="surecast-")
    listeners = {group: socket.socket(socket.AF_UNIX) for group in groups}
    try:
        for group, listener in listeners.items():
            listener.bind(f"{folder}/{group}")  # before a job may ask
            listener.listen(64)
    except OSError:  # a path too long for a socket
        shutil.rmtree(folder)
        return
    descriptors = {group: listener.fileno() for group, listener in listeners.items()}
    # A session of its own: the terminal's interrupt is for the scripts, and the copy of each ends with it.
    process = subprocess.Popen(
        [sys.executable, "-m", "surecast.cli.warm", folder, json.dumps(descriptors)],
        pass_fds=descriptors.values(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    for listener in listeners.values():
        listener.close()
    os.environ[SOCKETS] = folder
    measure_copies(Path(folder))
    _started.append(process)
    atexit.register(end)


def end() -> None:
    """End the processes that this one has started, where there are any: jobs run elsewhere, or all are done."""
    while _started:
        process = _started.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        shutil.rmtree(os.environ.pop(SOCKETS), ignore_errors=True)


def expect(heavy: Iterable[str]) -> None:
    """Say which packages the surrogates use that take long to import (see `surecast.cli.plan.HEAVY`)."""
    if folder := os.environ.get(SOCKETS):
        aside = Path(folder, "aside")
        aside.write_text(json.dumps(list(dict.fromkeys(heavy))))
        aside.rename(Path(folder, EXPECTED))


def hand_over(rule: str) -> None:
    """Let a warm process do the work of a rule's script and exit as that does; return where there is none."""
    folder = os.environ.pop(SOCKETS, None)
    script = getattr(sys.modules["__main__"], "__real_file__", None)  # Snakemake's copy, with what it hands to it
    group = next((group for group, (rules, _) in GROUPS.items() if rule in rules), None)
    if folder is None or script is None or group is None:
        return
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(f"{folder}/{group}")
        except OSError:
            return
        request = {"script": script, "folder": os.getcwd(), "environment": dict(os.environ), "pid": os.getpid()}
        text = json.dumps(request).encode()
        socket.send_fds(client, [f"{len(text)}\n".encode()], [1, 2])
        client.sendall(text)
        answer = client.makefile("rb").readline()
    if not answer:
        sys.exit("The process that was to do this job was ended, and the job with it.")
    sys.exit(int(answer))


class _Server:
    """Waits for scripts, makes a copy of itself for each, and imports what it was told to meanwhile."""

    def __init__(self, folder: Path, group: str, descriptor: int, after: str | None) -> None:
        self.folder, self.group = folder, group
        self.modules = list(GROUPS[group][1])
        self.expected = folder / EXPECTED if group == "learnt" else None
        self.after = folder / f"{after}-{READY}" if after else None
        self.listener = socket.socket(fileno=descriptor)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.copies: dict[socket.socket, tuple[int, Path]] = {}  # connection of each script -> its copy, and its record

    def serve(self) -> None:
        """Serve until the main process is gone or ends this one."""
        owner = lock.main_process()
        while owner is not None and owner.alive():
            if self.after is not None and self.after.exists():
                self.after = None
            for key, _ in self.selector.select(0.0 if self.modules and self.after is None else SECONDS):
                if key.fileobj is self.listener:
                    self._accept(self.listener.accept()[0])
                elif key.data is None:
                    self._abandoned(key.fileobj)  # type: ignore[arg-type]
                else:
                    self._ended(key.fileobj, key.data)  # type: ignore[arg-type]
            if self.expected is not None and self.expected.exists():
                self.modules += json.loads(self.expected.read_text())
                self.expected = None
            if self.modules and self.after is None:
                _import(self.modules.pop(0))
                if not self.modules:
                    Path(self.folder, f"{self.group}-{READY}").touch()
        for pid, _ in self.copies.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _accept(self, client: socket.socket) -> None:
        self.after = None
        head, descriptors, *_ = socket.recv_fds(client, 1, 2)
        while not head.endswith(b"\n"):
            head += client.recv(1)
        text = b""
        while len(text) < int(head):
            text += client.recv(int(head) - len(text))
        request = json.loads(text)
        # The copy holds one end of a pipe as long as it lives.
        alive, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            self.selector.close()
            for other in (self.listener, client, *self.copies):
                other.close()
            os.close(alive)
            _work(request, descriptors)
        os.close(held)
        for descriptor in descriptors:
            os.close(descriptor)
        record = self.folder / str(request["pid"])
        record.write_text(str(pid))
        self.copies[client] = pid, record
        self.selector.register(client, selectors.EVENT_READ)
        self.selector.register(alive, selectors.EVENT_READ, client)

    def _abandoned(self, client: socket.socket) -> None:
        """The script is gone (it says nothing after its request): its copy must not go on."""
        self.selector.unregister(client)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.copies[client][0], signal.SIGKILL)

    def _ended(self, alive: int, client: socket.socket) -> None:
        self.selector.unregister(alive)
        os.close(alive)
        pid, record = self.copies.pop(client)
        _, status = os.waitpid(pid, 0)
        record.unlink()
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            client.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
        with contextlib.suppress(KeyError):
            self.selector.unregister(client)
        client.close()


def _import(name: str) -> None:
    """Import a module, and call the function after a colon."""
    module, _, function = name.partition(":")
    with contextlib.suppress(Exception):  # what cannot be imported is for the job that needs it to say
        imported = importlib.import_module(module)
        if function:
            getattr(imported, function)()


def _work(request: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """In the copy: become the script, and end."""
    import runpy

    code = 1
    try:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_DFL)
        for place, descriptor in enumerate(descriptors, 1):
            os.dup2(descriptor, place)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = [request["script"]]
        runpy.run_path(request["script"], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def main() -> None:
    """Serve on the sockets named on the command line, one process each, and end together."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    folder, descriptors = Path(sys.argv[1]), json.loads(sys.argv[2])
    for name in EVERY_JOB:
        _import(name)
    imports.spare()
    mine, *others = descriptors
    for group in others:
        if os.fork() == 0:
            mine = group
            break
    for group, descriptor in descriptors.items():
        if group != mine:
            os.close(descriptor)
    after = AFTER.get(mine)
    _Server(folder, mine, descriptors[mine], after if after in descriptors else None).serve()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
