"""Validate a study and print what running it means: runs, parts, trainings, questions, disk, time, what is there."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.cli.jobs import seeded
from surecast.cli.pilot import LONG, RUNS, Cost, time_runs, time_trainings
from surecast.cli.plan import STAGES, Plan
from surecast.cli.repository import config_dir, plan_here

if TYPE_CHECKING:
    from surecast.study.model import Study

PART_SECONDS = 60.0
"""How long a part should take: long against the start of a job, short against what a kill loses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast check`."""
    parser.add_argument("study", help="name or path of the study file")
    parser.add_argument("--no-pilot", action="store_true", help="do not time a few runs and steps of training")


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
    for line in _what(study, plan):
        print(line, flush=True)
    if not options.no_pilot:
        cost = time_runs(study)
        for line in [*_cost(study, plan, cost), *_trainings(study, cost)]:
            print(line, flush=True)
    for line in [*_last_time(plan), *_there(plan)]:
        print(line)
    return 0


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


def _cost(study: Study, plan: Plan, cost: Cost) -> list[str]:
    design = study.build_design()
    runs = design.train + design.validation + design.test
    asked = sum(_budget(study, name) for name in plan.questions)
    part = min(max(1, round(PART_SECONDS / cost.seconds)), design.train)
    note = "" if part / 4 <= design.runs_per_part <= 4 * part else f" (now {design.runs_per_part})"
    # Outputs lie in the store, in the parts and in the dataset; of a question's runs the scalars lie in the store.
    disk = 3 * runs * cost.all_bytes + asked * (cost.scalar_bytes + 200)
    return [
        f"  part size    {part} runs suggested{note}: {cost.seconds:.3g} s a run here, parts of about a minute",
        f"  disk         about {_bytes(disk)} at most, before compression",
        f"  simulating   about {_time(runs * cost.seconds)} on one core",
        f"  questions    at most {asked} runs, about {_time(asked * cost.seconds)} on one core",
    ]


def _trainings(study: Study, cost: Cost) -> list[str]:
    """Time of the networks' trainings; what a deterministic fit takes grows too unevenly to be foretold."""
    networks = [name for name in study.surrogates if seeded(study, name)]
    if not networks or cost.seconds * RUNS > LONG:
        return []
    lines = []
    for name, seconds in time_trainings(study, networks).items():
        seeds = len(study.build_surrogate(name).seeds(study))
        told = f"about {_time(seconds)}" if seconds >= 1 else "under a second"  # less than what timing can tell apart
        lines.append(f"  training     {name}: {told} a seed on one core, {seeds} of them")
    return lines


def _last_time(plan: Plan) -> list[str]:
    return [f"  {stage:12s} took {_time(seconds)} here the last time" for stage, seconds in measured(plan).items()]


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
    units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.3g} {units[0]}"
