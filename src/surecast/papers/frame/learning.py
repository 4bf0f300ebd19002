"""A network and its training as the checks of papers have them: a stated number of steps, selected by nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from surecast.study.seeds import integer_seed
from surecast.train.adamw import AdamW
from surecast.train.schedule import learning_rate


def first_weights(make: Callable[[], nn.Module], seed: int, *identity: str) -> nn.Module:
    """A network whose first weights follow from a seed and what it is for; torch's own random state stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(seed, *identity, "weights"))
        return make()


def minimise(
    network: nn.Module, loss: Callable[[], Tensor], steps: int, largest_rate: float, weight_decay: float = 0.0
) -> None:
    """Take steps of AdamW, each on the loss of a batch of its own, by the schedule of `surecast.train.schedule`."""
    optimiser = AdamW(network.parameters(), weight_decay)
    for step in range(steps):
        network.zero_grad()
        loss().backward()
        optimiser.step(learning_rate(step, steps, largest_rate))
