"""Deterministic algorithms on one thread inside, what was set before outside."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from surecast.study.errors import TrainingError
from surecast.train.device import choose_device, same_bits


@pytest.mark.parametrize("before", ["default", "warn", "error"])
def test_settings_hold_inside_and_come_back(before):
    held = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(before)
    level = torch.get_deterministic_debug_mode()
    try:
        with same_bits():
            assert torch.are_deterministic_algorithms_enabled()
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
            assert torch.get_num_threads() == 1
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_deterministic_debug_mode() == level
    finally:
        torch.set_deterministic_debug_mode(held)


def test_predictions_do_not_load_the_compiler():
    """`torch._dynamo` takes a second, in every job that predicts."""
    code = (
        "import sys\nfrom surecast.train.device import same_bits\n"
        "with same_bits(): pass\nprint('torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_device_that_is_not_there_is_refused():
    missing = "cuda" if not torch.cuda.is_available() else "mps"
    with pytest.raises(TrainingError, match="which this machine does not have"):
        choose_device(missing)
    assert choose_device("auto").type in ("cpu", "cuda")
