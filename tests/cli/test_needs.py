"""What the jobs that run the simulator ask for, and what `surecast check` says of it."""

from __future__ import annotations

import pytest

from surecast.cli import check
from surecast.cli.machine import Machine, this_machine
from surecast.cli.main import main
from surecast.cli.needs import LONGEST, Needs, needs_of
from surecast.study.model import Study

STUDY = """
simulator:
  kind: command
  arguments: ["true", "{input}"]
  outputs: {y: {units: "1"}}
  parallel: 3
  resources: {cpus: 2, mpi: 2, mem_mb: 4000, minutes: 10}
inputs: {a: {kind: uniform, low: 0.0, high: 1.0}}
outputs: {y: {}}
design: {kind: monte_carlo, train: 40, validation: 0, test: 0, runs_per_part: 20}
questions:
  averages: {kind: moments, of: y, surrogate: none, runs: 50}
"""


def test_of_a_study_that_says_nothing_they_are_one_core_and_what_jobs_need_themselves():
    needs = Needs(runs_per_part=64, budgets={"q": 1000})
    assert (needs.threads, needs.memory(1500, 1), needs.gpu, needs.tasks(1)) == (1, 1500, 0, None)
    assert needs.part_minutes(60, 1) == needs.question_minutes(60, "q", 1) == 60


def test_memory_and_ranks_grow_with_the_runs_at_once_and_time_shrinks():
    needs = Needs(True, cpus=2, ranks=2, mem_mb=4000, minutes=10, beside=3, runs_per_part=20, budgets={"q": 50})
    assert needs.threads == 12
    assert [needs.at_once(threads) for threads in (1, 4, 12)] == [1, 1, 3]
    assert [needs.memory(1500, threads) for threads in (4, 12)] == [5500, 13500]
    assert [needs.tasks(threads) for threads in (4, 12)] == [2, 6]
    assert [needs.part_minutes(60, threads) for threads in (4, 12)] == [60 + 200, 60 + 70]
    assert [needs.question_minutes(60, "q", threads) for threads in (4, 12)] == [60 + 500, 60 + 170]
    assert (
        needs.question_minutes(60, "q", 1)
        < LONGEST
        == Needs(True, minutes=1e3, budgets={"q": 50}).question_minutes(60, "q", 1)
    )


def test_a_job_has_the_gpus_of_one_run():
    needs = Needs(True, cpus=1, gpu=2, beside=4)
    assert (needs.threads, needs.at_once(8)) == (1, 1)


@pytest.mark.parametrize(("servers", "each"), [(1, 1), (3, 2)])
def test_servers_are_asked_side_by_side_where_resources_are_stated(tmp_path, servers, each):
    content = {
        "simulator": {
            "kind": "umbridge",
            "urls": [f"http://localhost:{port}" for port in range(1, servers + 1)],
            "model": "m",
            "runs_per_server": each,
            "outputs": {"y": {"index": 0}},
            "resources": {"cpus": 2},
        },
        "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
        "outputs": {"y": {}},
        "design": {"kind": "monte_carlo", "train": 4, "validation": 0, "test": 0},
    }
    assert needs_of(Study.from_content(content, tmp_path / "user.yaml")).threads == 2 * servers * each
    del content["simulator"]["resources"]
    assert needs_of(Study.from_content(content, tmp_path / "user.yaml")).threads == 1


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Function that checks the study on a machine and returns what it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.yaml").write_text(STUDY)

    def tell(machine):
        monkeypatch.setattr(check, "this_machine", lambda: machine)
        assert main(["check", "slow.yaml"]) == 0
        return capsys.readouterr().out

    return tell


def test_check_prints_what_a_run_needs_and_suggests_parts_by_it(told):
    out = told(Machine(cores=12, mem_mb=64_000, gpus=0))
    assert "a run needs  4 cores (2 MPI ranks of 2), 4000 MB, 10 min\n" in out
    assert "at once      3 in a job of 12 of this machine's 12 cores" in out
    assert "part size    3 runs suggested (now 20): 600 s a run as the study says, parts of about 10 min" in out
    assert "simulating   about 6.7 h one run after the other" in out
    assert "warning" not in out


def test_check_warns_where_the_machine_is_too_small(told):
    out = told(Machine(cores=2, mem_mb=3000, gpus=0))
    assert "warning      a run needs 4 cores; of these this machine has 2" in out
    assert "warning      a run needs 4000 MB of memory; of these this machine has 3000" in out
    assert out.count("warning") == 2
    assert "at once      1 in a job of 2" in out


def test_this_machine_has_something():
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.mem_mb > 100
