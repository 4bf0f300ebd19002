"""Where each artefact of a study lies, relative to the working directory."""

from __future__ import annotations

import re
from pathlib import Path

from surecast.study.errors import SurecastError


class Paths:
    """Locations under ``results/<study>/``.

    Parameters
    ----------
    study : str
        Name of the study.
    root : str or Path
        The results folder.
    """

    def __init__(self, study: str, root: str | Path = "results") -> None:
        self.root = Path(root) / study
        self.design = self.root / "design.nc"
        self.runs = self.root / "runs"
        self.store = self.root / "store"
        self.dataset = self.root / "dataset.zarr"
        self.manifest = self.root / "dataset.json"
        self.surrogates = self.root / "surrogates"
        self.checkpoints = self.root / "checkpoints"
        self.evaluation = self.root / "evaluation"
        self.estimates = self.root / "estimates"
        self.report = self.root / "report.html"
        self.figures = self.root / "figures"
        self.tables = self.root / "tables"
        self.records = self.root / "records"
        self.logs = self.root / "logs"
        self.benchmarks = self.root / "benchmarks"

    @classmethod
    def named(cls, study: str) -> Paths:
        """Locations of a study by its name, or the path of its file, which need not be there.

        Raises
        ------
        SurecastError
            If it cannot be the name of a study: `..` would be the working directory itself.
        """
        name = Path(study).stem
        if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
            raise SurecastError(f"{study!r} is no study.", "give the name of a study, or the path of its file.")
        return cls(name)

    def part(self, part: str) -> Path:
        """One part of the runs, for example ``train-0003``."""
        return self.runs / f"{part}.nc"

    def surrogate(self, name: str, seed: int) -> Path:
        """Settings of one trained surrogate (its weights and history lie beside it)."""
        return self.surrogates / name / f"seed{seed}.json"

    def scores(self, name: str) -> Path:
        """Evaluation of one surrogate over its seeds (``baselines`` for the classical solver)."""
        return self.evaluation / f"{name}.nc"

    def estimate(self, question: str, suffix: str = "nc") -> Path:
        """Answer to one question."""
        return self.estimates / f"{question}.{suffix}"
