"""`surecast clean`: lists, asks, deletes what one stage has made and nothing else."""

from __future__ import annotations

import pytest

from surecast.cli import lock
from surecast.cli.main import main
from surecast.study.paths import Paths


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Paths of a study with some files, the working directory being theirs."""
    monkeypatch.chdir(tmp_path)
    paths = Paths("mine")
    for path in (
        paths.design, paths.part("train-0000"), paths.part("test-0000"), paths.store / "pack.nc",
        paths.surrogate("gp", 0), paths.checkpoints / "gp" / "seed0" / "checkpoint",
        paths.records / "simulate" / "train-0000.json", paths.report,
    ):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return paths


def files(paths: Paths) -> set[str]:
    return {str(path.relative_to(paths.root)) for path in paths.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("stage", "deleted"),
    [
        ("simulate", {"runs/train-0000.nc", "runs/test-0000.nc", "records/simulate/train-0000.json"}),
        ("train", {"surrogates/gp/seed0.json", "checkpoints/gp/seed0/checkpoint"}),
        ("store", {"store/pack.nc"}),
        ("report", {"report.html"}),
    ],
)
def test_deletes_one_stage(results, capsys, stage, deleted):
    before = files(results)
    assert main(["clean", "mine", "--stage", stage, "--yes"]) == 0
    assert before - files(results) == deleted
    listed = capsys.readouterr().out
    assert "Deleted." in listed
    assert "KiB" in listed or "MiB" in listed


def test_all(results):
    assert main(["clean", "config/studies/mine.yaml", "--stage", "all", "--yes"]) == 0
    assert not results.root.exists()


def test_lists_and_refuses_when_nobody_can_be_asked(results, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115
    before = files(results)
    assert main(["clean", "mine", "--stage", "simulate"]) == 1
    told = capsys.readouterr()
    assert "results/mine/runs/  2 files" in told.out
    assert "--yes" in told.err
    assert files(results) == before


@pytest.mark.parametrize(("answer", "kept"), [("n", True), ("", True), ("y", False)])
def test_asks(results, monkeypatch, answer, kept):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    main(["clean", "mine", "--stage", "design"])
    assert results.design.exists() == kept


def test_waits_for_a_running_snakemake(results, capsys):
    lock.register(".")
    assert main(["clean", "mine", "--stage", "all", "--yes"]) == 1
    assert "Snakemake is running here" in capsys.readouterr().err
    assert results.report.exists()


def test_nothing_there(results, capsys):
    assert main(["clean", "mine", "--stage", "quantify", "--yes"]) == 0
    assert "Nothing is there of quantify" in capsys.readouterr().out


@pytest.mark.parametrize("study", ["..", ".", "", "mine/..", "results/", "*"])
def test_what_is_no_study_deletes_nothing(results, capsys, study):
    before = files(results)
    beside = results.root.parent.parent / "beside"
    beside.write_text("x")
    main(["clean", study, "--stage", "all", "--yes"])
    assert "Deleted." not in capsys.readouterr().out
    assert files(results) == before
    assert beside.exists()
