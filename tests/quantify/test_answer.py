"""From a study to the files of estimates, through the real stages on the Ishigami function."""

from __future__ import annotations

import csv
import io
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.quantify.answer import answer
from surecast.quantify.table import COLUMNS
from surecast.simulate import packs
from surecast.simulate.part import simulate_part
from surecast.simulate.store import RunStore
from surecast.study.errors import TimeLimitError
from surecast.study.files import read_dataset, read_json, write_dataset
from surecast.study.load import load_study
from surecast.study.paths import Paths
from surecast.train.train import train

FUNCTION = """
import numpy as np

def ishigami(inputs):
    x1, x2, x3 = inputs["x1"], inputs["x2"], inputs["x3"]
    return (np.sin(x1) + 7 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)).to_dataset(name="response")
"""

STUDY = """
seed: 7
simulator: {kind: "small_ishigami:ishigami"}
inputs:
  x1: {kind: uniform, low: -3.141592653589793, high: 3.141592653589793}
  x2: {kind: uniform, low: -3.141592653589793, high: 3.141592653589793}
  x3: {kind: uniform, low: -3.141592653589793, high: 3.141592653589793}
outputs:
  response: {kind: variable, units: "m"}
design: {kind: sobol, train: 128, validation: 32, test: 16, runs_per_part: 176}
surrogates:
  chaos: {kind: polynomial_chaos}
questions:
  averages: {kind: moments, of: response, surrogate: best, runs: 512}
  spread: {kind: moments, of: response, statistics: [variance], surrogate: chaos, runs: 256}
  high: {kind: exceedance, event: response > 15, surrogate: chaos, runs: 512,
         estimators: [importance_sampling, monte_carlo]}
  drivers: {kind: sobol, of: response, surrogate: best, runs: 1024, estimators: [control_variates]}
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answer")
    (folder / "small_ishigami.py").write_text(FUNCTION)
    (folder / "small.yaml").write_text(STUDY)
    study = load_study(folder / "small.yaml")
    paths = Paths("small", folder / "results")
    write_dataset(paths.design, make_design(study))
    named = [part.name for part in parts(study.build_design())]
    for name in named:
        simulate_part(study, name, paths.design, paths.part(name), paths.store)
    assemble(study, paths.design, [paths.part(name) for name in named], paths.dataset, paths.manifest)
    train(study, "chaos", 0, paths.manifest, paths.surrogate("chaos", 0), paths.checkpoints)
    return study, paths


def asked(ready, question: str, suffix: str = "") -> tuple[Path, Path]:
    study, paths = ready
    nc, table = paths.estimates / f"{question}{suffix}.nc", paths.estimates / f"{question}{suffix}.csv"
    answer(study, question, {"chaos": [paths.surrogate("chaos", 0)]}, paths.manifest, nc, table)
    return nc, table


@pytest.mark.parametrize("question", ["averages", "high", "drivers"])
def test_twice_the_same_bytes_and_what_the_files_hold(ready, question):
    nc, table = asked(ready, question)
    again_nc, again_table = asked(ready, question, "-again")
    assert table.read_bytes() == again_table.read_bytes()
    assert read_dataset(nc).attrs["digest"] == read_dataset(again_nc).attrs["digest"]
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    assert tuple(rows[0]) == COLUMNS
    dataset = read_dataset(nc)
    assert len(rows) == dataset.sizes["estimate"]
    for index, row in enumerate(rows):
        assert row["question"] == question
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"])
        assert float(row["value"]) == dataset["value"].values[index]
        assert row["verdict"] == "certified" or row["verdict"].startswith("not certified: ")
        assert int(row["simulator_runs"]) == np.nanmax(dataset["convergence_runs"].values[index])
    assert dataset.attrs["chosen_surrogate_response"] == "chaos/seed0"
    assert dataset.attrs["training_runs"] == 128
    assert dataset.attrs["dataset"] == read_json(ready[1].manifest)["digest"]
    assert all("units" in v.attrs or v.dtype.kind in "OUT" for v in dataset.data_vars.values())


def test_the_answers_are_right_and_carry_units(ready):
    dataset = read_dataset(asked(ready, "averages")[0])
    assert dataset["statistic"].values.tolist() == ["mean", "variance"]
    assert dataset["units"].values.tolist() == ["m", "(m)**2"]
    # One seed: an interval at 95 % may well miss. Four standard errors are a defect.
    for truth, value, error in zip(
        [3.5, 13.8445879], dataset["value"].values, dataset["standard_error"].values, strict=True
    ):
        assert abs(value - truth) < 4 * error
    # Surrogate and simulator side by side at the test runs, none of which the surrogate saw.
    pairs = dataset["simulator_response"].values, dataset["surrogate_response"].values
    assert dataset.sizes["pair"] == 16
    assert dataset["surrogate_response"].attrs["units"] == "m"
    assert np.corrcoef(*pairs)[0, 1] > 0.9
    drivers = read_dataset(asked(ready, "drivers")[0])
    assert drivers["statistic"].values.tolist()[:2] == ["first[x1]", "first[x2]"]
    assert drivers["measure"].values.tolist() == ["first"] * 3 + ["total"] * 3
    assert drivers["group"].values.tolist() == ["x1", "x2", "x3"] * 2


def test_no_run_of_an_estimate_is_one_of_the_dataset_or_of_another_estimator(ready):
    from surecast.assemble.open import open_dataset
    from surecast.simulate.truth import Truth

    study, paths = ready
    names = ["x1", "x2", "x3"]
    asked_for = []
    simulator = Truth(study, outputs=("response",), store=None, fields=False)

    def watched(inputs):
        asked_for.append(np.stack([inputs[name].values for name in names], axis=1))
        return simulator(inputs)

    nc, table = paths.estimates / "watched.nc", paths.estimates / "watched.csv"
    for question in ("averages", "high"):
        answer(study, question, {"chaos": [paths.surrogate("chaos", 0)]}, paths.manifest, nc, table, truth=watched)
    made = np.concatenate(asked_for)
    dataset = open_dataset(paths.manifest)
    known = np.stack([dataset[name].values for name in names], axis=1)
    assert len(made) == 3 * 512
    assert len(known) == 176
    both = np.concatenate([made, known])
    assert len(np.unique(both, axis=0)) == len(both)


def test_the_methods_of_question_and_estimator_are_both_cited(ready):
    dataset = read_dataset(asked(ready, "drivers")[0])
    for row in dataset["citations"].values.tolist():
        assert {"janon2014", "glynn2002"} <= set(row.split())


def test_runs_asked_again_come_from_the_store(ready):
    from surecast.simulate.truth import Truth

    study, paths = ready
    truth = Truth(study, outputs=("response",), store=RunStore(paths.store), fields=False)
    asked(ready, "averages")
    for question in ("averages", "spread"):  # two questions of one estimator draw the same runs
        nc, table = paths.estimates / "counted.nc", paths.estimates / "counted.csv"
        answer(study, question, {"chaos": [paths.surrogate("chaos", 0)]}, paths.manifest, nc, table, truth=truth)
    assert (truth.runs_made, truth.runs_found) == (0, 512 + 256)


def test_workers_and_an_attempt_that_ended_early_change_no_byte(ready, monkeypatch, tmp_path):
    """By two processes, after an attempt stopped by its time limit, the same table as in one go."""
    study, paths = ready
    once = asked(ready, "averages")[1].read_bytes()
    shutil.copytree(paths.manifest.parent, tmp_path / "small", ignore=shutil.ignore_patterns("store"))
    manifest, table = tmp_path / "small" / paths.manifest.name, tmp_path / "averages.csv"

    def attempt(**how):
        surrogates = {"chaos": [paths.surrogate("chaos", 0)]}
        answer(study, "averages", surrogates, manifest, tmp_path / "averages.nc", table, workers=2, **how)

    monkeypatch.setattr(packs, "DASK_SECONDS", 0.0)
    monkeypatch.setattr(packs, "FIRST_PACK", 64)
    monkeypatch.setattr(packs, "END_SECONDS", 3600.0)
    with pytest.raises(TimeLimitError):
        attempt(deadline=time.time() + 60)
    assert not table.exists()
    attempt()
    assert table.read_bytes() == once
    assert len(RunStore(tmp_path / "small" / "store")) == 512
