"""Training of a network on a dataset: prepare the guess and the scales, then the training loop."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from surecast.assemble.reader import BatchReader
from surecast.study import digest
from surecast.study.code import code_digest
from surecast.study.seeds import integer_seed
from surecast.train.channels import Channels
from surecast.train.checkpoint import Checkpoint
from surecast.train.data import TrainingData, labelled_inputs, stacked
from surecast.train.device import choose_device, same_bits
from surecast.train.fields import grid
from surecast.train.grids import Axis, restrict
from surecast.train.guess import LinearGuess
from surecast.train.loop import Batches, Plan, optimise
from surecast.train.loss import mean_relative_l2, norms, relative_errors
from surecast.train.network import NetworkSurrogate, Predictor, build
from surecast.train.network_settings import NetworkSettings
from surecast.train.online.batches import OnlineBatches
from surecast.train.online.fresh_runs import FreshRuns

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

SMALLEST_NORM = 1e-6
"""A field smaller than this share of the usual norm counts with that share: no run's relative error is infinite."""


def fit_network(
    settings: NetworkSettings, study: Study, name: str, manifest: Path, seed: int, checkpoints: Path
) -> NetworkSurrogate:
    """Train a network; see `SurrogateSettings.fit`."""
    with same_bits():
        data = TrainingData(study, manifest)
        fields = data.chosen(settings.fields, data.field_outputs(), "field output")
        unknown = [key for key in settings.weights if key not in fields]
        if unknown:
            data.chosen(unknown, fields, "field to learn")
        axes = grid(data, fields, settings.cells)
        channels = Channels.of_dataset(data, fields, axes)
        guess = _guess(data, fields, channels)
        scale, usual = _scales(data, fields, channels, guess)
        device = choose_device(study.training.device)
        first = integer_seed(study.seed, "train", name, seed)
        network = build(settings, channels, len(fields), first)
        predictor = Predictor(network.to(device), channels, guess, scale)
        training = study.training
        batch = settings.batch or training.batch
        plan = Plan(
            steps=settings.steps or training.steps,
            learning_rate=settings.learning_rate or training.learning_rate or settings.usual_learning_rate,
            weight_decay=settings.weight_decay,
            interval=training.interval,
        )
        identity = {
            "surrogate": [study.surrogates[name].kind, settings.settings(), fields],
            "plan": [plan.steps, plan.learning_rate, plan.weight_decay, plan.interval, batch],
            "seed": first,
            "dataset": data.manifest["digest"],
            "code": code_digest([f"{type(settings).__module__}:{type(settings).__name__}", __name__], study.folder),
            "torch": [torch.__version__, device.type],
        }
        if settings.online is not None:
            targets = study.build_simulator().code_targets()
            identity["simulator"] = [study.simulator.kind, study.build_simulator().settings()]
            identity["simulator code"] = code_digest(targets, study.folder)
        weights = np.array([settings.weights.get(field, 1.0) for field in fields])
        with _batches(settings, study, manifest, fields, batch, plan.steps, seed, first) as batches:
            history = optimise(
                network,
                batches,
                _Loss(predictor, fields, SMALLEST_NORM * usual, weights / weights.sum(), device),
                _validation(data, fields, predictor),
                plan,
                Checkpoint(checkpoints, digest.of_json(identity)),
                f"{name}, seed {seed}",
            )
    network.cpu().eval()
    surrogate = NetworkSurrogate(study, name, settings, fields, predictor)
    surrogate.history = _history(history, fields)
    if isinstance(batches, OnlineBatches):
        surrogate.history = surrogate.history.assign(_arrivals(batches))
    surrogate.history.attrs["device"] = str(device)
    return surrogate


@contextlib.contextmanager
def _batches(
    settings: NetworkSettings,
    study: Study,
    manifest: Path,
    fields: Sequence[str],
    batch: int,
    steps: int,
    seed: int,
    first: int,
) -> Iterator[Batches]:
    """Shuffled batches of the training split, or of fresh runs, whose processes end with the training."""
    stream = integer_seed(first, "batches")
    online = settings.online
    if online is None:
        yield BatchReader(manifest, [*study.inputs, *fields], split="train", batch=batch, seed=stream)
        return
    log = online.log(study, seed)
    fresh = FreshRuns(study, fields, stream, online.runs, online.workers, online.runs_per_call)
    with contextlib.closing(OnlineBatches(fresh, online, batch, steps, log)) as batches:
        yield batches


