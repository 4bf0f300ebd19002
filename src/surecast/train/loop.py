"""The training loop: a stated number of steps, validated, logged and checkpointed at a stated interval."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from surecast.study.errors import TrainingError
from surecast.study.progress import progress
from surecast.train.adamw import AdamW
from surecast.train.checkpoint import Checkpoint, random_state, restore_random_state
from surecast.train.schedule import learning_rate


@dataclass(frozen=True)
class Plan:
    """How long and how fast: see `surecast.study.settings.Training` for what each number means."""

    steps: int
    learning_rate: float
    weight_decay: float
    interval: int


class Batches(Protocol):
    """Where the batches come from: endless, and able to say and to take up its position (as JSON values)."""

    def __next__(self) -> Any: ...

    def state_dict(self) -> dict[str, Any]:
        """The position, as JSON values."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a position that `state_dict` gave."""


def optimise(
    network: nn.Module,
    batches: Batches,
    loss: Callable[[nn.Module, Any], Tensor],
    validate: Callable[[nn.Module], dict[str, float]],
    plan: Plan,
    checkpoint: Checkpoint,
    label: str,
) -> dict[str, Any]:
    """Minimise the loss by AdamW and leave the network with the weights that were best on the validation runs.

    Parameters
    ----------
    network : torch.nn.Module
        On its device, with its first weights.
    batches : Batches
        Training batches.
    loss : callable
        Scalar loss of the network on a batch.
    validate : callable
        Errors of the network by name; their mean selects the weights.
    plan : Plan
        Steps, learning rate, interval.
    checkpoint : Checkpoint
        Written at every interval; where one is found, the training goes on from it with the same bits.
    label : str
        What the progress line calls the training.

    Returns
    -------
    dict
        History, one list per column: ``step``, ``loss`` (mean over the interval), ``learning_rate`` and the errors;
        beside them ``best_step``, and ``seconds_before``, processor time spent before the last interruption.

    Raises
    ------
    TrainingError
        If the loss or an error is no longer finite; the last checkpoint is the one before.
    """
    device = next(network.parameters()).device
    optimiser = AdamW(network.parameters(), plan.weight_decay)
    state: dict[str, Any] = {"step": 0, "best": math.inf, "best_step": 0, "seconds": 0.0, "history": {}}
    best: dict[str, Tensor] = {}
    found = checkpoint.load()
    if found is not None:
        tensors, state = found
        network.load_state_dict(_part(tensors, "network."))
        best = {key: value.to(device) for key, value in _part(tensors, "best.").items()}
        optimiser.load_state_dict(_part(tensors, "optimiser."))
        batches.load_state_dict(state["batches"])
        restore_random_state(tensors, device)
    before = state["seconds"]
    start = time.process_time() - before
    since: list[Tensor] = []
    for step in progress(range(state["step"], plan.steps), label, interval=math.inf):
        rate = learning_rate(step, plan.steps, plan.learning_rate)
        network.zero_grad()
        value = loss(network, next(batches))
        value.backward()
        optimiser.step(rate)
        since.append(value.detach())
        if (step + 1) % plan.interval and step + 1 < plan.steps:
            continue
        mean_loss = torch.stack(since).mean().item()
        since.clear()
        errors = validate(network)
        score = sum(errors.values()) / len(errors)
        if not (math.isfinite(mean_loss) and math.isfinite(score)):
            raise TrainingError(
                f"{label} diverged before step {step + 1}: loss {mean_loss}, validation error {score}.",
                f"lower the learning rate (now {plan.learning_rate:g}) or look for absurd runs in the dataset.",
            )
        if score < state["best"]:
            best = {key: value.detach().clone() for key, value in network.state_dict().items()}
            state |= {"best": score, "best_step": step + 1}
        row = {"step": step + 1, "loss": mean_loss, "learning_rate": rate, **errors}
        for key, number in row.items():
            state["history"].setdefault(key, []).append(number)
        state |= {"step": step + 1, "seconds": time.process_time() - start, "batches": batches.state_dict()}
        checkpoint.save(
            {
                **{f"network.{key}": value for key, value in network.state_dict().items()},
                **{f"best.{key}": value for key, value in best.items()},
                **{f"optimiser.{key}": value for key, value in optimiser.state_dict().items()},
                **random_state(device),
            },
            state,
        )
        _report(label, row, plan.steps, state)
    network.load_state_dict(best)
    return {**state["history"], "best_step": state["best_step"], "seconds_before": before}


def _report(label: str, row: dict[str, float], steps: int, state: dict[str, Any]) -> None:
    errors = ", ".join(f"{key} {value:.4g}" for key, value in row.items() if key not in ("step", "learning_rate"))
    line = f"{label}: step {row['step']} of {steps}, {errors} (best {state['best_step']}), {state['seconds']:.0f} CPU-s"
    if not sys.stderr.isatty():  # a terminal shows the bar instead
        print(line, file=sys.stderr, flush=True)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
