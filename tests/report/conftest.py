"""A study with every file that a report reads, made of numbers that are easy to follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surecast.report.report import report
from surecast.study.files import write_dataset, write_json
from surecast.study.load import load_study
from surecast.study.model import Study

STUDY = """\
title: {title}
description: Steady flow between two sides of given head, with a well at the centre.
references: ["A. Author, A book & its 100 % truths, 1999."]
seed: 7
simulator: {{kind: groundwater, cells: 16}}
inputs:
  permeability: {{kind: gaussian_field, variance: 1.0, length: 0.5, terms: 4}}
  head: {{kind: uniform, low: 0.5, high: 1.5, units: m}}
  well: {{kind: lognorm, s: 0.4, scale: 0.5, units: m2/day}}
outputs:
  pressure: {{kind: variable, units: m}}
  flux_x: {{kind: variable, units: m2/day}}
  outflow: {{kind: boundary_flux, side: right, units: m2/day}}
  peak: {{kind: maximum, of: pressure, units: m}}
design: {{kind: sobol, train: 64, validation: 16, test: 16}}
"""
SURROGATES = """\
surrogates:
  fno: {kind: fno, cells: 16, width: 4, modes: 2, layers: 1, fields: [pressure, flux_x]}
  unet: {kind: unet, cells: 16, width: 4, levels: 2}
  gp: {kind: gaussian_process}
training: {steps: 10, seeds: [0, 1, 2]}
"""
QUESTIONS = """\
questions:
  averages:
    kind: moments
    of: [outflow, peak]
    surrogate: best
    runs: 2000
    estimators: [control_variates, monte_carlo, scrambled_sobol]
  failure:
    kind: exceedance
    event: peak > 3.47
    surrogate: best
    runs: 1000
    estimators: [importance_sampling, monte_carlo]
  drivers: {kind: sobol, of: outflow, surrogate: best, runs: 2000}
"""
RUNS = np.array([20, 60, 200, 600, 2000])
NOT_CERTIFIED = "not certified: the half-width 0.34 of the value is wider than the tolerance 0.1 <b>"


@dataclass
class Made:
    """A study and its files; `write` writes its report into a folder."""

    study: Study
    folder: Path
    estimates: list[Path] = field(default_factory=list)
    evaluations: list[Path] = field(default_factory=list)
    manifest: Path | None = None
    histories: list[Path] = field(default_factory=list)

    @property
    def page(self) -> Path:
        """The page of the first report."""
        return self.folder / "out" / "report.html"

    def write(self, name: str = "out", processes: int = 2) -> Path:
        """Write the report and return the page's path."""
        page = self.folder / name / "report.html"
        report(
            self.study,
            self.estimates,
            self.evaluations,
            self.manifest,
            page,
            page.parent / "figures",
            page.parent / "tables",
            self.histories,
            processes,
        )
        return page


def make(
    folder: Path,
    *,
    title: str = "Flow through an aquifer",
    surrogates: bool = True,
    questions: bool = True,
    manifest: bool = True,
) -> Made:
    """Write a study file and what its stages would have made."""
    text = STUDY.format(title=repr(title)) + (SURROGATES if surrogates else "")
    if questions:
        text += QUESTIONS if surrogates else QUESTIONS.replace("surrogate: best", "surrogate: none")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "aquifer.yaml").write_text(text, encoding="utf-8")
    made = Made(load_study(folder / "aquifer.yaml"), folder)
    if questions:
        made.estimates = [_write(folder / f"estimates/{name}.nc", dataset) for name, dataset in estimates().items()]
    if surrogates:
        scores = {
            "fno": field_scores(0.024),
            "unet": field_scores(0.031),
            "gp": scalar_scores(),
            "baselines": baselines(),
        }
        made.histories = [
            _write(folder / f"surrogates/{name}/seed{seed}.history.nc", history(seed))
            for name in ("fno", "unet")
            for seed in (0, 1, 2)
        ]
        no_network = xr.Dataset({"length": ("output", [1.0])})
        made.histories.append(_write(folder / "surrogates/gp/seed0.history.nc", no_network))
        made.evaluations = [_write(folder / f"evaluation/{name}.nc", dataset) for name, dataset in scores.items()]
    if manifest:
        made.manifest = folder / "dataset.json"
        write_json(made.manifest, manifest_content())
    return made


@pytest.fixture
def full(tmp_path: Path) -> Made:
    """Everything a report can hold."""
    return make(tmp_path)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Everything a report can hold, with its report written into ``out`` (for tests that only look)."""
    made = make(tmp_path_factory.mktemp("written"))
    made.write()
    return made


@pytest.fixture
def build(tmp_path: Path) -> Any:
    """`make` in this test's folder."""
    return lambda **options: make(tmp_path / "made", **options)


def _write(path: Path, dataset: xr.Dataset) -> Path:
    write_dataset(path, dataset)
    return path


