"""Packs of runs: by other processes the same numbers, nothing made twice after a kill, and an end before the limit."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from surecast.simulate import packs, workers
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study.errors import SimulationError, TimeLimitError
from surecast.study.model import Study

MODULE = """
    import os
    import numpy as np
    from pathlib import Path

    def model(inputs):
        a = inputs["a"]
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            who = f"{os.getpid()} {os.environ.get('OMP_NUM_THREADS')}"
            file.writelines(f"{who} {value!r}\\n" for value in a.values.tolist())
        return (np.sin(40 * a) / (a > 0.05)).to_dataset(name="y")
"""


@pytest.fixture
def study(tmp_path):
    name = f"packs_model_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))
    content = {
        "simulator": {"kind": f"{name}:model"},
        "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
        "outputs": {"y": {"units": "m"}},
        "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
    }
    return Study.from_content(content, tmp_path / "user.yaml")


def draw(study, runs):
    law = study.joint_law()
    return law.from_uniform(np.random.default_rng(0).random((runs, law.dimension)))


def calls(study) -> list[list[str]]:
    path = study.folder / "calls.txt"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def pays(monkeypatch):
    """Other processes always pay."""
    monkeypatch.setattr(packs, "DASK_SECONDS", 0.0)


def test_other_processes_give_the_same_numbers_and_store_every_run(study, tmp_path, pays):
    inputs = draw(study, 100)
    here = Truth(study, store=RunStore(tmp_path / "here"))(inputs)
    (study.folder / "calls.txt").unlink()
    truth = Truth(study, store=RunStore(tmp_path / "there"), workers=2)
    there = truth(inputs)
    truth.close()
    assert there.identical(here)
    assert here["failed"].values.sum() > 0
    assert len(RunStore(tmp_path / "there")) == truth.runs_made == len(calls(study)) == 100
    elsewhere = {(pid, threads) for pid, threads, _ in calls(study) if pid != str(os.getpid())}
    assert elsewhere
    assert {threads for _, threads in elsewhere} == {"1"}
    again = Truth(study, store=RunStore(tmp_path / "there"), workers=2)
    assert again(inputs).identical(here)
    assert (again.runs_made, again.runs_found) == (0, 100)


def test_killed_among_workers_it_goes_on_without_repeating_a_stored_run(study, tmp_path, pays, monkeypatch):
    inputs, store = draw(study, 100), RunStore(tmp_path / "store")
    truth = Truth(study, store=store, workers=2)
    add, stored = store.add, []

    def killed_in_the_fourth(identities, *content):
        if len(stored) == 3:
            raise KeyboardInterrupt
        stored.extend([len(identities)])
        return add(identities, *content)

    monkeypatch.setattr(store, "add", killed_in_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        truth(inputs)
    kept = len(RunStore(tmp_path / "store"))
    assert 0 < kept < 100
    again = Truth(study, store=RunStore(tmp_path / "store"))
    again(inputs)
    assert (again.runs_made, again.runs_found) == (100 - kept, kept)


def test_a_dask_scheduler_gives_the_same_numbers(study, tmp_path, pays):
    from distributed import LocalCluster

    inputs = draw(study, 50)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        truth = Truth(study, store=RunStore(tmp_path / "store"), scheduler=cluster.scheduler_address)
        there = truth(inputs)
        truth.close()
    assert there.identical(Truth(study)(inputs))
    assert len(RunStore(tmp_path / "store")) == 50


def test_a_scheduler_that_is_not_there_is_an_error_in_words(study, pays, monkeypatch):
    monkeypatch.setattr(workers, "CONNECT_SECONDS", 0.3)
    with pytest.raises(SimulationError, match=r"tcp://127.0.0.1:9 cannot be reached"):
        Truth(study, scheduler="tcp://127.0.0.1:9")(draw(study, 20))


def test_a_fast_simulator_pays_for_no_process(study, monkeypatch):
    def never(*_):
        raise AssertionError("a process was started")

    monkeypatch.setattr(workers.Workers, "simulate", never)
    truth = Truth(study, workers=8)
    truth(draw(study, 200))
    assert truth.runs_made == 200
    assert truth.runs_per_call == 2048


@pytest.mark.parametrize("count", [1, 2])
def test_before_the_deadline_it_ends_with_a_code_for_another_try(study, tmp_path, pays, count):
    inputs = draw(study, 40)
    late = Truth(study, store=RunStore(tmp_path / "store"), workers=count, deadline=time.time() + 5)
    with pytest.raises(TimeLimitError, match="0 new runs are in the run store") as error:
        late(inputs)
    assert error.value.exit_code == 75
    in_time = Truth(study, store=RunStore(tmp_path / "store"), workers=count, deadline=time.time() + 3600)
    assert in_time(inputs).sizes["run"] == 40
    in_time.close()


def test_slow_runs_are_stored_one_by_one(study, tmp_path, monkeypatch):
    """A pack takes no longer than it may: here two runs."""
    monkeypatch.setattr(packs, "PACK_SECONDS", 0.05)
    truth = Truth(study, store=RunStore(tmp_path / "store"))
    simulate = truth.simulate
    sizes = []

    def slow(realised):
        sizes.append(realised.sizes["run"])
        time.sleep(0.02 * realised.sizes["run"])
        return simulate(realised)

    monkeypatch.setattr(truth._packs, "simulate", slow)
    truth(draw(study, 20))
    assert sizes[0] == packs.FIRST_PACK
    assert max(sizes[1:]) <= 2
    assert len(RunStore(tmp_path / "store")) == 20


def test_two_that_ask_for_the_same_runs_find_each_others(study, tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "SLOW_SECONDS", 0.0)
    inputs = draw(study, 100)
    one, other = (Truth(study, store=RunStore(tmp_path / "store")) for _ in range(2))
    simulate = one.simulate
    begun = []

    def meanwhile(realised):
        if not begun:
            begun.append(other(inputs))
        return simulate(realised)

    monkeypatch.setattr(one._packs, "simulate", meanwhile)
    assert one(inputs).identical(other(inputs))
    assert other.runs_made == 100
    assert one.runs_made == packs.FIRST_PACK


SCRIPT = """
import sys
from pathlib import Path
from surecast.simulate import packs
from surecast.simulate.truth import Truth
from surecast.study.load import load_study
import numpy as np

print("begun")
packs.DASK_SECONDS = 0.0
study = load_study(Path(sys.argv[1]))
truth = Truth(study, workers=2)
inputs = study.joint_law().from_uniform(np.linspace(0.5, 0.5 + 1e-9, 20)[:, None])
print(float(truth(inputs)["y"].sum()))
truth.close()
"""


def test_workers_do_not_run_the_main_script_again(study, tmp_path):
    """A script of Snakemake has no `if __name__ == "__main__"`."""
    (tmp_path / "script.py").write_text(SCRIPT)
    kind = study.simulator.kind
    (tmp_path / "mine.yaml").write_text(
        f"simulator: {{kind: '{kind}'}}\n"
        "inputs: {a: {kind: uniform, low: 0, high: 1}}\n"
        "outputs: {y: {units: m}}\n"
        "design: {kind: monte_carlo, train: 8, validation: 0, test: 0}\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py", "mine.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    begun, total = done.stdout.split()
    assert begun == "begun"
    assert float(total) == pytest.approx(20 * np.sin(20.0))
