"""Validate a study and print what running it means: runs, parts, trainings, questions, disk, time, what is there."""

from __future__ import annotations

import argparse
import math
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.cli.plan import STAGES, Plan
from surecast.cli.repository import config_dir, plan_here

if TYPE_CHECKING:
    from surecast.study.model import Study

PART_SECONDS = 60.0
"""How long a part should take: long against the start of a job, short against what a kill loses."""
PILOT_RUNS = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast check`."""
    parser.add_argument("study", help="name or path of the study file")
    parser.add_argument("--no-pilot", action="store_true", help="do not time the simulator on a few runs")


def run(options: argparse.Namespace) -> int:
    """Print the plan of a study.

    Raises
    ------
    StudyError
        If the study is wrong, with every error found; nothing is written then.
    """
    from surecast.study.load import find_study, load_study

    if platform.system() == "Windows":
        print("Note: on Windows, Snakemake and surecast run through WSL only.")
    plan = plan_here(options.study)
    study = load_study(find_study(options.study, config_dir()).resolve())
    cost = None if options.no_pilot else pilot(study)
    for line in [*_what(study, plan), *_cost(study, plan, cost), *_there(plan)]:
        print(line)
    return 0


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


def pilot(study: Study) -> Cost:
    """Time the simulator on a few runs of the test split; nothing is kept.

    Raises
    ------
    SimulationError
        If the simulator cannot be run at all.
    """
    import numpy as np

    from surecast.simulate.truth import Truth
    from surecast.study import seeds

    law = study.joint_law()
    inputs = law.from_uniform(seeds.generator(study.seed, "pilot").random((PILOT_RUNS, law.dimension)))
    inputs = inputs.assign(seed=("run", np.arange(PILOT_RUNS, dtype=np.int64)))
    truth = Truth(study)
    truth(inputs.isel(run=slice(0, 1)))  # the first call imports and sets up
    start = time.perf_counter()
    made = truth(inputs.isel(run=slice(0, 1)))
    single = time.perf_counter() - start
    runs = 1
    if single * PILOT_RUNS < 20.0:
        start = time.perf_counter()
        made = truth(inputs)
        single, runs = (time.perf_counter() - start) / PILOT_RUNS, PILOT_RUNS
    outputs = [made[name] for name in study.outputs]
    return Cost(
        seconds=single,
        all_bytes=sum(output.nbytes for output in outputs) / runs,
        scalar_bytes=sum(output.nbytes for output in outputs if output.ndim == 1) / runs,
    )


def _what(study: Study, plan: Plan) -> list[str]:
    design = study.build_design()
    counts = {split: getattr(design, split) for split in ("train", "validation", "test")}
    lines = [
        f"{study.name}: {study.title}".rstrip(": "),
        f"  file         {plan.file}",
        f"  simulator    {study.simulator.kind}, inputs {', '.join(study.inputs)} "
        f"({study.joint_law().dimension} dimensions), outputs {', '.join(study.outputs)}",
        f"  runs         {sum(counts.values())}: " + ", ".join(f"{count} {split}" for split, count in counts.items()),
        f"  parts        {len(plan.parts)} of up to {design.runs_per_part} runs",
    ]
    trainings = [
        f"{name} ({study.surrogates[name].kind}, {len(seeds)} seed{'s'[: len(seeds) != 1]})"
        for name, seeds in plan.surrogates.items()
    ]
    lines.append(f"  trainings    {sum(map(len, plan.surrogates.values()))}: {', '.join(trainings) or 'none'}")
    for name, needed in plan.questions.items():
        question = study.build_question(name)
        helped = f", helped by {' or '.join(needed)}" if needed else ""
        lines.append(f"  question     {name}: {study.questions[name].kind}, {_budget(study, name)} runs{helped}")
        if question.tolerance is not None:
            lines[-1] += f", tolerance {question.tolerance:g}"
    return lines


def _budget(study: Study, question: str) -> int:
    """Largest number of simulator runs that a question may make: its runs for every estimator."""
    component = study.build_question(question)
    return int(component.runs) * max(1, len(component.estimators))


def _cost(study: Study, plan: Plan, cost: Cost | None) -> list[str]:
    design = study.build_design()
    runs = design.train + design.validation + design.test
    asked = sum(_budget(study, name) for name in plan.questions)
    lines = []
    if cost is not None:
        part = min(max(1, round(PART_SECONDS / cost.seconds)), design.train)
        note = "" if part / 4 <= design.runs_per_part <= 4 * part else f" (now {design.runs_per_part})"
        # Outputs lie in the store, in the parts and in the dataset; questions keep scalars in the store.
        disk = 3 * runs * cost.all_bytes + asked * (cost.scalar_bytes + 200)
        lines += [
            f"  part size    {part} runs suggested{note}: {cost.seconds:.3g} s a run here, parts of about a minute",
            f"  disk         about {_bytes(disk)} at most, before compression",
            f"  simulating   about {_time(runs * cost.seconds)} on one core",
            f"  questions    at most {asked} runs, about {_time(asked * cost.seconds)} on one core",
        ]
    for stage, seconds in measured(plan).items():
        lines.append(f"  {stage:12s} took {_time(seconds)} here the last time")
    if plan.surrogates and "train" not in measured(plan):
        lines.append("  training     its time is known once one step of it has been logged: see the log of `train`")
    return lines


def measured(plan: Plan) -> dict[str, float]:
    """Seconds that each stage took the last time, summed over its jobs, from Snakemake's benchmark files."""
    found: dict[str, float] = {}
    for stage in STAGES:
        folder = plan.paths.benchmarks
        for path in sorted([*folder.glob(f"{stage}.tsv"), *folder.glob(f"{stage}/*.tsv")]):
            rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
            if len(rows) > 1 and rows[0][0] == "s":
                found[stage] = found.get(stage, 0.0) + float(rows[1][0])
    return found


def _there(plan: Plan) -> list[str]:
    """How many of the files of each stage exist."""
    paths = plan.paths
    files: dict[str, list[Path]] = {
        "design": [paths.design],
        "simulate": [paths.part(part) for part in plan.parts],
        "assemble": [paths.manifest],
        "train": [path for name in plan.surrogates for path in plan.trained(name)],
        "evaluate": [paths.scores(name) for name in plan.surrogates],
        "quantify": [paths.estimate(name) for name in plan.questions],
        "report": [paths.report],
    }
    there = {stage: sum(path.is_file() for path in expected) for stage, expected in files.items()}
    if not any(there.values()):
        return [f"  there        nothing yet in {paths.root}/"]
    told = [f"{stage} {there[stage]} of {len(expected)}" for stage, expected in files.items() if expected]
    return ["  there        " + ", ".join(told)]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _bytes(size: float) -> str:
    power = min(int(math.log(max(size, 1), 1024)), 4)
    return f"{size / 1024**power:.3g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"
