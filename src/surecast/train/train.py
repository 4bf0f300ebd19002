"""One training: one surrogate of a study with one seed, from the dataset to its files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.study.errors import TrainingError
from surecast.study.files import read_json, write_dataset
from surecast.train.online.settings import fresh_runs
from surecast.train.surrogate import Surrogate, history_path

if TYPE_CHECKING:
    from surecast.study.model import Study


def train(
    study: Study,
    name: str,
    seed: int,
    manifest: str | Path,
    output: str | Path,
    checkpoints: str | Path,
    threads: int | None = None,
) -> Surrogate:
    """Train a surrogate and write it; killed at any moment and called again, it ends with the same bytes.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        Name of the surrogate in the study.
    seed : int
        Seed of the training, one of ``study.build_surrogate(name).seeds(study)``.
    manifest : str or Path
        ``dataset.json``.
    output : str or Path
        ``seed<k>.json``; weights and history are written beside it.
    checkpoints : str or Path
        Folder for checkpoints of this study; emptied of this training's when it has ended.
    threads : int, optional
        Processes with one thread each that it may have; default: as many as the study says. One of them trains, the
        others simulate fresh runs, if it learns from such. No number depends on it.

    Raises
    ------
    TrainingError
        If the seed is none of the study's, the data do not suit the surrogate or the training diverges;
        nothing is written then.
    """
    settings = study.build_surrogate(name)
    online = fresh_runs(study, name)
    if online is not None and threads is not None and threads <= online.workers:
        fewer = online.model_copy(update={"workers": threads - 1})
        settings = settings.model_copy(update={"online": fewer})
    if seed not in settings.seeds(study):
        raise TrainingError(
            f"The study trains {name!r} with the seeds {settings.seeds(study)}, not {seed}.",
            "add the seed to training.seeds.",
        )
    folder = Path(checkpoints) / name / f"seed{seed}"
    start = _processor_seconds()
    surrogate: Surrogate = settings.fit(study, name, manifest, seed, folder)
    if surrogate.history is None:
        raise TrainingError(f"The surrogate {name!r} gives no history.", "set `history` in its fit method.")
    history = surrogate.history
    # A training that was taken up again counts the time before the interruption too.
    history.attrs["training_cpu_seconds"] = history.attrs.pop("seconds_before", 0.0) + _processor_seconds() - start
    history.attrs |= {"surrogate": name, "seed": seed}
    write_dataset(history_path(output), history)
    surrogate.save(output, seed=seed, dataset=read_json(manifest)["digest"])
    shutil.rmtree(folder, ignore_errors=True)
    return surrogate


def _processor_seconds() -> float:
    """Processor time of this process and of those that it has started and that have ended."""
    return sum(os.times()[:4])
