"""Studies with two inputs of known laws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surecast.study.model import Study


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """A study with the design given; its folder is a temporary one that holds the simulator."""
    (tmp_path / "user.py").write_text("def answer(inputs):\n    return {}\n")

    def make(**design: Any) -> Study:
        content = {
            "simulator": {"kind": "user:answer"},
            "inputs": {
                "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
                "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5},
                "field": {"kind": "gaussian_field", "variance": 1.0, "length": 0.3, "terms": 3},
            },
            "outputs": {"outflow": {"units": "m"}},
            "design": {"kind": "sobol", "train": 8, "validation": 3, "test": 5, **design},
            "seed": 11,
        }
        return Study.from_content(content, tmp_path / "study.yaml")

    return make
