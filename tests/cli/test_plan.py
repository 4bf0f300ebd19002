"""The plan of a study: fingerprints change with what decides a result, and with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from surecast.cli.jobs import named_files
from surecast.cli.plan import STAGES, lock_digest, plan
from surecast.cli.plans import Plans
from surecast.study.errors import StudyError, SurecastError

CONTENT = {
    "title": "A function",
    "seed": 5,
    "simulator": {"kind": "mine_model:cube"},
    "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}, "b": {"kind": "uniform", "low": 0.0, "high": 1.0}},
    "outputs": {"response": {"units": "1"}},
    "design": {"kind": "sobol", "train": 32, "validation": 16, "test": 8, "runs_per_part": 16},
    "surrogates": {"chaos": {"kind": "polynomial_chaos"}, "gp": {"kind": "gaussian_process"}},
    "questions": {
        "averages": {"kind": "moments", "of": "response", "surrogate": "chaos", "runs": 64},
        "again": {"kind": "moments", "of": "response", "surrogate": "best", "runs": 64},
        "plain": {"kind": "moments", "of": "response", "runs": 64},
    },
}
MODEL = "def cube(inputs):\n    return inputs[['a']].rename(a='response')\n"

SCRIPTS = dict.fromkeys(STAGES, "script")


@pytest.fixture
def planned(tmp_path):
    """Function that writes the study with changes and returns its plan."""

    def make(model: str = MODEL, lock: str = "lock", script: str = "script", **changes):
        (tmp_path / "mine_model.py").write_text(model)
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(CONTENT | changes, sort_keys=False))
        return plan(tmp_path / "mine.yaml", tmp_path, lock, dict.fromkeys(STAGES, script), tmp_path)

    return make


def changed(before, after) -> set[str]:
    """Stages of the jobs whose fingerprint differs."""
    held, now = before.fingerprints, after.fingerprints
    return {key.partition(":")[0] for key in held if held[key] != now.get(key)}


def test_jobs_of_a_study(planned):
    made = planned()
    assert made.parts == ["test-0000", "validation-0000", "train-0000", "train-0001"]
    assert made.surrogates == {"chaos": [0], "gp": [0]}
    assert made.questions == {"averages": ["chaos"], "again": ["chaos", "gp"], "plain": []}
    assert {key.partition(":")[0] for key in made.fingerprints} == set(STAGES)


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"title": "Another"}, {"report"}),
        ({"training": {"steps": 3}}, {"report"}),  # no network is trained
        ({"failures": {"max_share": 0.5}}, {"simulate", "assemble", "baselines", "quantify", "report"}),
        ({"seed": 6}, set(STAGES) - {"evaluate"}),
        ({"design": CONTENT["design"] | {"train": 48}}, {"design", "report"}),
        ({"design": CONTENT["design"] | {"train": 20}}, {"design", "simulate", "report"}),
        ({"design": CONTENT["design"] | {"kind": "monte_carlo"}}, {"design", "simulate", "report"}),
        ({"lock": "another"}, set(STAGES)),
        ({"script": "another"}, set(STAGES)),
        ({"model": MODEL + "\nX = 1\n"}, {"simulate", "assemble", "baselines", "quantify"}),
    ],
)  # fmt: skip
def test_what_a_change_decides(planned, changes, stages):
    assert changed(planned(), planned(**changes)) == stages


def test_files_of_an_outside_program_re_make_its_runs(planned, tmp_path):
    """Program, template, what the settings name and the function that reads its output; from the cache too."""
    files = {"solver": "#!/bin/sh\n", "deck.jinja": "{{ a }} {{ b }}", "part.py": "1", "mesh": "1"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "solver").chmod(0o755)
    (tmp_path / "own_read.py").write_text("def read(folder):\n    return {}\n")
    command = {
        "kind": "command",
        "arguments": ["./solver", "--part={study}/part.py"],
        "template": "deck.jinja",
        "files": ["mesh"],
        "output": {"reader": "own_read:read"},
        "outputs": {"response": {"units": "1"}},
    }
    before = planned(simulator=command)
    runs = {"simulate", "assemble", "baselines", "quantify"}
    for name in ("solver", "deck.jinja", "part.py", "mesh", "own_read.py"):
        with open(tmp_path / name, "a") as file:
            file.write("\ny = 2\n")
        after = planned(simulator=command)
        assert changed(before, after) - {"report"} == runs, name
        before = after
    assert changed(before, planned(simulator=command | {"parallel": 3, "keep_failed": "kept"})) == set()


def test_a_training_with_fresh_runs_depends_on_the_simulator_and_on_what_it_repeats(planned, tmp_path):
    for folder in ("first", "second"):  # of one name, in two folders
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "history.nc").write_text("1")
    online = {"runs": 50, "arrivals": "free", "replay": ["first/history.nc", "second/history.nc"], "workers": 2}
    net = {"kind": "fno", "cells": 8, "modes": 2, "online": online, "steps": 3, "batch": 2}
    more = {
        "surrogates": {"net": net, "plain": {"kind": "fno", "cells": 8, "modes": 2}},
        "outputs": {"response": {"units": "1"}, "field": {"dims": ["x"], "units": "1"}},
        "questions": {},
        "training": {"seeds": [0, 1]},
    }
    before = planned(**more)
    assert before.beside == {"net": 2}
    for change in (
        lambda: planned(model=MODEL + "\nX = 1\n", **more),
        lambda: planned(failures={"max_share": 0.5}, **more),
        lambda: (tmp_path / "second" / "history.nc").write_text("2") and planned(**more),
    ):
        after = change()
        assert before.fingerprint("train", "net", "0") != after.fingerprint("train", "net", "0")
        assert before.fingerprint("train", "plain", "0") == after.fingerprint("train", "plain", "0")


def test_shorter_last_part_alone_is_made_again(planned):
    before, after = planned(), planned(design=CONTENT["design"] | {"train": 20})
    assert before.fingerprint("simulate", "train-0000") == after.fingerprint("simulate", "train-0000")
    assert before.fingerprint("simulate", "train-0001") != after.fingerprint("simulate", "train-0001")


def test_plan_is_read_again_without_heavy_imports(planned, tmp_path):
    made = planned()
    code = (
        "import sys; from surecast.cli.plan import plan;"
        f"made = plan({str(tmp_path / 'mine.yaml')!r}, {str(tmp_path)!r}, 'lock', {SCRIPTS}, {str(tmp_path)!r});"
        "print(made.title, [name for name in ('torch', 'scipy', 'xarray', 'pydantic', 'dask') if name in sys.modules])"
    )
    # From the cache, which the fixture has filled; a Path and its text are the same study.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{made.title} []"


def test_first_plan_imports_no_torch(planned, tmp_path):
    planned()
    code = (
        "import sys; from surecast.cli.plan import plan;"
        f"plan({str(tmp_path / 'mine.yaml')!r}, {str(tmp_path)!r}, 'another lock', {SCRIPTS}, {str(tmp_path)!r});"
        "print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def test_torn_cache_is_made_again(planned, tmp_path):
    made = planned()
    (cached,) = (tmp_path / ".snakemake" / "surecast" / "plans").glob("*.json")
    cached.write_text("{")
    assert planned() == made


def test_fingerprint_is_the_same_text_from_the_cache(planned):
    assert repr(planned().fingerprint("design")) == repr(planned().fingerprint("design"))


def test_malformed_study_leaves_nothing(planned, tmp_path):
    with pytest.raises(StudyError, match="unifrm"):
        planned(inputs={"a": {"kind": "unifrm"}, "b": {"kind": "uniform", "low": 0.0, "high": 1.0}})
    assert not (tmp_path / ".snakemake").exists()


@pytest.mark.parametrize("job", [("train", "nosuch"), ("simulate", "train-0009"), ("quantify", "nosuch")])
def test_unknown_job_is_told(planned, job):
    with pytest.raises(StudyError, match="of this name, which stands in the path asked for"):
        planned().fingerprint(*job)
    with pytest.raises(StudyError, match="of this name, which stands in the path asked for"):
        planned().trained("nosuch")
    with pytest.raises(StudyError, match="of this name, which stands in the path asked for"):
        planned().trained_for("nosuch")


def test_two_studies_of_one_name_are_refused(planned, tmp_path):
    planned()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("mine.yaml", "mine_model.py"):
        (other / name).write_text((tmp_path / name).read_text())
    studies = {"studies": [str(tmp_path / "mine.yaml"), str(other / "mine.yaml")]}
    with pytest.raises(StudyError, match="two studies are named 'mine'"):
        Plans(studies, tmp_path, "lock", SCRIPTS)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "one text or a list"),
        ({"studies": []}, "one text or a list"),
        ({"study": "x", "studies": "x"}, "no such setting"),
    ],
)
def test_wrong_configuration_is_told(tmp_path, config, told):
    with pytest.raises(StudyError, match=told):
        Plans(config, tmp_path, "lock", SCRIPTS)


def test_named_files(tmp_path):
    (tmp_path / "table.csv").write_text("a\n1\n")
    settings = {"a": {"kind": "empirical", "file": "table.csv"}, "b": ["nosuch.csv", 3, "", "uniform"]}
    assert named_files(settings, tmp_path) == [tmp_path / "table.csv"]


def test_lock_digest(tmp_path):
    (tmp_path / "torch.txt").write_text("torch==2.13.0\n")
    (tmp_path / "requirements.lock").write_text("# a comment\nnumpy==2.4.6\n")
    before = lock_digest(tmp_path)
    (tmp_path / "requirements.lock").write_text("numpy==2.4.6\n\n# another\n")
    assert lock_digest(tmp_path) == before
    (tmp_path / "torch.txt").write_text("torch==2.14.0\n")
    assert lock_digest(tmp_path) != before
    (tmp_path / "torch.txt").unlink()
    with pytest.raises(SurecastError, match=r"torch\.txt"):
        lock_digest(tmp_path)


@pytest.fixture(autouse=True)
def _workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(tmp_path)))
