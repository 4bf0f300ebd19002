"""AdamW against torch's own class, bit for bit, and without what that class imports."""

import subprocess
import sys

import torch
from torch import Tensor, nn

from surecast.train.adamw import AdamW


def network() -> nn.Module:
    torch.manual_seed(3)
    made = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    made.register_parameter("spectrum", nn.Parameter(torch.randn(3, dtype=torch.complex64)))
    made.register_parameter("idle", nn.Parameter(torch.ones(2)))
    return made


def loss(network: nn.Module, step: int) -> Tensor:
    inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
    return network(inputs).square().mean() + (network.spectrum.abs() ** 3).sum()


def test_same_bits_as_the_class_of_torch():
    ours, theirs = network(), network()
    own = AdamW(ours.parameters(), weight_decay=0.1)
    other = torch.optim.AdamW(theirs.parameters(), weight_decay=0.1)
    for step in range(30):
        rate = 0.01 / (1 + step)
        other.param_groups[0]["lr"] = rate
        other.zero_grad()
        loss(theirs, step).backward()
        other.step()
        ours.zero_grad()
        loss(ours, step).backward()
        own.step(rate)
        if step == 12:  # as after an interruption
            state = {key: value.clone() for key, value in own.state_dict().items()}
            own = AdamW(ours.parameters(), weight_decay=0.1)
            own.load_state_dict(state)
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name
    assert torch.equal(ours.idle, torch.ones(2))


def test_the_compiler_is_not_imported():
    code = (
        "import sys, torch\n"
        "from surecast.train.adamw import AdamW\n"
        "w = torch.nn.Parameter(torch.ones(2))\n"
        "w.square().sum().backward()\n"
        "AdamW([w], 0.0).step(0.1)\n"
        "sys.exit('torch._dynamo' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
