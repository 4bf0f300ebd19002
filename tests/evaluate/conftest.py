"""A small study, from its file to trained surrogates: what the evaluation starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import xarray as xr

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.files import read_dataset, write_dataset
from surecast.study.load import load_study
from surecast.study.model import Study
from surecast.study.paths import Paths
from surecast.train.train import train

STUDY = """
simulator: {kind: groundwater, cells: 16}
inputs:
  permeability: {kind: gaussian_field, variance: 0.5, length: 0.5, terms: 4}
  head: {kind: uniform, low: 0.5, high: 1.5, units: m}
  well: {kind: lognorm, s: 0.4, scale: 0.5, units: m2/day}
outputs:
  pressure: {kind: variable}
  flux_x: {kind: variable}
  outflow: {kind: boundary_flux, side: right, units: m2/day}
  peak: {kind: maximum, of: pressure, units: m}
design: {kind: sobol, train: 48, validation: 12, test: 20, runs_per_part: 40}
dataset: {refined_runs: 0}
surrogates:
  pod: {kind: pod_ridge, fields: [pressure, flux_x]}
  gp: {kind: gaussian_process}
evaluation: {baseline_runs: 14}
"""
FAILED = 5  # a test run that is marked as failed, as a solver would


@dataclass(frozen=True)
class Trained:
    """A study whose surrogates are trained."""

    study: Study
    paths: Paths


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Groundwater on 16 x 16 cells with two surrogates; one of the 20 test runs has failed."""
    folder = tmp_path_factory.mktemp("evaluate")
    file = folder / "aquifer.yaml"
    file.write_text(STUDY)
    study = load_study(file)
    paths = Paths(study.name, folder / "results")
    write_dataset(paths.design, make_design(study))
    names = [part.name for part in parts(study.build_design())]
    for name in names:
        simulate_part(study, name, paths.design, paths.part(name), paths.store)
    _fail(paths.part("test-0000"), list(study.outputs))
    assemble(study, paths.design, [paths.part(name) for name in names], paths.dataset, paths.manifest)
    for surrogate in study.surrogates:
        train(study, surrogate, 0, paths.manifest, paths.surrogate(surrogate, 0), paths.checkpoints)
    return Trained(study, paths)


def _fail(path: Path, outputs: list[str]) -> None:
    part = read_dataset(path)
    failed = xr.DataArray(part["index_in_split"].values == FAILED, dims="run")
    for name in outputs:
        part[name] = part[name].where(~failed)
    part["failed"] = part["failed"].where(~failed, 1).astype("int8")
    part["message"] = part["message"].where(~failed, "the linear solver stopped")
    write_dataset(path, part)
