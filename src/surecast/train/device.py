"""Where networks are trained, and how their numbers are kept the same from one time to the next."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch

from surecast.study.errors import TrainingError


def choose_device(name: str) -> torch.device:
    """The device that ``training.device`` names: ``auto`` is a GPU of CUDA where there is one, else the processor.

    Raises
    ------
    TrainingError
        If a device is named that this machine does not have.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(name, False):
        raise TrainingError(f"training.device is {name!r}, which this machine does not have.", "set it to auto.")
    return torch.device(name)


@contextlib.contextmanager
def same_bits() -> Iterator[None]:
    """Deterministic algorithms on one processor thread, as sums depend on how many threads share them.

    What was set before comes back at the end. In single precision throughout: no TF32 on a GPU.
    """
    # Read by cuBLAS when its first handle is made; without it a deterministic product raises an error.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads = torch.get_num_threads()
    strictness = torch.get_deterministic_debug_mode()
    precision = torch.get_float32_matmul_precision()
    tuned = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32
    torch.set_num_threads(1)
    # Not use_deterministic_algorithms, which also tells torch's compiler and takes a second to import it.
    torch.set_deterministic_debug_mode("error")
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(strictness)
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32 = tuned
