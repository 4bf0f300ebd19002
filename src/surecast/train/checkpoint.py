"""Checkpoints of a training: everything it needs to go on bit for bit, in one file that is moved into place.

One safetensors file holds the arrays (weights, the best weights so far, the optimiser's moments, the state of the
random generators); its header holds the rest as JSON (step, best error, position of the sampler, history, seconds),
the identity of the training and a digest. The learning rate is a function of the step alone, so the step is all
the schedule has to remember.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from surecast.study import digest
from surecast.study.files import written_aside

FILE = "checkpoint.safetensors"


class Checkpoint:
    """One training's checkpoint.

    Parameters
    ----------
    folder : Path
        Where it lies; outside every declared output, as those are deleted before a job starts.
    identity : str
        Digest of all that decides the training. A checkpoint of another identity is never used.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.path, self.identity = folder / FILE, identity

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write everything in one move: a kill leaves either the checkpoint before or this one."""
        from safetensors.torch import save_file

        tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        header = {"identity": self.identity, "state": json.dumps(state), "digest": _digest(tensors, state)}
        with written_aside(self.path) as aside:
            save_file(tensors, aside, metadata=header)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved, or None where the training has to start at its first step.

        A checkpoint that is damaged or belongs to other settings is set aside with a line on standard error:
        the training starts again and ends with the same numbers.
        """
        if not self.path.exists():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            state = json.loads(header["state"])
            if header["digest"] != _digest(tensors, state):
                reason = "has changed since it was written"
            elif header["identity"] != self.identity:
                reason = "belongs to other settings, data or code"
            else:
                return tensors, state
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            reason = f"cannot be read ({error})"
        print(f"{self.path}: this checkpoint {reason}; the training starts at its first step.", file=sys.stderr)
        self.path.unlink()
        return None


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of torch's random generators."""
    states = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["random.cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_state(tensors: dict[str, Tensor], device: torch.device) -> None:
    """Put torch's random generators where `random_state` found them."""
    torch.set_rng_state(tensors["random.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], device)


def _digest(tensors: dict[str, Tensor], state: dict[str, Any]) -> str:
    return digest.of_json([state, {key: digest.of_array(value.numpy()) for key, value in tensors.items()}])
