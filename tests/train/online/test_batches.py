"""Batches of fresh runs, of a function whose answer is known, of a small dataset beside it, and whole trainings."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surecast.study.errors import DataError, SimulationError, StudyError, TrainingError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.model import Study
from surecast.train.online.batches import OnlineBatches
from surecast.train.online.fresh_runs import FreshRuns
from surecast.train.online.settings import Online
from surecast.train.train import train

MODEL = '''
import numpy as np
import xarray as xr

def wave(inputs):
    """A field and nothing else; no answer above y = 0.9."""
    points = xr.DataArray(np.linspace(0, 1, 8), dims="x", attrs={"units": "m"})
    field = np.sin(points + inputs["phase"]) * inputs["height"]
    field = field.where(inputs["height"] <= 0.9).transpose("run", "x")
    return xr.Dataset({"field": field.assign_attrs(units="1")}, {"x": points})
'''
CONTENT = {
    "seed": 5,
    "simulator": {"kind": "model:wave"},
    "inputs": {
        "phase": {"kind": "uniform", "low": 0.0, "high": 1.0, "units": "1"},
        "height": {"kind": "uniform", "low": 0.1, "high": 0.85, "units": "1"},
    },
    "outputs": {"field": {"kind": "variable", "dims": ["x"], "units": "1"}},
    "design": {"kind": "monte_carlo", "train": 8, "validation": 4, "test": 4},
    "surrogates": {"net": {"kind": "fno", "cells": 8, "width": 2, "modes": 2, "layers": 1}},
    "training": {"steps": 60, "batch": 4, "seeds": [0]},
}


def study(folder: Path, **online: Any) -> Study:
    (folder / "model.py").write_text(MODEL)
    content: dict[str, Any] = copy.deepcopy(CONTENT)
    highest = online.pop("highest", 0.85)
    content["inputs"]["height"]["high"] = highest
    content["failures"] = {"max_share": online.pop("max_share", 0.1)}
    content["surrogates"]["net"]["online"] = {"runs": 100, "capacity": 16, "workers": 0, **online}
    return Study.from_content(content, folder / "wave.yaml")


def batches(
    study: Study, steps: int = 60, log: list[int] | None = None, seed: int = 7, **settings: Any
) -> OnlineBatches:
    online = Online(**{"runs": 100, "capacity": 16, "workers": 0, **settings})
    return OnlineBatches(
        FreshRuns(study, ["field"], seed, online.runs, online.workers, online.runs_per_call), online, 4, steps, log
    )


def drawn(made: OnlineBatches, count: int) -> list[np.ndarray]:
    return [next(made)["phase"] for _ in range(count)]


def test_a_batch_holds_the_inputs_and_what_the_simulator_says_of_them(tmp_path: Path) -> None:
    made = batches(study(tmp_path))
    for _ in range(20):
        batch = next(made)
        points = np.linspace(0, 1, 8)
        expected = np.sin(points + batch["phase"][:, None]) * batch["height"][:, None]
        np.testing.assert_allclose(batch["field"], expected, rtol=1e-6)
        assert batch["field"].dtype == np.float32


def test_steady_runs_come_evenly_and_all_of_them(tmp_path: Path) -> None:
    made = batches(study(tmp_path))
    drawn(made, 60)
    assert made.arrived[0] == 4
    assert made.arrived[-1] == 100
    assert set(np.diff(made.arrived)) <= {1, 2}


def test_every_run_is_drawn_from_the_law_of_the_inputs(tmp_path: Path) -> None:
    fresh = FreshRuns(study(tmp_path), ["field"], 11, 2000, 0, 500)
    x = np.array([fresh.take().values["phase"] for _ in range(2000)])
    assert len(set(x.tolist())) == 2000
    # Mean and variance of U(0, 1), five standard errors.
    assert abs(x.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 2000)
    assert abs(x.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / 2000)


def test_processes_give_the_same_runs_in_the_same_order(tmp_path: Path) -> None:
    of = study(tmp_path)
    made = batches(of, workers=2)
    try:
        beside = drawn(made, 60)
    finally:
        made.close()
    for here, there in zip(drawn(batches(of), 60), beside, strict=True):
        np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize(
    ("log", "capacity", "told"),
    [
        ([4] * 59, 16, "59 counts up to 4"),
        ([4] * 59 + [3], 16, "60 counts"),
        ([4] * 59 + [101], 16, "up to 101"),
        ([12] * 60, 8, "run 8 before step 1, where the buffer of 8 runs has no room"),
        ([2] * 60, 16, "2 runs are left for a batch of 4 before step 1"),
    ],
)
def test_a_log_of_another_training_is_refused(log: list[int], capacity: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=told):
        drawn(batches(study(tmp_path), log=log, capacity=capacity, arrivals="free"), 60)


def test_it_goes_on_where_its_state_was_asked_though_no_run_was_kept(tmp_path: Path) -> None:
    of = study(tmp_path)
    made = batches(of)
    drawn(made, 25)
    state = json.loads(json.dumps(made.state_dict()))
    rest = drawn(made, 35)
    again = batches(of)
    again.load_state_dict(state)
    rest_again = drawn(again, 35)
    for first, second in zip(rest, rest_again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert again.arrived == made.arrived


@pytest.mark.parametrize("runs_per_call", [1, 7])
def test_runs_do_not_depend_on_how_many_are_simulated_at_once(runs_per_call: int, tmp_path: Path) -> None:
    of = study(tmp_path)
    for first, second in zip(drawn(batches(of), 20), drawn(batches(of, runs_per_call=runs_per_call), 20), strict=True):
        np.testing.assert_array_equal(first, second)


def test_failed_runs_are_in_no_batch_and_too_many_stop_the_training(tmp_path: Path) -> None:
    of = study(tmp_path, highest=0.95, max_share=0.3)
    made = batches(of)
    for _ in range(60):
        assert np.isfinite(next(made)["field"]).all()
    assert made.failed > 0
    strict = study(tmp_path, highest=0.95, max_share=0.01)
    with pytest.raises(SimulationError, match=r"field is NaN in 8 of 8 places"):
        drawn(batches(strict), 60)


def test_a_queue_that_runs_dry_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"0 runs are left for a batch of 4 before step 26: 100 of 100 have come"):
        drawn(batches(study(tmp_path), buffer="queue"), 60)


@pytest.mark.parametrize(
    ("online", "key", "told"),
    [
        ({"capacity": 3}, "capacity", "3 runs in memory are fewer than the 4"),
        ({"watermark": 20}, "capacity", "16 runs in memory are fewer than the 20"),
        ({"runs": 3}, "runs", "3 runs are fewer than the 4"),
        ({"buffer": "queue"}, "runs", "60 steps with 4 runs each need 240"),
        ({"arrivals": "free"}, "workers", "nothing arrives freely"),
        ({"arrivals": "free", "workers": 1, "replay": ["no.nc"]}, "replay", "there is no file no.nc"),
        ({"arrivals": "free", "workers": 1, "replay": ["a", "b"]}, "replay", "there are 2 histories and 1 trainings"),
        ({"replay": ["model.py"]}, "replay", "steady arrivals need no replay"),
        ({"arrivals": "late"}, "arrivals", "late"),
        ({"run": 5}, "run", "runs"),
    ],
)
def test_settings_that_cannot_be_are_refused(online: dict[str, Any], key: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        study(tmp_path, **online).check()
    text = str(caught.value)
    assert f"surrogates.net.online.{key}" in text
    assert told in text


def test_how_many_processes_simulate_decides_nothing_and_re_makes_nothing(tmp_path: Path) -> None:
    one, three = (study(tmp_path, workers=workers).build_surrogate("net") for workers in (1, 3))
    assert one.settings() == three.settings()
    assert one.settings()["online"]["runs"] == 100


def test_a_history_without_arrivals_is_refused(tmp_path: Path) -> None:
    import xarray as xr

    write_dataset(
        tmp_path / "other.nc", xr.Dataset({"loss": ("step", np.ones(3), {"units": "1", "long_name": "loss"})})
    )
    online = Online(runs=100, arrivals="free", replay=["other.nc"])
    with pytest.raises(DataError, match=r"other\.nc: holds no arrivals"):
        online.log(study(tmp_path), 0)


@pytest.fixture(scope="module")
def trained(burgers: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Study, Path]:
    """The study burgers with a network that learns freely from fresh runs, trained."""
    folder = tmp_path_factory.mktemp("online")
    content = burgers.study.model_dump(mode="json")
    own = {"kind": "fno", "cells": 32, "width": 6, "modes": 4, "layers": 2}
    own["online"] = {"runs": 100, "capacity": 32, "arrivals": "free"}
    content["surrogates"] = {"net": own}
    content["training"] |= {"steps": 30, "interval": 10}
    made = Study.from_content(content, folder / "burgers.yaml")
    train(made, "net", 0, burgers.manifest, folder / "free" / "seed0.json", folder / "checkpoints", threads=2)
    return burgers, made, folder


def test_a_replayed_training_ends_with_the_same_bytes(trained: tuple[Any, Study, Path]) -> None:
    burgers, made, folder = trained
    content = made.model_dump(mode="json")
    content["surrogates"]["net"]["online"] |= {"replay": ["free/seed0.history.nc"], "workers": 1}
    replay = Study.from_content(content, folder / "burgers.yaml")
    train(replay, "net", 0, burgers.manifest, folder / "replayed" / "seed0.json", folder / "checkpoints")
    first, second = ((folder / name / "seed0.safetensors").read_bytes() for name in ("free", "replayed"))
    assert first == second
    free, replayed = (read_dataset(folder / name / "seed0.history.nc") for name in ("free", "replayed"))
    np.testing.assert_array_equal(free["arrived"], replayed["arrived"])
    assert len(set(np.diff(free["arrived"].values).tolist())) > 1  # what the clock decided


def test_interrupted_it_ends_with_the_same_bytes(
    trained: tuple[Any, Study, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from surecast.train.checkpoint import Checkpoint

    burgers, made, folder = trained
    content = made.model_dump(mode="json")
    content["surrogates"]["net"]["online"] = {"runs": 100, "capacity": 32}
    steady = Study.from_content(content, folder / "burgers.yaml")
    train(steady, "net", 0, burgers.manifest, folder / "whole" / "seed0.json", folder / "checkpoints", threads=1)
    save = Checkpoint.save

    def interrupted(self: Checkpoint, tensors: Any, state: Any) -> None:
        save(self, tensors, state)
        if state["step"] == 20:
            raise KeyboardInterrupt

    output = folder / "torn" / "seed0.json"
    monkeypatch.setattr(Checkpoint, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(steady, "net", 0, burgers.manifest, output, folder / "checkpoints", threads=1)
    monkeypatch.undo()
    assert not output.exists()
    train(steady, "net", 0, burgers.manifest, output, folder / "checkpoints", threads=1)
    assert output.with_suffix(".safetensors").read_bytes() == (folder / "whole" / "seed0.safetensors").read_bytes()