def rows(question: str) -> list[dict[str, Any]]:
    """Rows of one question's table: (output, statistic, value, half-width of the answer, units) by estimator."""
    wanted: dict[str, tuple[list[tuple[str, str, float, float, str]], list[tuple[str, float]]]] = {
        "averages": (
            [
                ("outflow", "mean", 1.2468, 0.0021, "m2/day"),
                ("outflow", "variance", 0.5127, 0.0093, "(m2/day)**2"),
                ("peak", "mean", 1.3391, 0.0047, "m"),
                ("peak", "variance", 0.2544, 0.0126, "(m)**2"),
            ],
            [("control_variates", 1.0), ("monte_carlo", 14.0), ("scrambled_sobol", 3.0)],
        ),
        "failure": (
            [("peak > 3.47", "probability", 1.043e-3, 6.1e-5, "1")],
            [("importance_sampling", 1.0), ("monte_carlo", 17.0)],
        ),
        "drivers": (
            [
                ("outflow", f"{order}[{group}]", value, 0.018, "1")
                for order, values in (("first", (0.612, 0.231, 0.071)), ("total", (0.679, 0.288, 0.094)))
                for group, value in zip(("permeability", "head", "well"), values, strict=True)
            ],
            [("control_variates", 1.0)],
        ),
    }
    statistics, estimators = wanted[question]
    made = []
    for output, statistic, value, half, units in statistics:
        for place, (estimator, wider) in enumerate(estimators):
            certified = statistic != "variance" or output != "peak"
            shifted = value + 0.3 * half * wider * (-1) ** place
            made.append(
                {
                    "question": question,
                    "output": output,
                    "statistic": statistic,
                    "estimator": estimator,
                    "value": shifted,
                    "low": shifted - half * wider,
                    "high": shifted + half * wider,
                    "standard_error": half * wider / 1.96,
                    "level": 0.95,
                    "simulator_runs": 2000,
                    "surrogate_runs": 16384 * (place == 0),
                    "verdict": "certified" if certified else NOT_CERTIFIED,
                    "seed": 7,
                    "units": units,
                    "equivalent_monte_carlo_runs": 2000 * (14 / wider) ** 2,
                    "citations": "metropolis1949 efron1981",
                }
            )
    return made


def estimates() -> dict[str, xr.Dataset]:
    """Question -> the content of its file."""
    made = {}
    for question in ("averages", "failure", "drivers"):
        table = rows(question)
        dataset = xr.Dataset({name: ("estimate", np.array([row[name] for row in table])) for name in table[0]})
        wobble = np.array([1.4, -0.8, 0.5, -0.2, 0.0])
        value, half = dataset["value"].values[:, None], (dataset["high"] - dataset["low"]).values[:, None] / 2
        growth = np.sqrt(RUNS[-1] / RUNS)
        history = {"runs": np.broadcast_to(RUNS, (len(table), RUNS.size)).astype(float), "value": value + wobble * half}
        history |= {"low": history["value"] - half * growth, "high": history["value"] + half * growth}
        for name, values in history.items():
            dataset[f"convergence_{name}"] = (("estimate", "step"), values)
        dataset.attrs = {"question": question, "surrogate": "best", "training_runs": 64, "validation_runs": 16}
        for output in dict.fromkeys(row["output"] for row in table):
            dataset.attrs |= {
                f"chosen_surrogate_{output.split()[0]}": "fno/seed2",
                f"runner_up_surrogate_{output.split()[0]}": "gp",
            }
            dataset.attrs |= {f"chosen_squared_correlation_{output.split()[0]}": 0.9986}
        made[question] = dataset
    return made


def history(seed: int) -> xr.Dataset:
    """What the training of a network writes: validation errors of its fields after so many steps."""
    step = np.arange(100, 1100, 100)
    falling = (1 + 0.1 * seed) * 0.3 / np.sqrt(step)
    history = xr.Dataset(coords={"step": step})
    for name, scale in (("loss", 1.0), ("pressure", 1.0), ("flux_x", 2.0)):
        history[name] = ("step", scale * falling)
    return history


def _over_seeds(scores: xr.Dataset, metric: str, dims: tuple[str, ...], values: np.ndarray) -> None:
    scores[metric] = (("seed", *dims), values)
    scores[f"{metric}_mean"] = (dims, values.mean(axis=0))
    scores[f"{metric}_spread"] = (
        dims,
        values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan),
    )