def _arrivals(batches: OnlineBatches) -> dict[str, Any]:
    """What a replay needs, and how many of the runs failed."""
    named = {"units": "1", "long_name": "runs that had come before each step"}
    failed = {"units": "1", "long_name": "runs that failed"}
    return {
        "arrived": ("training_step", np.asarray(batches.arrived, dtype=np.int64), named),
        "failed_runs": ((), batches.failed, failed),
    }


def _guess(data: TrainingData, fields: Sequence[str], channels: Channels) -> LinearGuess:
    return LinearGuess.fit(
        (sample.scalars, restrict(truth, channels.axes) / sample.scales)
        for sample, truth in ((channels(inputs), truth) for inputs, truth in data.blocks(fields, "train"))
    )


def _scales(
    data: TrainingData, fields: Sequence[str], channels: Channels, guess: LinearGuess
) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square of each scaled field's deviation from the guess, and of its norm, over the training runs."""
    deviation, norm, values, runs = np.zeros(len(fields)), np.zeros(len(fields)), 0, 0
    for inputs, truth in data.blocks(fields, "train"):
        sample = channels(inputs)
        own = restrict(truth, channels.axes) / sample.scales
        rest = own - guess(sample.scalars)
        deviation += (rest**2).sum(axis=(0, *range(2, rest.ndim)))
        norm += (own.astype(np.float64) ** 2).sum(axis=(0, *range(2, own.ndim)))
        values, runs = values + rest[:, 0].size, runs + len(rest)
    scale = np.sqrt(deviation / values)
    return np.where(scale > 0, scale, 1.0), np.sqrt(norm / runs)


class _Loss:
    """Weighted relative L2 errors on the network's own grid, for a batch of the dataset."""

    def __init__(
        self, predictor: Predictor, fields: Sequence[str], floor: np.ndarray, weights: np.ndarray, device: torch.device
    ) -> None:
        self.predictor, self.fields, self.floor, self.device = predictor, fields, floor, device
        self.axes: tuple[Axis, ...] = predictor.channels.axes
        self.weights = torch.tensor(weights, dtype=torch.float32, device=device)

    def __call__(self, network: nn.Module, batch: Mapping[str, np.ndarray]) -> Tensor:
        channels = self.predictor.channels
        sample = channels(labelled_inputs(channels.law, batch))
        truth = (restrict(stacked(batch, self.fields), self.axes) / sample.scales).astype(np.float32)
        rest = truth - self.predictor.guess(sample.scalars)
        predicted = self.predictor.deviation(torch.from_numpy(sample.channels).to(self.device))
        errors = relative_errors(
            predicted,
            torch.from_numpy(rest).to(self.device),
            torch.from_numpy(norms(truth, self.floor)).to(self.device),
        )
        return (errors * self.weights).sum(dim=1).mean()


def _validation(data: TrainingData, fields: Sequence[str], predictor: Predictor) -> Any:
    """Mean relative L2 error of each field on the dataset's grid, over the validation runs."""
    total = len(data.runs("validation"))

    def errors(network: nn.Module) -> dict[str, float]:
        # Read anew each time: validation runs do not have to fit into memory.
        mean = np.zeros(len(fields))
        for inputs, truth in data.blocks(fields, "validation"):
            mean += mean_relative_l2(predictor(inputs), truth) * (len(truth) / total)
        return dict(zip(fields, mean.tolist(), strict=True))

    return errors


def _history(history: dict[str, Any], fields: Sequence[str]) -> xr.Dataset:
    import xarray as xr

    history = copy.copy(history)
    attributes = {key: history.pop(key) for key in ("best_step", "seconds_before")}
    names = {"loss": "training loss, mean over the interval", "learning_rate": "learning rate"}
    variables = {
        key: (
            "step",
            np.asarray(values),
            {"units": "1", "long_name": names.get(key, f"validation error of {key}")},
        )
        for key, values in history.items()
        if key != "step"
    }
    steps = ("step", np.asarray(history["step"], dtype=np.int64), {"units": "1", "long_name": "steps taken"})
    return xr.Dataset(variables, {"step": steps}, attributes)
