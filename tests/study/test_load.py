"""Reading study files: YAML 1.2 scalars, lines, names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surecast.study.errors import StudyError
from surecast.study.load import find_study, load_study, read_source


def content(folder: Path, text: str) -> dict[str, object]:
    path = folder / "one.yaml"
    path.write_text(text)
    return read_source(path).content


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """1e-3 is a number; no, on, 1:30, 0o7 and dates are text; 010 is ten."""
    found = content(tmp_path, "a: 1e-3\nb: no\nc: 1:30\nd: 2020-01-01\ne: 010\nf: true\ng: ~\nh: .5\ni: -2E3\nj: on\n")
    assert found == {
        "a": 1e-3,
        "b": "no",
        "c": "1:30",
        "d": "2020-01-01",
        "e": 10,
        "f": True,
        "g": None,
        "h": 0.5,
        "i": -2000.0,
        "j": "on",
    }


def test_lines(tmp_path: Path) -> None:
    """Each key and item knows its line, the nearest level above answers for what is not there."""
    (tmp_path / "one.yaml").write_text("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    source = read_source(tmp_path / "one.yaml")
    assert source.line(("a", "b")) == 2
    assert source.line(("a", "c", 1)) == 5
    assert source.line(("a", "d")) == 1
    error = source.error(("a", "c", 1), "is wrong.", "right it.")
    assert str(error) == f"{tmp_path / 'one.yaml'}:5: a.c[1] = y: is wrong. Remedy: right it."


def test_a_study(study_file: Path) -> None:
    """Names, files, specifications and built components."""
    study = load_study(study_file)
    assert (study.name, study.title, study.seed) == ("small", "A small study", 3)
    assert study.folder == study_file.parent.resolve()
    assert study.inputs["a"].kind == "uniform"
    assert study.inputs["a"].settings == {"low": 0.0, "high": 1.0, "units": "m"}
    assert study.outputs["y"].kind == "variable"
    assert study.joint_law() is study.joint_law()
    assert study.build_design().train == 16
    assert study.build_output("y").of == "y"
    assert study.build_simulator().arguments == {"factor": 2.0}


def test_reading_imports_nothing_heavy(study_file: Path) -> None:
    """Planning reads studies all the time: no torch, no scipy.stats, no xarray."""
    import subprocess

    code = (
        "import sys; from surecast.study.load import load_study; load_study(sys.argv[1]);"
        "print([name for name in ('torch', 'scipy', 'xarray', 'sklearn', 'dask', 'pint', 'matplotlib') "
        "if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(study_file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_find_study(tmp_path: Path) -> None:
    """By name, by path; the nearest name for one that is not there."""
    (tmp_path / "burgers.yaml").write_text("a: 1")
    assert find_study("burgers", tmp_path) == tmp_path / "burgers.yaml"
    assert find_study(tmp_path / "burgers.yaml") == tmp_path / "burgers.yaml"
    with pytest.raises(StudyError, match="did you mean 'burgers'"):
        find_study("burger", tmp_path)
    with pytest.raises(StudyError, match="no such study file"):
        find_study("/nowhere/mine.yaml", tmp_path)


def test_the_file_name_is_the_study_name(study_file: Path) -> None:
    """A name that could not be a folder is refused."""
    other = study_file.with_name("my study.yaml")
    other.write_text(study_file.read_text())
    with pytest.raises(StudyError, match="rename the file"):
        load_study(other)
