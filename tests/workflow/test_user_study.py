"""A study outside the repository, with a user's function: where its results go, what an edit of its code re-makes."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

EVERYTHING = {
    "design": 1, "simulate": 4, "assemble": 1, "train": 1, "evaluate": 1, "baselines": 1, "quantify": 1, "report": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def made(new_house, function_study):
    """House, study file and options of a complete run whose results lie in a third place."""
    house = new_house("mine")
    study = function_study(house.root.parent / "elsewhere")
    options = ("--directory", str(house.root.parent / "work"), "--config", f"studies={study}")
    house.snakemake("--cores", "2", *options)
    return house, study, options


@pytest.fixture
def edited(made):
    """The same, with the study's folder put back afterwards."""
    house, study, options = made
    kept = house.root.parent / "kept"
    shutil.copytree(study.parent, kept)
    yield house, study, options
    shutil.rmtree(study.parent)
    shutil.move(kept, study.parent)


def test_results_go_to_the_directory(made):
    house, study, _ = made
    assert (house.root.parent / "work" / "results" / "mine" / "report.html").is_file()
    assert not (study.parent / "results").exists()
    assert not (house.root / "results").exists()


@pytest.mark.parametrize("module", ["mine_model.py", "mine_helper.py"])
def test_users_module_re_makes_what_runs_it(edited, module):
    house, study, options = edited
    house.append(study.parent / module, "\nADDED_BY_A_TEST = 1\n")
    assert house.planned(*options) == {rule: count for rule, count in EVERYTHING.items() if rule != "design"}


def test_moved_study_re_makes_nothing(edited):
    house, study, options = edited
    moved = house.root.parent / "moved"
    shutil.copytree(study.parent, moved)
    assert house.planned(*options[:3], f"studies={moved / 'mine.yaml'}") == {}


def test_one_estimate_alone_and_one_stage_alone(made):
    house, _, options = made
    work = house.root.parent / "work"
    (work / "results" / "mine" / "estimates" / "averages.csv").unlink()
    assert house.planned("results/mine/estimates/averages.csv", *options) == {"quantify": 1}
    assert house.planned(*options, "--until", "evaluate") == {}
    assert house.planned(*options, "--until", "evaluate", "--forcerun", "train") == {"train": 1, "evaluate": 1}
    house.snakemake("--cores", "1", *options)


def test_two_studies_at_once(made):
    house, study, options = made
    planned = house.planned(*options[:3], f"studies=[{study},smoke]")
    assert planned["design"] == 1, "the study that is made is left alone"
    assert planned["train"] == 2


def test_check_says_what_is_there(made):
    house, study, options = made
    done = subprocess.run(
        [sys.executable, "-m", "surecast.cli.main", "check", str(study)],
        cwd=options[1],
        env=house.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "runs         80: 48 train, 24 validation, 8 test" in done.stdout
    assert "simulate 4 of 4" in done.stdout


def test_new_code_makes_new_runs(edited):
    """The run store must not answer for code that is no more. (Last: it leaves other results behind.)"""
    import xarray as xr

    house, study, options = edited
    part = house.root.parent / "work" / "results" / "mine" / "runs" / "test-0000.nc"
    with xr.open_dataset(part) as runs:
        before = runs["response"].values.copy()
        expected = (3 * runs["a"].values) ** 3 + runs["b"].values
    house.edit(study.parent / "mine_helper.py", "value * 2", "value * 3")
    house.snakemake("--cores", "2", *options, "--until", "simulate")
    with xr.open_dataset(part) as runs:
        assert runs["response"].values == pytest.approx(expected)
        assert (runs["response"].values != before).all()
