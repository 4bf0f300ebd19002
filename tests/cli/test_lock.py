"""Who runs Snakemake here, and when its lock files are stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from surecast.cli import lock


@pytest.fixture
def locked(tmp_path):
    """A working directory with Snakemake's lock files, and a function that adds the record of a process."""
    folder = tmp_path / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock"):
        (folder / name).touch()

    def record(host: str, pid: int, started: float) -> None:
        path = tmp_path / ".snakemake" / "surecast" / "running" / f"{host}-{pid}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"host": host, "pid": pid, "started": started}))

    return tmp_path, record


@pytest.fixture
def dead():
    """Process id and start time of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = lock.process_started(process.pid)
    process.kill()
    process.communicate()
    return process.pid, started


def test_lock_of_a_dead_process_is_stale(locked, dead):
    folder, record = locked
    record(lock.socket.gethostname(), *dead)
    assert len(lock.stale_locks(folder)) == 2
    assert len(lock.unlock(folder)) == 2
    assert lock.snakemake_locks(folder) == []
    assert lock.records(folder) == {}


def test_lock_of_a_living_process_is_kept(locked, dead):
    folder, record = locked
    record(lock.socket.gethostname(), *dead)
    record(lock.socket.gethostname(), os.getpid(), lock.process_started(os.getpid()))
    assert lock.unlock(folder) == []
    assert len(lock.snakemake_locks(folder)) == 2
    assert [owner.pid for owner in lock.records(folder).values()] == [os.getpid()]


def test_process_id_given_again_is_another_process(locked):
    folder, record = locked
    record(lock.socket.gethostname(), os.getpid(), 1.0)
    assert len(lock.stale_locks(folder)) == 2


def test_lock_of_another_host_is_never_stale(locked, dead):
    folder, record = locked
    record("another-host", *dead)
    assert lock.stale_locks(folder) == []
    assert [owner.alive() for owner in lock.records(folder).values()] == [None]


def test_lock_of_nobody_known_and_unreadable_records_are_left_alone(locked):
    folder, record = locked
    assert lock.stale_locks(folder) == []
    record("x", 1, 1.0)
    next(iter(lock.records(folder))).write_text("{")
    assert lock.unlock(folder) == []


def test_register_lasts_as_long_as_the_process(tmp_path):
    code = "import sys; from surecast.cli import lock; lock.register(sys.argv[1]);"
    code += "print(len(lock.records(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert lock.records(tmp_path) == {}
