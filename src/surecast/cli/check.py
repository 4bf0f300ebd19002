"""Validate a study and print what running it means: runs, parts, trainings, questions, disk, time, what is there.

With --simulator, check a simulator on a few runs instead; with --dataset, hold a dataset against what it says.
"""

from __future__ import annotations

import argparse
import math
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.cli import check_simulator
from surecast.cli.jobs import seeded
from surecast.cli.machine import this_machine
from surecast.cli.needs import Needs, budget
from surecast.cli.pilot import LEAST_RUNS, LONG, RUNS, Cost, time_runs, time_trainings
from surecast.cli.plan import STAGES, Plan
from surecast.cli.repository import config_dir, plan_here
from surecast.study.errors import StudyError

if TYPE_CHECKING:
    from surecast.study.model import Study
    from surecast.train.online.settings import Online

PART_SECONDS = 60.0
"""How long a part should take: long against the start of a job, short against what a kill loses."""

FIELD_BYTES = 4
"""Of a value of an input's field in the dataset."""
TRAINED_BYTES = 2**20
"""About what a trained surrogate takes, with its history."""
SHOWN_BYTES = 4 * 2**20
"""About what scores, estimates, figures and the report take together."""
REST = ("design", "assemble", "evaluate", "baselines", "report")
"""Stages whose time is known from the last time alone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast check`."""
    parser.add_argument("study", nargs="?", help="name or path of the study file")
    parser.add_argument("--dataset", metavar="PATH", help="check a dataset: its dataset.json, or the folder of that")
    parser.add_argument("--no-pilot", action="store_true", help="do not time a few runs and steps of training")
    parser.add_argument(
        "--simulator",
        nargs="?",
        const="",
        metavar="module:name",
        help="check the study's simulator, or this one, on a few runs: shapes, units, finite values, repeatability",
    )
    parser.add_argument(
        "--inputs", nargs="+", metavar="LAW", help="laws for --simulator without a study, as 'x=uniform(0, 1)'"
    )
    parser.add_argument("--runs", type=int, default=5, help="runs that --simulator draws (default: 5)")


def run(options: argparse.Namespace) -> int:
    """Print the plan of a study, check a simulator, or say what is wrong with a dataset: 1 if anything is.

    Raises
    ------
    StudyError
        If the study is wrong, with every error found; nothing is written then.
    """
    from surecast.study.load import find_study, load_study

    if options.dataset is not None:
        if options.study is not None or options.simulator is not None:
            raise StudyError(
                "a dataset is checked alone.", "leave the rest out.", key="--dataset", value=options.dataset
            )
        return _dataset(options.dataset)
    if options.simulator is not None:
        return check_simulator.run(options)
    if options.study is None:
        raise StudyError("no study is named.", "write surecast check STUDY, its name or path.", key="study")
    if platform.system() == "Windows":
        print("Note: on Windows, Snakemake and surecast run through WSL only.")
    plan = plan_here(options.study)
    study = load_study(find_study(options.study, config_dir()).resolve())
    for line in _what(study, plan):
        print(line, flush=True)
    for line in _needs(plan.needs):
        print(line, flush=True)
    if plan.needs.minutes * 60 * LEAST_RUNS > LONG:  # too slow to be timed here
        for line in _time_of_runs(study, plan, plan.needs.minutes * 60, "as the study says"):
            print(line, flush=True)
    elif not options.no_pilot:
        cost = time_runs(study)
        for line in _cost(study, plan, cost):
            print(line, flush=True)
        trainings = _training_seconds(study, cost)
        for line in [*_trainings(study, trainings), *_total(study, plan, cost, trainings)]:
            print(line, flush=True)
    for line in [*_last_time(plan), *_there(plan)]:
        print(line)
    return 0


def _dataset(path: str) -> int:
    from surecast.assemble.audit import audit

    found = audit(path)
    print(f"{path}: {found.runs} runs, {found.chunks} chunks of {_bytes(found.bytes)} in all read")
    for label, sentences in (("fault", found.faults), ("remark", found.remarks)):
        for sentence in sentences:
            print(f"  {label:12s} {sentence}")
    print(f"  in all       {len(found.faults)} faults, {len(found.remarks)} remarks")
    return 1 if found.faults else 0


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
    for name, online in _fresh(study).items():
        each = " for each seed" if len(plan.surrogates[name]) > 1 else ""
        lines.append(f"  fresh runs   {name}: {online.runs}{each}, simulated meanwhile, at most {online.capacity} kept")
    for name, needed in plan.questions.items():
        question = study.build_question(name)
        helped = f", helped by {' or '.join(needed)}" if needed else ""
        lines.append(f"  question     {name}: {study.questions[name].kind}, {budget(study, name)} runs{helped}")
        if question.tolerance is not None:
            lines[-1] += f", tolerance {question.tolerance:g}"
    return lines


def _fresh(study: Study) -> dict[str, Online]:
    """Surrogates that learn from fresh runs."""
    from surecast.train.online.settings import fresh_runs

    found = {name: fresh_runs(study, name) for name in study.surrogates}
    return {name: online for name, online in found.items() if online is not None}


