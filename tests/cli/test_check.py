"""`surecast check`: the plan of a good study, one message for each error of a bad one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surecast.cli import check
from surecast.cli.check import _bytes, _time
from surecast.cli.main import main
from surecast.cli.repository import plan_here
from surecast.study.load import load_study

STUDY = """
title: A function of one input
seed: 5
simulator: {kind: "check_model:cube"}
inputs:
  a: {kind: uniform, low: 0.0, high: 1.0}
outputs:
  response: {units: "1"}
design: {kind: sobol, train: 4096, validation: 24, test: 8, runs_per_part: 1024}
surrogates:
  chaos: {kind: polynomial_chaos}
questions:
  averages: {kind: moments, of: response, surrogate: chaos, runs: 64, estimators: [control_variates, monte_carlo]}
"""
MODEL = "def cube(inputs):\n    return (inputs[['a']] ** 3).rename(a='response')\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A good study in a folder of its own, the working directory being empty."""
    folder, work = tmp_path / "elsewhere", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    (folder / "check_model.py").write_text(MODEL)
    (folder / "mine.yaml").write_text(STUDY)
    return folder / "mine.yaml"


def test_prints_the_plan(study, capsys):
    assert main(["check", str(study)]) == 0
    told = capsys.readouterr().out
    for line in (
        "mine: A function of one input",
        "runs         4128: 4096 train, 24 validation, 8 test",
        "parts        6 of up to 1024 runs",
        "trainings    1: chaos (polynomial_chaos, 1 seed)",
        "question     averages: moments, 128 runs, helped by chaos",
        "runs suggested",
        "disk         about",
        "in all       about",
        "on one core, an estimate; training chaos, design, assemble, evaluate, baselines, report not counted",
        "there        nothing yet in results/mine/",
    ):
        assert line in told
    assert not (study.parent / "results").exists()


@pytest.mark.parametrize(("seconds", "told"), [(0.0, "under a second"), (0.99, "under a second"), (75.0, "about 75 s")])
def test_time_of_trainings(monkeypatch, seconds, told):
    smoke = load_study(Path(__file__).resolve().parents[2] / "config" / "studies" / "smoke.yaml")
    monkeypatch.setattr(check, "time_trainings", lambda study, names: dict.fromkeys(names, seconds))
    cost = check.Cost(seconds=0.001, all_bytes=100.0, scalar_bytes=8.0)
    assert check._trainings(smoke, check._training_seconds(smoke, cost)) == [
        f"  training     fno: {told} a seed on one core, 1 of them"
    ]


def test_disk_and_total_count_what_is_known(monkeypatch):
    """A complete run of groundwater took 140 MiB; what a stage took the last time is part of the whole."""
    file = Path(__file__).resolve().parents[2] / "config" / "studies" / "groundwater.yaml"
    study = load_study(file)
    plan = plan_here("groundwater")
    numbers = 3 * 64 * 64 * 4 + 2 * 8
    cost = check.Cost(seconds=0.01, all_bytes=numbers, scalar_bytes=16.0)
    (disk,) = [line for line in check._cost(study, plan, cost) if "disk" in line]
    assert "at most" not in disk
    size, unit = re.findall(r"about ([\d.]+) (\w+)", disk)[0]
    assert unit == "MiB"
    assert float(size) == pytest.approx(140, rel=0.15)
    monkeypatch.setattr(check, "measured", lambda plan: {"report": 60.0, "assemble": 30.0, "simulate": 1e9})
    runs, asked = check._runs(study, plan)
    whole = (runs + asked) * 0.01 + 3 * 100 + 3 * 200 + 90
    (line,) = check._total(study, plan, cost, {"fno": 100.0, "unet": 200.0})
    assert f"about {_time(whole)} on one core, an estimate, with assemble, report as the last time" in line
    assert "; training gp, training chaos, training pod, design, evaluate, baselines not counted" in line


def test_without_pilot(study, capsys):
    assert main(["check", "--no-pilot", str(study)]) == 0
    assert "suggested" not in capsys.readouterr().out


def test_what_is_there_and_took(study, capsys):
    from surecast.study.paths import Paths

    paths = Paths("mine")
    for part in ("train-0000", "train-0001"):
        paths.part(part).parent.mkdir(parents=True, exist_ok=True)
        paths.part(part).touch()
        path = paths.benchmarks / "simulate" / f"{part}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\th:m:s\n60.5\t0:01:00\n")
    assert main(["check", "--no-pilot", str(study)]) == 0
    told = capsys.readouterr().out
    assert "simulate 2 of 6" in told
    assert "simulate     took 2 min here the last time" in told


def test_every_error_has_its_message(study, capsys):
    study.write_text(STUDY.replace("uniform", "unifrm").replace("sobol, train", "sobl, train"))
    assert main(["check", str(study)]) == 2
    told = capsys.readouterr()
    errors = told.err.splitlines()
    assert len(errors) == 2
    assert all(line.startswith(f"Error: {study}:") and "Remedy: " in line for line in errors)
    assert told.out == ""
    assert sorted(path.name for path in study.parent.iterdir() if path.suffix) == ["check_model.py", "mine.yaml"]
    assert not any(study.parent.parent.joinpath("work").iterdir())


@pytest.mark.parametrize(("seconds", "text"), [(0.5, "0.5 s"), (45, "45 s"), (600, "10 min"), (36000, "10.0 h")])
def test_time(seconds, text):
    assert _time(seconds) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (1010, "0.986 KiB"), (2048, "2 KiB"), (5 * 2**30, "5 GiB")])
def test_bytes(size, text):
    assert _bytes(size) == text
