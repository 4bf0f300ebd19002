"""The pilot of `surecast check`: positive times, true sizes, nothing left behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from surecast.cli import pilot
from surecast.study.errors import SimulationError
from surecast.study.load import load_study
from surecast.study.model import Study

SMOKE = Path(__file__).resolve().parents[2] / "config" / "studies" / "smoke.yaml"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_study(SMOKE)


def test_size_and_time_of_a_run(study):
    cost = pilot.time_runs(study)
    assert cost.seconds > 0
    assert cost.scalar_bytes == 2 * 8  # two scalars in double precision
    assert cost.all_bytes == 2 * 8 + 16 * 16 * 4  # and a field in single precision


def test_slow_simulator_is_timed_by_one_run(study, monkeypatch):
    monkeypatch.setattr(pilot, "LONG", 0.0)
    assert pilot.time_runs(study).all_bytes == 2 * 8 + 16 * 16 * 4


def test_batches_grow_as_long_as_a_linear_cost_may_be_borne(study, monkeypatch):
    monkeypatch.setattr(pilot, "_timed", lambda call, inputs: (1.0, call(inputs)))  # as long for one run as for many
    assert pilot.time_runs(study).seconds == 1 / pilot.RUNS
    monkeypatch.setattr(pilot, "_timed", lambda call, inputs: (1.0 * inputs.sizes["run"], call(inputs)))
    assert pilot.time_runs(study).seconds == 1.0


def test_training_is_timed_by_its_steps(study, tmp_path, monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 12.0, 20.0, 24.0])  # 5 s with the imports, 2 s for 3 steps, 4 s for 13
    monkeypatch.setattr(pilot, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr("surecast.train.train.train", lambda *arguments: None)
    assert pilot.time_trainings(study, ["fno"]) == {"fno": pytest.approx(0.2 * study.training.steps)}


def test_training_leaves_nothing_and_is_silent(study, tmp_path, capsys):
    assert pilot.time_trainings(study, ["fno"])["fno"] >= 0
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


def test_a_run_that_raises_is_borne_unless_all_do(tmp_path):
    (tmp_path / "pilot_bar.py").write_text(
        "def bar(inputs, least):\n"
        "    if (inputs['a'] < least).any():\n"
        "        raise ValueError('a is too small')\n"
        "    return inputs[['a']].expand_dims(x=3).rename(a='u')\n"
    )

    def timed(least):
        content = {
            "simulator": {"kind": "pilot_bar:bar", "least": least},
            "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
            "outputs": {"u": {"dims": ["x"]}},
            "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
        }
        return pilot.time_runs(Study.from_content(content, tmp_path / "study.yaml"))

    assert timed(0.8).all_bytes == 3 * 4
    with pytest.raises(
        SimulationError, match=r"every one of \d+ runs failed; the first said: ValueError: a is too small"
    ):
        timed(2.0)
