"""A small valid study whose simulator is a user's function, so that nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

FUNCTION = '''
def double(inputs, factor=2.0):
    """Twice the first input."""
    return (factor * inputs["a"]).rename("y").to_dataset()
'''

STUDY = """\
title: A small study
seed: 3
simulator: {kind: "double:double", factor: 2.0}
inputs:
  a: {kind: uniform, low: 0.0, high: 1.0, units: m}
  b: {kind: norm, loc: 1.0, scale: 2.0}
  c: {kind: gamma, a: 2.5}
correlations:
  - {between: [a, b], value: 0.5}
outputs:
  y: {kind: variable, units: m}
design: {kind: sobol, train: 16, validation: 16, test: 8}
surrogates:
  gp: {kind: gaussian_process}
training: {steps: 10, batch: 2, seeds: [0, 1]}
questions:
  averages: {kind: moments, of: [y], surrogate: gp, runs: 100}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """The study and its function, alone in a folder."""
    (tmp_path / "double.py").write_text(FUNCTION)
    path = tmp_path / "small.yaml"
    path.write_text(STUDY)
    return path
