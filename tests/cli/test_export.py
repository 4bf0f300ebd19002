"""`surecast export`: the dataset that is meant, the options that are passed on, and what is said of it."""

from __future__ import annotations

import pytest

from surecast.assemble.formats import the_well
from surecast.cli.main import main


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A dataset's place in a working directory, and what the layout is asked to write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "made").mkdir(parents=True)
    (tmp_path / "results" / "made" / "dataset.json").write_text("{}")
    calls = []

    def write(*arguments):
        calls.append([str(arguments[0]), *arguments[1:]])
        return ["3 failed runs are left out"]

    monkeypatch.setattr(the_well, "write", write)
    return calls


@pytest.mark.parametrize("study", ["made", "studies/made.yaml", "results/made/dataset.json"])
def test_the_dataset_of_a_study_is_written(written, capsys, study):
    assert main(["export", study, "--format", "the_well", "made.hdf5", "--outputs", "u, v", "--split", "train"]) == 0
    assert written == [["results/made/dataset.json", "made.hdf5", ["u", "v"], "train"]]
    out = capsys.readouterr().out
    assert "made.hdf5: written from results/made/dataset.json" in out
    assert "3 failed runs are left out" in out


def test_all_runs_and_outputs_are_written_unless_told_otherwise(written):
    assert main(["export", "made", "--format", "the_well", "made.hdf5"]) == 0
    assert written == [["results/made/dataset.json", "made.hdf5", None, None]]


@pytest.mark.parametrize(
    ("study", "words"), [("other", "there is no such dataset. Remedy: run snakemake first"), ("..", "is no study")]
)
def test_what_is_not_there_is_one_message(written, capsys, study, words):
    assert main(["export", study, "--format", "the_well", "made.hdf5"]) == 1
    err = capsys.readouterr().err
    assert err.count("Error:") == 1
    assert words in err
    assert not written


def test_an_unknown_format_is_refused(written, capsys):
    with pytest.raises(SystemExit):
        main(["export", "made", "--format", "csv", "made.csv"])
    assert "invalid choice: 'csv'" in capsys.readouterr().err
