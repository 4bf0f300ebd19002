"""What every job does around its one call: threads, log, one message, an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from types import SimpleNamespace
from surecast.cli.job import job
from surecast.study.errors import SimulationError

snakemake = SimpleNamespace(
    log=["job.log"], rule="simulate", wildcards=SimpleNamespace(study="mine"),
    config={"study_files": {"mine": "mine.yaml"}},
)
with job(snakemake) as study:
    print("a line of output")
    print("a line of progress", file=sys.stderr)
    {body}
"""
STUDY = """
simulator: {kind: "model:cube"}
inputs:
  a: {kind: uniform, low: 0.0, high: 1.0}
outputs:
  response: {units: "1"}
design: {kind: sobol, train: 8, validation: 8, test: 8}
"""


def run(folder: Path, body: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a job with this body in a folder."""
    (folder / "mine.yaml").write_text(STUDY)
    (folder / "script.py").write_text(SCRIPT.replace("{body}", body))
    return subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )


def test_error_of_the_family_is_one_message(tmp_path):
    done = run(tmp_path, "raise SimulationError('it broke.', 'mend it.')")
    assert done.returncode == 1
    assert done.stderr.strip() == "Error in simulate of mine: it broke. Remedy: mend it."
    assert done.stdout == ""
    assert sorted((tmp_path / "job.log").read_text().splitlines()) == [
        "Error: it broke. Remedy: mend it.", "a line of output", "a line of progress",
    ]  # fmt: skip


def test_defect_has_its_traceback_in_the_log_alone(tmp_path):
    done = run(tmp_path, "study.nosuch")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("Unexpected AttributeError in simulate of mine:")
    assert "Traceback" not in done.stderr
    assert "Traceback" in (tmp_path / "job.log").read_text()


def test_malformed_study_has_its_exit_code(tmp_path):
    (tmp_path / "empty").mkdir()
    done = run(tmp_path, "from surecast.study.load import load_study; load_study('nosuch.yaml')")
    assert done.returncode == 2
    assert "nosuch.yaml" in done.stderr


@pytest.mark.parametrize("threads", ["2", ""])
def test_more_than_one_thread_is_refused(tmp_path, threads):
    done = run(tmp_path, "pass", OMP_NUM_THREADS=threads)
    assert done.returncode == 1
    assert "OMP_NUM_THREADS" in done.stderr


def test_ends_with_its_main_process(tmp_path):
    main = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    from surecast.cli import lock

    owner = f"{main.pid}:{lock.process_started(main.pid)}"
    main.kill()
    main.communicate()
    done = run(tmp_path, "import time; time.sleep(60)", SURECAST_MAIN_PROCESS=owner)
    assert done.returncode == 1
    assert "Error" not in done.stderr
