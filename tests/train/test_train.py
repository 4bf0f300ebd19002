import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surecast.study.errors import TrainingError
from surecast.study.files import read_json
from surecast.study.model import Study
from surecast.train.surrogate import history_path, weights_path
from surecast.train.train import train


def weights(path: Path) -> str:
    return str(read_json(path)["weights"]["digest"])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(aquifer: Any, tmp_path: Path) -> None:
    for folder, seed in (("first", 0), ("second", 0), ("third", 1)):
        train(aquifer.study, "fno", seed, aquifer.manifest, tmp_path / folder / "seed.json", tmp_path / folder)
    first, second, third = (tmp_path / folder / "seed.json" for folder in ("first", "second", "third"))
    assert first.read_bytes() == second.read_bytes()
    assert weights_path(first).read_bytes() == weights_path(second).read_bytes()
    assert weights(third) != weights(first)


@pytest.mark.parametrize("name", ["gp", "chaos", "pod"])
def test_fits_without_chance_give_the_same_bytes(name: str, aquifer: Any, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        train(aquifer.study, name, 0, aquifer.manifest, tmp_path / folder / "seed0.json", tmp_path / folder)
    assert (tmp_path / "first/seed0.json").read_bytes() == (tmp_path / "second/seed0.json").read_bytes()


@pytest.mark.parametrize(("name", "seed", "seeds"), [("fno", 2, r"\[0, 1\]"), ("gp", 1, r"\[0\]")])
def test_a_seed_that_the_study_does_not_name_is_refused(
    name: str, seed: int, seeds: str, aquifer: Any, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=f"with the seeds {seeds}, not {seed}"):
        train(aquifer.study, name, seed, aquifer.manifest, tmp_path / "seed.json", tmp_path / "checkpoints")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from conftest import AQUIFER
from surecast.study.model import Study
from surecast.train.train import train
study = Study.from_content(AQUIFER | {{"training": {training!r}}}, {file!r})
print("ready", flush=True)
train(study, "fno", 0, {manifest!r}, Path(sys.argv[1]) / "seed0.json", Path(sys.argv[1]) / "checkpoints")
"""


def test_killed_at_any_moment_it_ends_with_the_same_bytes(aquifer: Any, tmp_path: Path) -> None:
    """kill -9 at moments that only the clock chooses, most of them between two checkpoints."""
    script = tmp_path / "script.py"
    file, manifest = str(aquifer.study.file), str(aquifer.manifest)
    content = aquifer.study._source.content
    training = {**content["training"], "steps": 120, "interval": 5}
    tests = str(Path(__file__).parent)
    script.write_text(SCRIPT.format(tests=tests, training=training, file=file, manifest=manifest))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(folder: Path) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), str(folder)]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    study = Study.from_content({**content, "training": training}, file)
    train(study, "fno", 0, manifest, tmp_path / "whole/seed0.json", tmp_path / "whole/checkpoints")
    torn = tmp_path / "torn"
    checkpoint = torn / "checkpoints/fno/seed0/checkpoint.safetensors"
    kills_after_a_checkpoint = 0
    for pause in np.random.default_rng().uniform(0.0, 0.3, size=2):
        process = start(torn)
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
            time.sleep(0.005)  # until this process has written one of its own
        time.sleep(pause)
        process.kill()
        process.communicate()
        kills_after_a_checkpoint += checkpoint.exists()
    assert kills_after_a_checkpoint >= 1
    assert start(torn).wait() == 0
    for part in (Path, weights_path):
        assert part(torn / "seed0.json").read_bytes() == part(tmp_path / "whole/seed0.json").read_bytes()
    assert not checkpoint.exists()
    assert history_path(torn / "seed0.json").exists()
