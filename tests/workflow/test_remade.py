"""A stage is made again when its inputs, its part of the study, its code or the lock file change, and only then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SMOKE = "config/studies/smoke.yaml"
CONFIG = ("--config", "studies=[smoke]")
AFTER_TRAIN_FNO = {"train": 1, "evaluate": 1, "quantify": 1, "report": 1}
EVALUATIONS = {"evaluate": 2, "baselines": 1, "report": 1}
EVERYTHING = {
    "design": 1, "simulate": 3, "assemble": 1, "train": 2, "evaluate": 2, "baselines": 1, "quantify": 3, "report": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(new_house):
    """The study smoke, made from end to end; every test must leave it as it was."""
    house = new_house("smoke")
    house.snakemake("--cores", "2", *CONFIG)
    yield house
    assert house.planned(*CONFIG) == {}, "a test did not undo its edit"


@pytest.fixture
def edited(made):
    """The house, whose sources are put back afterwards."""
    kept = made.root.parent / "kept"
    for part in ("src", "config", "envs", "workflow"):
        shutil.copytree(made.root / part, kept / part)
    yield made
    for part in ("src", "config", "envs", "workflow"):
        shutil.rmtree(made.root / part)
        shutil.move(kept / part, made.root / part)


def test_all_results_are_there(made):
    results = made.root / "results" / "smoke"
    for name in (
        "design.nc", "dataset.json", "surrogates/fno/seed0.safetensors", "evaluation/gp.nc", "evaluation/baselines.nc",
        "estimates/averages.nc", "estimates/failure.csv", "estimates/drivers.nc", "report.html",
    ):  # fmt: skip
        assert (results / name).is_file(), name
    assert len(list((results / "runs").glob("*.nc"))) == 3
    for rule in EVERYTHING:
        assert list(results.glob(f"benchmarks/{rule}*")), f"no benchmark of {rule}"
        assert list(results.glob(f"logs/{rule}*")), f"no log of {rule}"


def test_nothing_to_be_done_is_said_in_five_seconds_of_cpu(made):
    import resource

    made.planned(*CONFIG)  # the plan is in the cache from here on
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = made.snakemake("-n", *CONFIG, fresh=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Nothing to be done" in done.stdout + done.stderr
    assert "profile profiles/default" in done.stdout + done.stderr, "Snakemake has not picked the profile up"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5.0


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        pytest.param("title: Every", "title: Each", {"report": 1}, id="title"),
        pytest.param("cells: 16}", "cells: 16, resources: {cpus: 2, mem_mb: 9000}}", {}, id="what a run needs"),
        pytest.param("event: peak > 2.0", "event: peak > 2.1", {"quantify": 1, "report": 1}, id="question"),
        pytest.param("width: 4", "width: 6", AFTER_TRAIN_FNO, id="settings of one surrogate"),
        pytest.param("steps: 20", "steps: 30", AFTER_TRAIN_FNO, id="training: networks alone"),
        pytest.param("seeds: [0]", "seeds: [0, 1]", AFTER_TRAIN_FNO, id="one more seed"),
        pytest.param("baseline_runs: 2", "baseline_runs: 3", EVALUATIONS, id="evaluation"),
        pytest.param("refined_runs: 2", "refined_runs: 3", EVERYTHING | {"design": 0, "simulate": 0}, id="dataset"),
        pytest.param("high: 1.5", "high: 1.6", EVERYTHING, id="input"),
        pytest.param("seed: 20240229", "seed: 7", EVERYTHING, id="seed"),
        pytest.param("train: 32", "train: 64", EVERYTHING | {"simulate": 1}, id="training runs raised"),
    ],
)
def test_edit_of_the_study(edited, old, new, rules):
    edited.edit(SMOKE, old, new)
    assert edited.planned(*CONFIG) == {rule: count for rule, count in rules.items() if count}


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        pytest.param("train/models/fno.py", AFTER_TRAIN_FNO, id="network"),
        pytest.param("evaluate/metrics.py", None, id="metrics"),
        pytest.param("report/figures/canvas.py", {"report": 1}, id="report"),
        pytest.param("simulate/groundwater.py", EVERYTHING | {"design": 0}, id="simulator"),
        pytest.param("design/monte_carlo.py", EVERYTHING, id="design"),
        pytest.param("simulate/burgers.py", {}, id="a simulator that the study does not use"),
    ],
)
def test_edit_of_code(edited, file, rules):
    edited.append(f"src/surecast/{file}", "\nADDED_BY_A_TEST = 1\n")
    planned = edited.planned(*CONFIG)
    if rules is None:
        assert planned == EVALUATIONS
    else:
        assert planned == {rule: count for rule, count in rules.items() if count}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            "a: {kind: uniform, low: 0.0, high: 1.0}",
            "a: {kind: empirical, table: table.csv, column: a, interpolate: true}",
            id="law",
        ),
        pytest.param("design: {kind: sobol,", "design: {kind: table, file: table.csv,", id="design"),
    ],
)
def test_edit_of_a_table(new_house, function_study, old, new):
    """A file that the study names counts as the study does, by its content."""
    house = new_house("table")
    study = function_study(house.root.parent / "elsewhere")
    house.edit(study, old, new)
    table = study.parent / "table.csv"
    table.write_text("a,b\n" + "".join(f"{(row + 0.5) / 80},{(row + 0.5) / 90}\n" for row in range(80)))
    options = ("--config", f"studies={study}", "--until", "simulate")
    house.snakemake("--cores", "2", *options)
    table.touch()
    assert house.planned(*options) == {}
    house.edit(table, "0.50625,", "0.507,")
    assert house.planned(*options) == {"design": 1, "simulate": 4}


def test_snakemakes_own_report_is_one_file(made):
    made.snakemake("--report", "page.html", *CONFIG)
    page = (made.root / "page.html").read_text(encoding="utf-8")
    (made.root / "page.html").unlink()
    assert "Answers of the study smoke" in page, "the captions are missing"
    for category in ("Pages", "Figures", "Tables"):
        assert f'"{category}"' in page
    assert "Every estimate carries an interval" in page
    assert not re.findall(r"""<(?:script|img|link)[^>]*(?:src|href)=["']https?://""", page), "it needs a network"


