"""What every design has: how many runs each split holds, and where their inputs come from.

The runs of a study are numbered test first, then validation, then training: raising ``train``
appends runs and renumbers none.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.study import seeds
from surecast.study.component import Component
from surecast.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw

SPLITS = ("test", "validation", "train")
MOST_RUNS = 10_000_000


class Design(Component):
    """Numbers of runs; a subclass says where their inputs come from (`draw`)."""

    train: int = Field(ge=1, le=MOST_RUNS, description="Number of training runs; raising it keeps the first ones.")
    validation: int = Field(ge=0, le=MOST_RUNS, description="Number of runs that select surrogates, drawn at random.")
    test: int = Field(ge=0, le=MOST_RUNS, description="Number of runs that only judge surrogates, drawn at random.")
    runs_per_part: int = Field(
        default=64, ge=1, le=MOST_RUNS, description="Number of runs that one job simulates; no result depends on it."
    )

    of_the_law: ClassVar[bool] = True
    """Whether training runs are spread by the law of the inputs; if not, no estimate may use them."""

    def counts(self) -> dict[str, int]:
        """Number of runs of each split, in the order in which they are numbered."""
        return {split: int(getattr(self, split)) for split in SPLITS}

    def deciding_settings(self) -> dict[str, Any]:
        """The settings that decide what the first runs of every split are (for fingerprints of parts)."""
        counts = ("train", "validation", "test", "runs_per_part")
        return {key: value for key, value in self.settings().items() if key not in counts}

    def code(self) -> tuple[str, ...]:
        """The user's functions that it calls, ``module:name``."""
        return ()

    @abstractmethod
    def draw(self, law: JointLaw, study_seed: int, split: str, count: int, folder: str | Path = ".") -> xr.Dataset:
        """Inputs of the first `count` runs of a split.

        Parameters
        ----------
        law : JointLaw
            Joint law of the inputs.
        study_seed : int
            Seed of the study.
        split : {"train", "validation", "test"}
            Which split.
        count : int
            How many runs; the first n are the same bytes whatever the count.
        folder : str or Path
            Folder of the study, from which its tables resolve.

        Returns
        -------
        xarray.Dataset
            One variable per input, dimension ``run``.
        """

    def imported(
        self,
        law: JointLaw,
        study_seed: int,
        split: str,
        count: int,
        outputs: Sequence[str],
        units: dict[str, str],
        folder: str | Path = ".",
    ) -> xr.Dataset | None:
        """Outputs that the user has computed already, or None: only a table has them."""
        return None


class DrawnDesign(Design):
    """A design by points of the unit cube: `train_points` for training, independent draws for the other splits."""

    @abstractmethod
    def train_points(self, dimension: int, count: int, study_seed: int) -> np.ndarray:
        """Training points in the open unit cube, shape ``(count, dimension)``; the first rows never change."""

    def draw(self, law: JointLaw, study_seed: int, split: str, count: int, folder: str | Path = ".") -> xr.Dataset:
        """Inputs of the first `count` runs of a split; see `Design.draw`."""
        check_split(split)
        if split == "train":
            points = self.train_points(law.dimension, count, study_seed)
        else:
            points = random_points(law.dimension, count, study_seed, split)
        return law.from_uniform(points)


def random_points(dimension: int, count: int, study_seed: int, split: str) -> np.ndarray:
    """Independent uniform points of one split in the open unit cube, shape ``(count, dimension)``.

    The stream depends on the split alone, not on the kind of the training design, and is filled run
    by run: the first rows are the same whatever the count.
    """
    points = seeds.generator(study_seed, "design", split).random((count, dimension))
    # NumPy draws from [0, 1); at 0 an unbounded law would return -inf.
    return np.asarray(np.maximum(points, 2.0**-54))


def check_split(split: str) -> None:
    """Raise `StudyError` unless `split` names one."""
    if split not in SPLITS:
        raise StudyError(f"there is no split {split!r}.", "use train, validation or test.")
