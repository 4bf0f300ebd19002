"""The documentation says what is true: its example runs, its links lead somewhere, what it names exists."""

from __future__ import annotations

import importlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from surecast.cli.main import main
from surecast.design.make import make_design
from surecast.simulate.problems import names
from surecast.simulate.truth import Truth
from surecast.study import kinds
from surecast.study.load import load_study

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_users_own_simulator_of_the_documentation_runs(tmp_path):
    page = ROOT / "docs" / "own-simulator.md"
    (tmp_path / "beam.py").write_text(blocks(page, "python")[0])
    (tmp_path / "beam.yaml").write_text(blocks(page, "yaml")[0])
    study = load_study(tmp_path / "beam.yaml")
    study.check()
    inputs = make_design(study).isel(run=slice(20))
    found = Truth(study)(inputs)
    expected = inputs["load"] * 2.5**3 / (3 * inputs["stiffness"])
    np.testing.assert_allclose(found["deflection"], expected, rtol=1e-14)
    assert found["deflection"].attrs["units"] == "m"
    # The level of its question is one that such a beam may exceed, but seldom does.
    law = study.joint_law().from_uniform(np.random.Generator(np.random.PCG64DXSM(1)).random((20_000, 2)))
    share = float(np.mean(law["load"] * 2.5**3 / (3 * law["stiffness"]) > 0.037))
    assert 1e-4 < share < 0.1


def test_the_users_own_program_of_the_documentation_runs(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (cc) on this machine")
    page = ROOT / "docs" / "simulators.md"
    for name, language in (("beam.c", "c"), ("beam.txt.jinja", "jinja"), ("beam.yaml", "yaml")):
        (tmp_path / name).write_text(blocks(page, language)[0])
    subprocess.run([compiler, "-O2", "-o", "beam", "beam.c"], cwd=tmp_path, check=True)
    assert main(["check", str(tmp_path / "beam.yaml"), "--simulator", "--runs", "2"]) == 0
    study = load_study(tmp_path / "beam.yaml")
    inputs = make_design(study).isel(run=slice(4))
    found = Truth(study)(inputs)
    np.testing.assert_allclose(found["deflection"], inputs["load"] * 2.5**3 / (3 * inputs["stiffness"]), rtol=1e-14)
    assert found["deflection"].attrs["units"] == "m"


def test_the_checks_of_a_simulator_of_the_documentation_pass(tmp_path, monkeypatch, capsys):
    page = ROOT / "docs" / "own-simulator.md"
    (tmp_path / "beam.py").write_text(blocks(page, "python")[0])
    (tmp_path / "beam.yaml").write_text(blocks(page, "yaml")[0])
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    surecast (check .*--simulator.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert main(shlex.split(command)) == 0
    assert "FAILED" not in capsys.readouterr().out


def test_the_fifteen_lines_of_the_readme_run(tmp_path, monkeypatch, capsys):
    simulator, script = blocks(ROOT / "README.md", "python")
    assert len(script.splitlines()) <= 15
    (tmp_path / "beam.py").write_text(simulator)
    (tmp_path / "script.py").write_text(script)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "beam", raising=False)
    answer = runpy.run_path(str(tmp_path / "script.py"))["answer"]
    sys.modules.pop("beam", None)
    # By ten million draws: 0.005405.
    assert answer["low"].values[0] <= 0.0054 <= answer["high"].values[0]
    assert answer["verdict"].values[0] == "certified"
    assert list((tmp_path / "figures").glob("*.svg"))
    assert "@article{" in capsys.readouterr().out


def test_the_page_on_python_runs(tmp_path, capsys):
    (script,) = blocks(ROOT / "docs" / "python.md", "python")
    (tmp_path / "script.py").write_text(script)
    left = runpy.run_path(str(tmp_path / "script.py"))
    assert "sobol-question-y" in left["plot"](left["answer"])
    assert capsys.readouterr().out.count("certified") == 6
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_and_files_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`surecast\.([\w.]+)", text):
        parts = ["surecast", *name.split(".")]
        for length in range(len(parts), 0, -1):
            try:
                found = importlib.import_module(".".join(parts[:length]))
            except ModuleNotFoundError:
                continue
            for attribute in parts[length:]:
                found = getattr(found, attribute, None)
            break
        if found is None:
            pytest.fail(f"there is no surecast.{name}")
    for name in re.findall(r"`((?:study|design|simulate|assemble|train|evaluate|quantify|report|cli)/\w+\.py)`", text):
        assert (ROOT / "src" / "surecast" / name).exists(), name
    for name in re.findall(r"`((?:src|tests|workflow|docs|profiles|envs)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name
    for name, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text):
        assert f"def {test}(" in (ROOT / name).read_text(encoding="utf-8"), f"{name}::{test}"


def test_the_citation_file_names_this_version():
    import tomllib

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", ["question", "estimator"])
@pytest.mark.parametrize("page", ["docs/questions.md", "config/README.md"])
def test_the_pages_name_every_question_and_estimator(table, page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [kind for kind in kinds.names(table) if f"`{kind}`" not in text] == []


def test_the_page_of_questions_gives_each_the_estimators_that_answer_it():
    text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    for kind in kinds.names("question"):
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{kind}` |")]
        able = kinds.resolve("question", kind).answered_by
        assert [name for name in able if f"`{name}`" not in row] == []
