"""A trained network as a surrogate: inputs -> channels -> (deviation + guess) scale -> dataset grid -> outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from surecast.train.channels import Channels
from surecast.train.device import same_bits
from surecast.train.fields import FieldSurrogate
from surecast.train.grids import prolong
from surecast.train.guess import LinearGuess
from surecast.train.network_settings import NetworkSettings

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

TOGETHER = 16
"""Runs in one call of the network: always so many, the last call padded, so that sums have the same bits."""


class Predictor:
    """Network, guess and scale: from input channels to fields on the network's own grid.

    Parameters
    ----------
    network : torch.nn.Module
        (batch, channel, [y,] x) -> (batch, field, [y,] x).
    channels : Channels
        Input channels.
    guess : LinearGuess
        The simple guess.
    scale : numpy.ndarray
        Standard deviation of each field's deviation from the guess in the training split, (field,).
    """

    def __init__(self, network: nn.Module, channels: Channels, guess: LinearGuess, scale: np.ndarray) -> None:
        self.network, self.channels, self.guess = network, channels, guess
        self.scale = np.asarray(scale, dtype=np.float32).reshape(-1, *(1,) * len(channels.axes))

    def deviation(self, channels: Tensor) -> Tensor:
        """Deviation from the guess that the network predicts, (batch, field, [y,] x)."""
        out: Tensor = self.network(channels) * torch.from_numpy(self.scale).to(channels.device)
        return out

    def __call__(self, inputs: xr.Dataset) -> np.ndarray:
        """Fields on the dataset's grid, float32 (run, field, [y,] x)."""
        device = next(self.network.parameters()).device
        sample = self.channels(inputs)
        channels, guessed = sample.channels, self.guess(sample.scalars)
        with same_bits(), torch.no_grad():
            for start in range(0, len(channels), TOGETHER):
                batch = channels[start : start + TOGETHER]
                padding = np.repeat(batch[-1:], TOGETHER - len(batch), axis=0)
                full = torch.from_numpy(np.concatenate((batch, padding))).to(device)
                guessed[start : start + TOGETHER] += self.deviation(full).cpu().numpy()[: len(batch)]
        return prolong((guessed * sample.scales).astype(np.float32), self.channels.axes)


class NetworkSurrogate(FieldSurrogate):
    """A trained network.

    Parameters
    ----------
    study, name, settings, fields
        See `FieldSurrogate`.
    predictor : Predictor
        The trained parts.
    """

    settings: NetworkSettings

    def __init__(
        self, study: Study, name: str, settings: NetworkSettings, fields: list[str], predictor: Predictor
    ) -> None:
        self.predictor = predictor
        super().__init__(study, name, settings, fields, predictor.channels.axes)

    def predict_fields(self, inputs: xr.Dataset) -> np.ndarray:
        """See `FieldSurrogate.predict_fields`."""
        return self.predictor(inputs)

    def record(self) -> dict[str, Any]:
        """See `Surrogate.record`."""
        return self.predictor.channels.record()

    def tensors(self) -> dict[str, np.ndarray]:
        """See `Surrogate.tensors`."""
        weights = self.predictor.network.state_dict()
        return {
            "guess": self.predictor.guess.coefficients,
            "scale": self.predictor.scale.ravel(),
            **{f"network.{key}": value.cpu().numpy() for key, value in weights.items()},
        }

    @classmethod
    def from_files(
        cls, settings: NetworkSettings, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]
    ) -> NetworkSurrogate:
        """See `SurrogateSettings.restore`."""
        channels = Channels.from_record(study, record)
        network = build(settings, channels, len(record["fields"]), seed=0)
        weights = {key.removeprefix("network."): value for key, value in tensors.items() if key.startswith("network.")}
        network.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
        predictor = Predictor(network.eval(), channels, LinearGuess(tensors["guess"]), tensors["scale"])
        return cls(study, name, settings, list(record["fields"]), predictor)


def build(settings: NetworkSettings, channels: Channels, fields: int, seed: int) -> nn.Module:
    """The network with its first weights, from torch's random state at `seed`."""
    settings.check_grid(tuple(axis.cells for axis in channels.axes))
    torch.manual_seed(seed)
    periodic = all(axis.periodic for axis in channels.axes)
    return settings.network(channels.count, fields, len(channels.axes), periodic)
