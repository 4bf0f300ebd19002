"""Where each artefact of a study lies, relative to the working directory."""

from __future__ import annotations

from pathlib import Path


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
