"""A malformed study at Snakemake's parse: one clear message, exit code 2, and nothing written."""

from __future__ import annotations

import shutil

import pytest

BAD = """
simulator: {kind: "mine_model:cube"}
inputs:
  a: {kind: unifrm, low: 0.0, high: 1.0}
outputs:
  response: {units: "1"}
design: {kind: sobol, train: 32, validation: 8, test: 8}
"""


@pytest.fixture(scope="module")
def house(new_house, function_study):
    house = new_house("bad")
    function_study(house.root.parent / "elsewhere")
    (house.root.parent / "elsewhere" / "bad.yaml").write_text(BAD)
    return house


@pytest.mark.parametrize(
    ("studies", "told"),
    [
        ("studies={elsewhere}/bad.yaml", "bad.yaml:4: inputs.a.kind = unifrm: there is no law of kind 'unifrm'"),
        ("studies=nosuch", "there is no such study file"),
        ("studies=3", "studies are named by one text or a list of texts"),
        ("study=smoke", "there is no such setting"),
    ],
)
def test_one_message_and_nothing_written(house, studies, told):
    elsewhere, work = house.root.parent / "elsewhere", house.root.parent / "work"
    work.mkdir(exist_ok=True)
    before = sorted(elsewhere.rglob("*.nc"))
    done = house.snakemake(
        "--cores", "1", "--directory", str(work), "--config", studies.format(elsewhere=elsewhere), check=False
    )
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert told in errors[0]
    assert "Remedy: " in errors[0]
    assert "Traceback" not in done.stderr
    assert [path for path in work.rglob("*") if path.is_file() and ".snakemake/log" not in str(path)] == []
    assert sorted(elsewhere.rglob("*.nc")) == before


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("averages/estimates/averages.nc", "averages.yaml:4: inputs.a.kind = unifrm: there is no law of kind 'unifrm'"),
        ("smok/report.html", "smok.yaml:1: study = 'smok': there is no such study file. Remedy: did you mean 'smoke'?"),
        ("smoke/estimates/avrages.csv", "smoke.yaml:{questions}: questions = avrages: the study has no question"),
        ("smoke/evaluation/fn.nc", "smoke.yaml:{surrogates}: surrogates = fn: the study has no surrogate"),
        ("smoke/surrogates/fn/seed0.json", "smoke.yaml:{surrogates}: surrogates = fn: the study has no surrogate"),
        ("smoke/runs/train-0009.nc", "smoke.yaml:{design}: design = train-0009: the study has no part"),
    ],
)
def test_target_that_names_what_is_not_there(house, target, told):
    studies = house.root / "config" / "studies"
    shutil.copytree(house.root.parent / "elsewhere", studies, dirs_exist_ok=True)
    (studies / "averages.yaml").write_text(BAD)
    text = (studies / "smoke.yaml").read_text().splitlines()
    lines = {line.split(":")[0]: number for number, line in enumerate(text, 1)}
    work = house.root.parent / "target"
    work.mkdir(exist_ok=True)
    done = house.snakemake(f"results/{target}", "--cores", "1", "--directory", str(work), check=False)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert told.format(**lines) in errors[0]
    assert "Remedy: did you mean" in errors[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception" not in done.stdout + done.stderr
    assert not (work / "results").exists()
    assert not list((work / ".snakemake" / "locks").glob("*"))


def test_failed_job_gives_its_message_once_and_keeps_the_rest(new_house, function_study):
    house = new_house("failing")
    study = function_study(house.root.parent / "elsewhere")
    house.edit(study.parent / "mine_model.py", "    y.attrs", '    raise RuntimeError("the pump broke")\n    y.attrs')
    done = house.snakemake("--cores", "1", "--config", f"studies={study}", check=False)
    assert done.returncode == 1
    assert "the pump broke" in done.stderr
    assert "Traceback" not in done.stderr
    results = house.root / "results" / "mine"
    assert "the pump broke" in (results / "logs" / "simulate" / "test-0000.log").read_text()
    assert (results / "design.nc").is_file()
    assert not list(results.glob("runs/*.nc"))
    assert "results/mine/logs" in done.stderr
