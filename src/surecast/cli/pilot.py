"""What a study costs on this machine, by timing a little of it: a few runs, a few steps of each network."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    from surecast.study.model import Study

RUNS = 32
LONG = 20.0
"""Seconds of simulation that a pilot may take; a slower simulator is timed by fewer runs."""
LEAST_RUNS = 2
"""Runs that a pilot makes at least: the first one imports and sets up."""
GROWTH = 4
FEW, MORE = 3, 13
"""Steps of the two trainings whose difference is timed: what a training needs before its first step cancels."""


@dataclass(frozen=True)
class Cost:
    """What a run of the simulator costs here.

    Attributes
    ----------
    seconds : float
        Time of a run in a batch.
    all_bytes, scalar_bytes : float
        Size of a run's outputs, and of those that are scalars.
    """

    seconds: float
    all_bytes: float
    scalar_bytes: float


def time_runs(study: Study) -> Cost:
    """Time the simulator on a few random inputs; nothing is kept.

    Raises
    ------
    SimulationError
        If the simulator cannot be run at all, or every run fails before it shows the fields that it makes.
    """
    import numpy as np

    from surecast.simulate.truth import Truth
    from surecast.study import seeds

    law = study.joint_law()
    inputs = law.from_uniform(seeds.generator(study.seed, "pilot").random((RUNS, law.dimension)))
    inputs = inputs.assign(seed=("run", np.arange(RUNS, dtype=np.int64)))
    truth = Truth(study)
    truth(inputs.isel(run=slice(0, 1)))  # the first call imports and sets up
    runs = 1
    seconds, made = _timed(truth, inputs.isel(run=slice(0, 1)))
    spent = seconds
    # Simulators that work in batches take as long for one run as for many: grow as long as a linear cost may be borne.
    while runs < RUNS and spent + GROWTH * seconds < LONG:
        runs = min(GROWTH * runs, RUNS)
        seconds, made = _timed(truth, inputs.isel(run=slice(0, runs)))
        spent += seconds
    if any(name not in made for name in study.outputs):
        raise SimulationError(
            f"every one of {runs} runs failed; the first said: {made['message'].values[0]}",
            "run the simulator on one of these inputs by hand.",
        )
    outputs = [made[name] for name in study.outputs]
    return Cost(
        seconds=seconds / runs,
        all_bytes=sum(output.nbytes for output in outputs) / runs,
        scalar_bytes=sum(output.nbytes for output in outputs if output.ndim == 1) / runs,
    )


def time_trainings(study: Study, names: list[str]) -> dict[str, float]:
    """Seconds that one training of each network takes here, from a few steps on a small dataset of the study.

    Raises
    ------
    SurecastError
        If the simulator, the assembly or a training cannot be run at all.
    """
    from surecast.assemble.dataset import assemble
    from surecast.design.make import make_design
    from surecast.design.parts import parts
    from surecast.simulate.part import simulate_part
    from surecast.study.files import write_dataset
    from surecast.study.paths import Paths
    from surecast.train.train import train

    found = {}
    silent = contextlib.redirect_stderr(io.StringIO())  # the progress of the trainings means nothing here
    with tempfile.TemporaryDirectory(prefix="surecast-pilot-") as folder, silent:
        few = _shortened(study, FEW)
        paths = Paths(study.name, folder)
        write_dataset(paths.design, make_design(few))
        every = [part.name for part in parts(few.build_design())]
        for part in every:
            simulate_part(few, part, paths.design, paths.part(part), paths.store)
        assemble(few, paths.design, [paths.part(part) for part in every], paths.dataset, paths.manifest)
        more = _shortened(study, MORE)
        for name in names:
            seed = study.build_surrogate(name).seeds(study)[0]
            seconds = []
            for shortened in (few, few, more):  # the first one imports torch
                output = paths.surrogate(name, seed)
                start = time.perf_counter()
                train(shortened, name, seed, paths.manifest, output, Path(folder, "checkpoints"))
                seconds.append(time.perf_counter() - start)
            step = max(0.0, seconds[2] - seconds[1]) / (MORE - FEW)
            found[name] = step * (study.build_surrogate(name).settings().get("steps") or study.training.steps)
    return found


def _shortened(study: Study, steps: int) -> Study:
    """The study with a small design of random runs and that many steps a training."""
    content = study.model_dump(mode="json")
    batch = max([study.training.batch, *(int(spec.get("batch") or 0) for spec in content["surrogates"].values())])
    content["design"] = {"kind": "monte_carlo", "train": 2 * batch, "validation": 20, "test": 8}
    content["dataset"]["refined_runs"] = 0
    content["training"] |= {"steps": steps, "interval": MORE}
    for spec in content["surrogates"].values():
        if spec.get("steps"):
            spec["steps"] = steps
        spec.pop("online", None)  # the runs are counted with all others
    return type(study).from_content(content, study.file)


def _timed(call: Any, argument: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call(argument)
    return time.perf_counter() - start, result
