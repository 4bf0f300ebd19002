"""Settings that all networks share; a subclass adds its own and builds the network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from surecast.study.component import Problem
from surecast.study.errors import TrainingError
from surecast.train.online.settings import UNDECISIVE, Online
from surecast.train.surrogate import Surrogate, SurrogateSettings

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from surecast.study.model import Study


class NetworkSettings(SurrogateSettings):
    """A network that predicts fields from the inputs realised on its own grid."""

    cells: int | None = Field(
        default=None, ge=4, le=65536, description="Cells per axis of the network's grid; the dataset's if left out."
    )
    fields: list[str] | None = Field(
        default=None, min_length=1, description="Field outputs it predicts; all of the study's if left out."
    )
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default={}, description="Weight of each field's relative error in the loss; 1 where left out."
    )
    steps: int | None = Field(
        default=None, ge=1, le=10**9, description="Number of optimiser steps; training.steps if left out."
    )
    batch: int | None = Field(default=None, ge=1, le=10**6, description="Runs in a batch; training.batch if left out.")
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=10,
        allow_inf_nan=False,
        description="Largest learning rate; training.learning_rate if left out.",
    )
    weight_decay: float = Field(
        default=0.0, ge=0, le=1, allow_inf_nan=False, description="Decoupled weight decay of AdamW."
    )
    online: Online | None = Field(
        default=None, description="Learn from fresh runs, simulated meanwhile, in place of the training split."
    )

    learns: ClassVar[Literal["fields", "outputs"]] = "fields"
    usual_learning_rate: ClassVar[float] = 3e-3
    """Taken where neither the surrogate nor ``training`` gives one."""

    def settings(self) -> dict[str, Any]:
        """The settings, without those of fresh runs that decide no number."""
        found = super().settings()
        if self.online is not None:
            found["online"] = {key: value for key, value in found["online"].items() if key not in UNDECISIVE}
        return found

    def problems(self, study: Study) -> Iterator[Problem]:
        """Besides those of every surrogate: a grid it cannot work on, and nothing to select by."""
        yield from super().problems(study)
        if study.build_design().validation == 0:
            yield (
                "kind",
                "a network is selected by validation runs, of which there are none.",
                "raise design.validation.",
            )
        for name in self.weights:
            if name not in (study.outputs if self.fields is None else self.fields):
                yield ("weights", f"{name!r} is not among the fields to learn.", "remove it.")
        simulator = study.build_simulator()
        fields = [name for name in study.outputs if study.build_output(name).is_field(simulator)]
        learnt = self.fields or fields
        if learnt and not any(self.weights.get(name, 1.0) for name in learnt):
            yield ("weights", "nothing is left to learn: every field has the weight 0.", "give one field more.")
        if self.online is not None:
            batch, steps = self.batch or study.training.batch, self.steps or study.training.steps
            for key, message, remedy in self.online.problems(study, batch, steps, len(self.seeds(study))):
                yield (f"online.{key}", message, remedy)
        if self.cells is not None:
            try:
                self.check_grid((self.cells,))
            except TrainingError as error:
                yield ("cells", error.message, error.remedy)

    def seeds(self, study: Study) -> list[int]:
        """The study's ``training.seeds``."""
        return list(study.training.seeds)

    @abstractmethod
    def network(self, channels_in: int, channels_out: int, dimensions: int, periodic: bool) -> nn.Module:
        """The network with its first weights, from torch's random state.

        Parameters
        ----------
        channels_in, channels_out : int
            Channels of the input (fields, scalar inputs, coordinates) and of the prediction.
        dimensions : int
            1 or 2.
        periodic : bool
            Whether the axes close on themselves.
        """

    def check_grid(self, cells: tuple[int, ...]) -> None:
        """Raise `TrainingError` if the network cannot work on a grid of that many cells per axis."""

    def fit(self, study: Study, name: str, manifest: str | Path, seed: int, checkpoints: str | Path) -> Surrogate:
        """See `SurrogateSettings.fit`."""
        from surecast.train.network_fit import fit_network

        return fit_network(self, study, name, Path(manifest), seed, Path(checkpoints))

    def restore(self, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
        """See `SurrogateSettings.restore`."""
        from surecast.train.network import NetworkSurrogate

        return NetworkSurrogate.from_files(self, study, name, record, tensors)
