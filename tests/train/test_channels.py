"""Input channels: the scalars and scales alone are those beside the channels, and cost no field without need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surecast.study.laws.gaussian_field import GaussianField
from surecast.train.channels import BLOCK, Channels
from surecast.train.data import TrainingData
from surecast.train.fields import grid


def channels_of(made: Any) -> tuple[Channels, TrainingData]:
    data = TrainingData(made.study, made.manifest)
    fields = data.field_outputs()
    return Channels.of_dataset(data, fields, grid(data, fields, None)), data


@pytest.mark.parametrize("name", ["aquifer", "burgers"])
def test_numbers_are_those_beside_the_channels(name: str, request: Any) -> None:
    channels, data = channels_of(request.getfixturevalue(name))
    inputs = data.inputs("train").isel(run=np.arange(2 * BLOCK + 1) % 31)  # more than fit into a block
    for runs in (slice(None), slice(0, 1)):
        part = inputs.isel(run=runs)
        scalars, scales = channels.numbers(part)
        sample = channels(part)
        np.testing.assert_array_equal(scalars, sample.scalars)
        np.testing.assert_array_equal(scales, sample.scales)
    assert (channels.numbers(inputs)[1] == 1).all() == (name == "burgers")


def test_numbers_realise_no_field_without_a_symmetry(burgers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    channels, data = channels_of(burgers)

    def realise(*_: Any) -> np.ndarray:
        raise AssertionError("a field was realised")

    monkeypatch.setattr(GaussianField, "realise", realise)
    scalars, _ = channels.numbers(data.inputs("train"))
    assert scalars.shape == (32, 1)
