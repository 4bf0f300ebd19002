"""Who is running Snakemake in a working directory: host, process id and start time of every main process.

After a `kill -9` Snakemake's own lock files stay behind and say nothing of who wrote them. These records
do: if every recorded process is dead, on this host, the lock files are stale and can go.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

MAIN_PROCESS = "SURECAST_MAIN_PROCESS"


@dataclass(frozen=True)
class Owner:
    """One main process of Snakemake.

    Attributes
    ----------
    host : str
        Name of the machine.
    pid : int
        Process id there.
    started : float
        When it started, seconds since 1970: a process id alone may have been given again.
    """

    host: str
    pid: int
    started: float

    def alive(self) -> bool | None:
        """True or False for a process of this machine, None for one of another: nobody can tell from here."""
        if self.host != socket.gethostname():
            return None
        return process_started(self.pid) == self.started


def process_started(pid: int) -> float | None:
    """Start time of a process, None if there is none (or only its zombie)."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time(), 1)
    except psutil.NoSuchProcess:
        return None


def records(directory: str | Path) -> dict[Path, Owner]:
    """The records of a working directory; one that cannot be read counts as a process of another host."""
    found = {}
    for path in sorted(_folder(directory).glob("*.json")):
        try:
            found[path] = Owner(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            found[path] = Owner("(unreadable record)", 0, 0.0)
    return found


def snakemake_locks(directory: str | Path) -> list[Path]:
    """Snakemake's own lock files in a working directory."""
    return sorted(Path(directory, ".snakemake", "locks").glob("*.lock"))


def stale_locks(directory: str | Path) -> list[Path]:
    """Snakemake's lock files, if every process that could have written them is known and dead; else none."""
    owners = records(directory)
    if not owners or any(owner.alive() is not False for owner in owners.values()):
        return []
    return snakemake_locks(directory)


def unlock(directory: str | Path) -> list[Path]:
    """Delete stale lock files and the records of dead processes; return the lock files deleted."""
    stale = stale_locks(directory)
    for path in stale:
        path.unlink(missing_ok=True)
    for path, owner in records(directory).items():
        if owner.alive() is False:
            path.unlink(missing_ok=True)
    return stale


def announce() -> Owner:
    """Name this process as the main one: what it starts finds it in the environment, and ends when it does."""
    started = process_started(os.getpid())
    assert started is not None, "a process that runs has a start time"
    os.environ[MAIN_PROCESS] = f"{os.getpid()}:{started}"
    return Owner(socket.gethostname(), os.getpid(), started)


def register(directory: str | Path) -> None:
    """Record this process as running Snakemake in `directory` until it ends; remove what dead ones left."""
    if stale := unlock(directory):
        print(f"An earlier run was killed: its {len(stale)} stale lock files are removed.", file=sys.stderr)
    from surecast.study.files import write_text

    me = announce()
    path = _folder(directory) / f"{me.host}-{me.pid}.json"
    write_text(path, json.dumps(asdict(me)) + "\n")
    atexit.register(path.unlink, missing_ok=True)


def main_process() -> Owner | None:
    """The main process of Snakemake that this process works for, None where the environment names none."""
    named = os.environ.get(MAIN_PROCESS)
    if named is None:
        return None
    pid, _, started = named.partition(":")
    return Owner(socket.gethostname(), int(pid), float(started))


def _folder(directory: str | Path) -> Path:
    return Path(directory, ".snakemake", "surecast", "running")
