"""The loss of networks: weighted relative L2 errors of the fields, mean over runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def relative_errors(deviation: Tensor, error: Tensor, truth_norm: Tensor) -> Tensor:
    """||u - v|| / ||v|| of each run and field, v the truth, over space.

    Parameters
    ----------
    deviation, error
        Predicted and true deviation from the guess, (batch, field, [y,] x); the guess cancels from u - v.
    truth_norm : torch.Tensor
        ||v||, (batch, field).
    """
    difference = (deviation - error).flatten(2)
    # The square root has no gradient at zero; the small number is far below single precision of a field's norm.
    return torch.sqrt(difference.square().sum(dim=2) + 1e-24) / truth_norm


def norms(fields: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """L2 norm of each run's field over space, float32 (run, field), at least `floor` (field,)."""
    flat = fields.reshape(*fields.shape[:2], -1).astype(np.float64)
    return np.maximum(np.sqrt((flat**2).sum(axis=2)), floor).astype(np.float32)


def mean_relative_l2(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Relative L2 error per run over space, then the mean over runs, for each field: (run, field, ...) -> (field,)."""
    difference = (predicted.astype(np.float64) - truth).reshape(*truth.shape[:2], -1)
    size = truth.astype(np.float64).reshape(*truth.shape[:2], -1)
    return np.asarray((np.sqrt((difference**2).sum(axis=2)) / np.sqrt((size**2).sum(axis=2))).mean(axis=0))
