import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from surecast.study.errors import TrainingError
from surecast.train.checkpoint import Checkpoint
from surecast.train.loop import Plan, optimise


class Batches:
    """Noisy samples of a plane, from a generator whose state is the position."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng(7)

    def __next__(self) -> Tensor:
        return torch.from_numpy(self.generator.normal(size=(16, 3)).astype(np.float32))

    def state_dict(self) -> dict[str, Any]:
        return self.generator.bit_generator.state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.generator.bit_generator.state = state


def loss(network: nn.Module, batch: Tensor) -> Tensor:
    noise = 0.1 * torch.randn(16)  # draws from torch's own state, which has to survive too
    return (network(batch)[:, 0] - batch @ torch.tensor([1.0, -2.0, 0.5]) + noise).square().mean()


def validate(network: nn.Module) -> dict[str, float]:
    with torch.no_grad():
        return {"plane": float((network(torch.eye(3))[:, 0] - torch.tensor([1.0, -2.0, 0.5])).abs().mean())}


def run(folder: Path, steps: int = 60, rate: float = 0.05, interval: int = 10) -> tuple[nn.Module, dict[str, Any]]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 1))
    plan = Plan(steps=steps, learning_rate=rate, weight_decay=0.0, interval=interval)
    return network, optimise(network, Batches(), loss, validate, plan, Checkpoint(folder, "identity"), "plane")


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_it_learns(tmp_path: Path) -> None:
    _, history = run(tmp_path, steps=400, interval=50)
    assert history["step"] == list(range(50, 401, 50))
    assert min(history["plane"]) < 0.2 * history["plane"][0]


def test_the_best_weights_on_the_validation_runs_are_kept(tmp_path: Path) -> None:
    network, history = run(tmp_path)
    assert validate(network)["plane"] == min(history["plane"])
    assert history["step"][int(np.argmin(history["plane"]))] == history["best_step"]


@pytest.mark.parametrize("stop", [10, 30, 60])
def test_interrupted_at_an_interval_it_ends_with_the_same_bits(tmp_path: Path, stop: int) -> None:
    whole, history = run(tmp_path / "whole")
    saves = 0

    class Interrupted(Exception):
        pass

    class Interrupting(Checkpoint):
        def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
            nonlocal saves
            super().save(tensors, state)
            saves += 10
            if saves == stop:
                raise Interrupted

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 1))
    plan = Plan(steps=60, learning_rate=0.05, weight_decay=0.0, interval=10)
    with pytest.raises(Interrupted):
        optimise(network, Batches(), loss, validate, plan, Interrupting(tmp_path / "torn", "identity"), "plane")
    again, continued = run(tmp_path / "torn")
    assert same(whole, again)
    for key in ("step", "loss", "plane", "learning_rate", "best_step"):
        assert history[key] == continued[key]


def test_killed_at_any_moment_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    """kill -9 at moments that nothing chooses but the clock, until the training has ended."""
    whole, _ = run(tmp_path / "whole", steps=300, interval=3)
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\nfrom test_loop import run\n"
        "print('ready', flush=True)\n"
        f"run(Path({str(tmp_path / 'killed')!r}), steps=300, interval=3)\n"
        "print('ended', flush=True)\n"
    )
    moments = iter(np.random.default_rng().uniform(0.02, 0.25, size=2))
    kills, ended = 0, False
    while not ended:
        process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        moment = next(moments, None)
        if moment is not None:
            time.sleep(moment)
            process.kill()
            kills += 1
        ended = "ended" in process.communicate()[0]
    assert kills >= 1
    again, _ = run(tmp_path / "killed", steps=300, interval=3)
    assert same(whole, again)


def test_a_training_that_diverges_stops_and_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"diverged before step 10.*lower the learning rate"):
        run(tmp_path, rate=1e30)
    assert not Checkpoint(tmp_path, "identity").path.exists()


def test_a_line_per_interval_goes_to_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("plane: step")]
    assert [line.split()[2] for line in lines] == ["10", "20", "30", "40", "50", "60"]
