"""Tests run as jobs do: one thread a process. Two workers with two threads each would wait for each other."""

import os

# Before NumPy is imported, which reads it then (zarr's plugin for pytest imports it, and is left out).
os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
)


def pytest_collection_modifyitems(items: list) -> None:
    """The workflow's files first: each takes minutes, and started last one of them would keep a single worker busy."""
    items.sort(key=lambda item: "workflow" not in item.path.parts)
