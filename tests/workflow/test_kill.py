"""kill -9 in the middle: nothing goes on writing, and a plain call goes on from there to the same numbers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from digests import digests


def wait_for(condition, seconds: float = 120.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def killed(new_house, function_study):
    """A house in which Snakemake was killed while it simulated, and the complete run beside it."""
    house = new_house("killed")
    study = function_study(house.root.parent / "elsewhere")
    house.edit(study.parent / "mine_helper.py", "return value", "time.sleep(0.2)\n    return value")
    house.edit(study.parent / "mine_helper.py", "\ndef scale", "import time\n\n\ndef scale")
    # Runs, dataset and weights: what comes after is made of them, and is not begun when the process is killed.
    config = ("--until", "train", "--config", f"studies={study}")
    whole = ("--directory", str(house.root.parent / "whole"), *config)
    broken = ("--directory", str(house.root.parent / "broken"), *config)
    process = house.start("--cores", "2", *broken)
    records = house.root.parent / "broken" / "results" / "mine" / "records" / "simulate"
    wait_for(lambda: len(list(records.glob("*.json"))) >= 3)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    return house, whole, broken, children


def test_jobs_end_with_the_main_process(killed):
    *_, children = killed
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children), 20)


def test_doctor_finds_the_stale_lock(killed):
    _, _, broken, _ = killed
    locks = list(Path(broken[1], ".snakemake", "locks").glob("*.lock"))
    assert locks, "Snakemake left no lock: the test came too late"


def test_plain_call_goes_on_to_the_same_numbers(killed):
    house, whole, broken, _ = killed
    finished = {path: path.stat().st_mtime_ns for path in Path(broken[1]).glob("results/mine/records/simulate/*.json")}
    done = house.snakemake("--cores", "2", *broken)
    assert "stale lock files are removed" in done.stderr
    again = [path for path, modified in finished.items() if path.stat().st_mtime_ns != modified]
    # Two jobs ran when the process was killed: of what they had written Snakemake does not know that it is whole.
    assert len(finished) >= 3
    assert len(again) <= 2, "a finished part was re-made"
    house.snakemake("--cores", "1", *whole)
    assert digests(Path(broken[1], "results", "mine")) == digests(Path(whole[1], "results", "mine"))


def test_interrupt_is_followed_by_a_plain_call(new_house, function_study):
    house = new_house("interrupted")
    study = function_study(house.root.parent / "elsewhere")
    config = ("--config", f"studies={study}")
    process = house.start("--cores", "1", *config)
    wait_for(lambda: (house.root / "results" / "mine" / "design.nc").is_file())
    os.kill(process.pid, signal.SIGINT)
    process.wait(60)
    assert list((house.root / ".snakemake" / "surecast" / "running").glob("*.json")) == []
    house.snakemake("--cores", "1", *config, "--until", "simulate")
