"""The parts of a study file that are no components: failures, dataset, training, evaluation, report."""

from __future__ import annotations

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from surecast.study.component import refused

LARGEST_COUNT = 10**9


class Settings(BaseModel):
    """Base of the parts of a study file: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Spec(BaseModel):
    """A component as the study file names it: its kind and its settings, checked when it is built."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str = Field(min_length=1, description="A name of the table of kinds, or the user's own as module:name.")

    @property
    def settings(self) -> dict[str, Any]:
        """What stands beside `kind`."""
        return dict(self.model_extra or {})


class OutputSpec(Spec):
    """An output: `variable`, the simulator's own of that name, unless a kind is given."""

    kind: str = Field(
        default="variable", min_length=1, description="variable, maximum, minimum, mean, boundary_flux or module:name."
    )
    bounds: tuple[float, float] | None = Field(
        default=None,
        description="Lowest and highest value that the output can have, in its units: what a failed run may have been.",
    )

    @field_validator("bounds")
    @classmethod
    def _ordered(cls, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
        if bounds is not None and not -math.inf < bounds[0] < bounds[1] < math.inf:
            raise refused("", "bounds are two finite numbers, the lower one first.", "write `bounds: [low, high]`.")
        return bounds


class Correlation(Settings):
    """Correlation of the two standard normals that a Gaussian copula puts behind two inputs."""

    between: list[str] = Field(min_length=2, max_length=2, description="Names of two inputs with continuous laws.")
    value: float = Field(gt=-1, lt=1, allow_inf_nan=False, description="Correlation of the underlying normals.")

    @field_validator("between")
    @classmethod
    def _two(cls, between: list[str]) -> list[str]:
        if between[0] == between[1]:
            raise refused("", "an input is not correlated with itself.", "name two different inputs.")
        return between


class Failures(Settings):
    """What counts as a failed run, and how many of them a study bears."""

    max_share: float = Field(
        default=0.05, ge=0, le=1, description="Largest share of failed runs of the design before the study stops."
    )
    largest: float = Field(
        default=1e12, gt=0, allow_inf_nan=False, description="Magnitude above which an output is absurd (own units)."
    )


class DatasetSettings(Settings):
    """How runs become one dataset."""

    refined_runs: int = Field(
        default=8, ge=0, le=10**6, description="Test runs solved again on a refined grid, for the discretisation error."
    )
    chunk_mib: float = Field(default=4.0, ge=1, le=64, description="Size of a chunk of whole runs, MiB uncompressed.")
    shard_mib: float = Field(default=256.0, ge=1, le=65536, description="Size of a file of chunks, MiB uncompressed.")


class Training(Settings):
    """How networks are trained; a surrogate's own settings come first where it has them."""

    steps: int = Field(default=2000, ge=1, le=LARGEST_COUNT, description="Number of optimiser steps.")
    batch: int = Field(default=8, ge=1, le=10**6, description="Runs in a batch.")
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=10,
        allow_inf_nan=False,
        description="Largest learning rate; the model's own if left out.",
    )
    seeds: list[int] = Field(
        default=[0], min_length=1, max_length=1000, description="One training for each; reported as a spread."
    )
    device: str = Field(
        default="auto", pattern=r"^(auto|cpu|cuda|mps)$", description="auto, cpu, cuda or mps; auto takes a GPU if any."
    )
    interval: int = Field(
        default=100, ge=1, le=LARGEST_COUNT, description="Steps between two validations, log lines and checkpoints."
    )

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise refused("", "a seed stands twice: the same training would count twice.", "name different seeds.")
        if min(seeds) < 0:
            raise refused("", "a seed is negative.", "use 0, 1, 2, ...")
        return seeds


class Evaluation(Settings):
    """How surrogates are judged on the test split."""

    baseline_runs: int = Field(
        default=64,
        ge=1,
        le=10**6,
        description="Test runs simulated again on coarser grids, as what surrogates must beat.",
    )


class ReportSettings(Settings):
    """What the reader sees."""

    examples: int = Field(default=3, ge=0, le=50, description="Test runs whose fields are shown side by side.")