def _needs(needs: Needs) -> list[str]:
    """What a run needs, how many are made at once, and what this machine lacks for one."""
    if not needs.stated:
        return []
    cores = f"{needs.cores} core{'s'[: needs.cores != 1]}"
    told = [cores if not needs.ranks else f"{cores} ({needs.ranks} MPI ranks of {needs.cpus})"]
    told += [f"{needs.mem_mb} MB"] * bool(needs.mem_mb) + [f"{needs.gpu} GPU{'s'[: needs.gpu != 1]}"] * bool(needs.gpu)
    told += [f"{needs.minutes:g} min"] * bool(needs.minutes)
    machine = this_machine()
    threads = min(needs.threads, machine.cores)
    lines = [
        f"  a run needs  {', '.join(told)}",
        f"  at once      {needs.at_once(threads)} in a job of {threads} of this machine's {machine.cores} cores "
        "(--set-threads simulate=N quantify=N gives it others)",
    ]
    for needed, there, noun in (
        (needs.cores, machine.cores, "cores"),
        (needs.mem_mb, machine.mem_mb, "MB of memory"),
        (needs.gpu, machine.gpus, "GPU"),
    ):
        if needed > there:
            remedy = "take a larger one, or a cluster (--workflow-profile profiles/slurm)"
            lines.append(f"  warning      a run needs {needed} {noun}; of these this machine has {there}: {remedy}")
    return lines


def _time_of_runs(study: Study, plan: Plan, seconds: float, told: str) -> list[str]:
    """How many runs a part should hold, and what all runs take, by the time of one."""
    design, needs = study.build_design(), plan.needs
    runs, asked = _runs(study, plan)
    beside = needs.at_once(needs.threads)
    part = min(beside * max(1, round(PART_SECONDS / seconds)), design.train)
    note = "" if part / 4 <= design.runs_per_part <= 4 * part else f" (now {design.runs_per_part})"
    length = max(PART_SECONDS, seconds)
    about = "about a minute" if length < 90 else f"about {_time(length)}"
    on = "on one core" if needs.cores == 1 else "one run after the other"
    return [
        f"  part size    {part} runs suggested{note}: {seconds:.3g} s a run {told}, parts of {about}",
        f"  simulating   about {_time(runs * seconds)} {on}",
        f"  questions    at most {asked} runs, about {_time(asked * seconds)} {on}",
    ]


def _cost(study: Study, plan: Plan, cost: Cost) -> list[str]:
    runs, asked = _runs(study, plan)
    # Outputs lie in the store, in the parts and in the dataset; of a question's runs the scalars lie in the store.
    disk = 3 * runs * cost.all_bytes + asked * (cost.scalar_bytes + 200)
    points = sum(math.prod(map(len, grid.values())) for grid in study.build_simulator().grids().values())
    disk += runs * points * FIELD_BYTES + sum(map(len, plan.surrogates.values())) * TRAINED_BYTES + SHOWN_BYTES
    stated = plan.needs.minutes * 60
    times = _time_of_runs(study, plan, stated or cost.seconds, "as the study says" if stated else "here")
    return [times[0], f"  disk         about {_bytes(disk)}", *times[1:]]


def _runs(study: Study, plan: Plan) -> tuple[int, int]:
    """Runs of the design, and those that questions may make."""
    return sum(study.build_design().counts().values()), sum(budget(study, name) for name in plan.questions)


def _training_seconds(study: Study, cost: Cost) -> dict[str, float]:
    """Time of one training of each network; what a deterministic fit takes grows too unevenly to be foretold."""
    networks = [name for name in study.surrogates if seeded(study, name)]
    return time_trainings(study, networks) if networks and cost.seconds * RUNS <= LONG else {}


def _trainings(study: Study, trainings: Mapping[str, float]) -> list[str]:
    lines = []
    for name, seconds in trainings.items():
        seeds = len(study.build_surrogate(name).seeds(study))
        told = f"about {_time(seconds)}" if seconds >= 1 else "under a second"  # less than what timing can tell apart
        lines.append(f"  training     {name}: {told} a seed on one core, {seeds} of them")
    return lines


def _total(study: Study, plan: Plan, cost: Cost, trainings: Mapping[str, float]) -> list[str]:
    """Time of everything that is known, and what is not."""
    fresh = sum(online.runs * len(plan.surrogates[name]) for name, online in _fresh(study).items())
    seconds = (sum(_runs(study, plan)) + fresh) * cost.seconds
    seconds += sum(each * len(plan.surrogates[name]) for name, each in trainings.items())
    took = measured(plan)
    last = [stage for stage in REST if stage in took]
    untold = [name for name in study.surrogates if name not in trainings]
    told = f"about {_time(seconds + sum(took[stage] for stage in last))} on one core, an estimate"
    if last:
        told += f", with {', '.join(last)} as the last time"
    without = [*(f"training {name}" for name in untold), *(stage for stage in REST if stage not in last)]
    return [f"  in all       {told}" + (f"; {', '.join(without)} not counted" if without else "")]


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