def field_scores(error: float) -> xr.Dataset:
    """What the evaluation of a surrogate of fields with about this error writes."""
    size, seeds, outputs = 16, 3, ["pressure", "flux_x"]
    x = (np.arange(size) + 0.5) / size
    run = np.arange(80, 96)
    scores = xr.Dataset(
        coords={"seed": np.arange(seeds), "run": run, "output": outputs, "band": ["low", "middle", "high"]}
    )
    scores.coords["output_units"] = ("output", ["m", "m2/day"])
    scores.coords["x"], scores.coords["y"] = ("x", x), ("y", x)
    scores.coords["example"] = ["typical", "best", "worst"]
    level = error * np.array([[1.0, 2.1], [1.1, 2.3], [0.95, 2.2]])
    scores["relative_l2_run"] = (("seed", "output", "run"), np.repeat(level[..., None], run.size, axis=2))
    _over_seeds(scores, "relative_l2", ("output",), level)
    _over_seeds(scores, "rmse", ("output",), 1.3 * level)
    _over_seeds(scores, "maximum_error", ("output",), 9 * level)
    _over_seeds(scores, "band_relative_error", ("output", "band"), level[..., None] * np.array([0.8, 6.0, 20.0]))
    waves = np.add.outer(np.cos(3 * x), np.sin(5 * x))
    for index, output in enumerate(outputs):
        truth = np.stack([waves + index, waves * 2, waves - 1]).astype("float32")
        prediction = (truth + error * np.multiply.outer(np.sin(9 * x), np.cos(7 * x))).astype("float32")
        scores[f"{output}_truth"] = (("example", "y", "x"), truth)
        scores[f"{output}_prediction"] = (("example", "y", "x"), prediction)
    _scalars(scores, run, seeds, error)
    scores.attrs = {"test_runs": run.size, "failed_runs": 1, "kind": "fno"}
    return scores


def scalar_scores() -> xr.Dataset:
    """What the evaluation of a surrogate of scalars writes: one seed, no spread."""
    run = np.arange(80, 96)
    scores = xr.Dataset(coords={"seed": [0], "run": run})
    _scalars(scores, run, 1, 0.05)
    scores["prediction_cpu_seconds"] = ("seed", [2.3e-5])
    scores.attrs = {"test_runs": run.size, "failed_runs": 1, "kind": "gaussian_process"}
    return scores


def _scalars(scores: xr.Dataset, run: np.ndarray, seeds: int, error: float) -> None:
    scores.coords["scalar"] = ["outflow", "peak"]
    scores.coords["scalar_units"] = ("scalar", ["m2/day", "m"])
    truth = np.stack([1 + 0.1 * np.arange(run.size), 2 + 0.05 * np.arange(run.size)])
    signs = (-1.0) ** np.arange(run.size)
    factor = 1 + error * signs * (1 + 0.1 * np.arange(seeds))[:, None, None]
    scores["scalar_truth"] = (("scalar", "run"), truth)
    scores["scalar_prediction"] = (("seed", "scalar", "run"), truth * factor)
    level = error * (1 + 0.1 * np.arange(seeds))[:, None] * np.ones(2)
    _over_seeds(scores, "scalar_relative_rmse", ("scalar",), level)
    _over_seeds(scores, "scalar_rmse", ("scalar",), 1.5 * level)
    _over_seeds(scores, "scalar_maximum_error", ("scalar",), 4 * level)
    _over_seeds(scores, "squared_correlation", ("scalar",), 1 - level**2)
    scores["prediction_cpu_seconds"] = ("seed", np.linspace(1.2e-3, 1.4e-3, seeds))
    scores["training_cpu_seconds"] = ("seed", np.linspace(58.0, 63.0, seeds))


def baselines() -> xr.Dataset:
    """What the evaluation of the simulator on coarser grids writes."""
    run = np.arange(80, 88)
    result = xr.Dataset(coords={"grid": ["cells 8", "cells 4"], "run": run, "output": ["pressure", "flux_x"]})
    result.coords["scalar"] = ["outflow", "peak"]
    result["relative_l2"] = (("grid", "output"), [[0.011, 0.024], [0.043, 0.092]])
    result["scalar_relative_rmse"] = (("grid", "scalar"), [[0.002, 0.03], [0.008, 0.11]])
    result["run_cpu_seconds"] = ("grid", [4.1e-4, 1.7e-4])
    result["simulator_cpu_seconds"] = ((), 1.8e-3)
    result.attrs = {"dataset_grid": "cells 16", "runs_for_training": 80, "test_runs": run.size}
    return result


def manifest_content() -> dict[str, Any]:
    """The keys of ``dataset.json`` that the report reads."""
    return {
        "splits": {
            "train": {"start": 0, "stop": 64, "runs": 64, "failed": 0},
            "validation": {"start": 64, "stop": 80, "runs": 16, "failed": 0},
            "test": {"start": 80, "stop": 96, "runs": 16, "failed": 1},
        },
        "failed_runs": [
            {
                "run": 91,
                "split": "test",
                "index_in_split": 11,
                "seed": 5,
                "inputs": {"head": 1.2},
                "message": "no <convergence>",
            }
        ],
        "card": {
            "equation": "-div(k grad p) = f",
            "domain": [[0, 1], [0, 1]],
            "boundary_conditions": {"left": "p = head", "right": "p = 0", "top": "no flow", "bottom": "no flow"},
            "resolution": {"cells": 16},
            "solver": "preconditioned conjugate gradients, tolerance 1e-10",
        },
        "discretisation_error": {
            "pressure": {"relative_l2": 0.0021, "runs": 8},
            "outflow": {"relative_l2": 0.00082, "runs": 8},
            "peak": {"relative_l2": 0.0113, "runs": 8},
        },
    }
