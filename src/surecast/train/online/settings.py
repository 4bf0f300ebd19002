"""What a study says of training while simulating: the key `online` of a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from surecast.study.component import Problem
from surecast.study.errors import DataError
from surecast.study.files import read_dataset

if TYPE_CHECKING:
    from surecast.study.model import Study


UNDECISIVE = ("workers", "runs_per_call")
"""Settings that decide how long it takes, and no number."""


def fresh_runs(study: Study, surrogate: str) -> Online | None:
    """How a surrogate learns from runs that are simulated meanwhile; None where it reads the dataset alone."""
    found: Online | None = getattr(study.build_surrogate(surrogate), "online", None)
    return found


class Online(BaseModel):
    """Fresh runs of the simulator in place of the training split, learnt as they come and never written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: int = Field(ge=1, le=10**9, description="Fresh runs over the whole training.")
    capacity: int = Field(default=256, ge=1, le=10**7, description="Most runs in memory.")
    watermark: int | None = Field(
        default=None, ge=1, le=10**7, description="Runs that must be there before the first step; a batch if left out."
    )
    buffer: Literal["reservoir", "queue"] = Field(
        default="reservoir",
        description="reservoir: batches are drawn from all runs in memory, and those that a batch has had make room; "
        "queue: first in, first out, every run in one batch.",
    )
    arrivals: Literal["steady", "free"] = Field(
        default="steady",
        description="steady: the runs come evenly over the steps, the same numbers on every machine; free: a step "
        "takes what has been simulated by then, and only a replay gives the same numbers again.",
    )
    replay: list[str] = Field(
        default=[],
        description="Histories (NetCDF) of an earlier training whose arrivals are to be repeated, one for each seed.",
    )
    workers: int = Field(
        default=1, ge=0, le=1024, description="Processes that simulate beside the training; 0: it waits for each run."
    )

    runs_per_call: int = Field(
        default=16, ge=1, le=10**6, description="Runs in one call of the simulator; no number depends on it."
    )

    def first(self, batch: int) -> int:
        """Runs that must be there before the first step."""
        return max(batch, self.watermark or batch)

    def log(self, study: Study, seed: int) -> list[int] | None:
        """Runs that had come before each step of the training to be repeated; None where none is named.

        Raises
        ------
        DataError
            If the file is none that was written by a training with fresh runs.
        """
        if not self.replay:
            return None
        path = Path(study.folder, self.replay[study.training.seeds.index(seed)])
        history = read_dataset(path)
        if "arrived" not in history:
            raise DataError(f"{path}: holds no arrivals.", "name the history of a training with fresh runs.")
        return [int(count) for count in history["arrived"].values]

    def problems(self, study: Study, batch: int, steps: int, seeds: int) -> Iterator[Problem]:
        """Numbers that do not fit each other, and histories that are not there."""
        first = self.first(batch)
        if self.capacity < first:
            yield (
                "capacity",
                f"{self.capacity} runs in memory are fewer than the {first} of the first step.",
                f"raise it to {first} or more, or lower batch or online.watermark.",
            )
        if self.runs < first:
            yield ("runs", f"{self.runs} runs are fewer than the {first} of the first step.", f"use {first} or more.")
        if self.buffer == "queue" and self.runs < batch * steps:
            yield (
                "runs",
                f"a queue gives every run to one batch, and {steps} steps with {batch} runs each need {batch * steps}.",
                f"use {batch * steps} or more, or buffer: reservoir.",
            )
        if self.arrivals == "free" and self.workers == 0:
            yield ("workers", "without a process beside the training nothing arrives freely.", "use 1 or more.")
        if self.replay and len(self.replay) != seeds:
            yield (
                "replay",
                f"there are {len(self.replay)} histories and {seeds} trainings.",
                "name one for each of training.seeds.",
            )
        for path in self.replay:
            if not Path(study.folder, path).is_file():
                yield (
                    "replay",
                    f"there is no file {path}.",
                    "name the history of the earlier training, relative to the study's folder.",
                )
        if self.replay and self.arrivals == "steady":
            yield ("replay", "steady arrivals need no replay.", "remove it, or set arrivals: free.")