def test_comments_do_not_count(edited):
    edited.append("src/surecast/simulate/groundwater.py", "\n# a comment\n")
    edited.append("workflow/scripts/simulate.py", "\n# a comment\n")
    for script in (edited.root / "workflow" / "scripts").glob("*.py"):
        script.touch()
    assert edited.planned(*CONFIG) == {}


@pytest.mark.parametrize(
    ("script", "rules"),
    [
        pytest.param("train", {"train": 2, "evaluate": 2, "quantify": 2, "report": 1}, id="train"),
        pytest.param("simulate", EVERYTHING | {"design": 0}, id="simulate"),
        pytest.param("report", {"report": 1}, id="report"),
    ],
)
def test_edit_of_a_script(edited, script, rules):
    edited.append(f"workflow/scripts/{script}.py", "\nADDED_BY_A_TEST = 1\n")
    assert edited.planned(*CONFIG) == {rule: count for rule, count in rules.items() if count}


@pytest.mark.parametrize("file", ["templates/answers.html", "templates/page.css", "references.bib"])
def test_edit_of_what_the_report_looks_like(edited, file):
    edited.append(f"src/surecast/report/{file}", "\n")
    assert edited.planned(*CONFIG) == {"report": 1}


def test_copied_repository_re_makes_nothing(made):
    """Where it lies is no input of anything, and a file of another date with the same content is the same."""
    copied = type(made)(made.root.parent / "copied", made.forks)
    subprocess.run(["cp", "-r", f"{made.root}/.", copied.root], check=True)
    try:
        assert copied.planned(*CONFIG) == {}
        copied.edit(SMOKE, "title: Every", "title: Each")
        assert copied.planned(*CONFIG) == {"report": 1}, "the copy is no longer watched"
    finally:
        shutil.rmtree(copied.root)


def test_newer_and_other_input_re_makes(made):
    """Dates, content and lists of inputs still count."""
    scores = made.root / "results" / "smoke" / "evaluation" / "gp.nc"
    content, state = scores.read_bytes(), scores.stat()
    try:
        scores.touch()
        assert made.planned(*CONFIG) == {}, "the same content"
        change(scores)
        assert made.planned(*CONFIG) == {"report": 1}
    finally:
        scores.write_bytes(content)
        os.utime(scores, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_lock_file_re_makes_everything(edited):
    edited.append("envs/requirements.lock", "added==1.0\n")
    assert edited.planned(*CONFIG) == EVERYTHING


def test_missing_folder_of_snakemake_is_noticed_by_the_doctor(edited):
    """Snakemake forgets with `.snakemake/`; the records beside the results do not."""
    snakemake, kept = edited.root / ".snakemake", edited.root / ".snakemake-kept"
    snakemake.rename(kept)
    try:
        assert edited.planned(*CONFIG) == {}
        well = edited.surecast("doctor", "smoke")
        edited.append("src/surecast/train/models/fno.py", "\nADDED_BY_A_TEST = 1\n")
        ill = edited.surecast("doctor", "smoke")
    finally:
        shutil.rmtree(snakemake, ignore_errors=True)
        kept.rename(snakemake)
    assert "smoke" not in well.stdout, well.stdout + well.stderr
    assert "train fno 0: its code has changed since." in ill.stdout
    assert "train gp 0" not in ill.stdout
    assert ill.returncode == 1


@pytest.mark.parametrize(
    "name",
    ["runs/train-0000.nc", "estimates/averages.nc", "surrogates/fno/seed0.safetensors", "dataset.zarr", "dataset.json"],
)
def test_changed_content_is_found_by_the_doctor(made, name):
    path = made.root / "results" / "smoke" / name
    if path.suffix == ".zarr":
        path = max((file for file in path.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = path.read_bytes()
    try:
        change(path)
        found = made.surecast("doctor", "smoke")
    finally:
        path.write_bytes(content)
    assert found.returncode == 1, found.stdout
    assert Path(name).name in found.stdout


def change(path: Path) -> None:
    """Change one value of a NetCDF file, or one byte in the middle of another."""
    if path.suffix == ".nc":
        from netCDF4 import Dataset

        with Dataset(path, "a") as file:
            variable = next(item for item in file.variables.values() if item.dtype == "f8" and item.ndim)
            variable[0] = variable[0] + 1.0
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))
