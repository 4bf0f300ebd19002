"""Compare the results with the study, the code, the lock file and themselves; find stale locks."""

from __future__ import annotations

import argparse
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from surecast.cli import lock
from surecast.cli.plan import Plan
from surecast.cli.repository import config_dir, plan_here, repository
from surecast.study.errors import DataError, SurecastError
from surecast.study.files import read_json

REASONS = {
    "settings": "its part of the study file has changed since",
    "code": "its code has changed since",
    "lock": "the lock file has changed since",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast doctor`."""
    parser.add_argument("studies", nargs="*", metavar="study", help="names or paths; all that have results if left out")
    parser.add_argument("--unlock", action="store_true", help="remove lock files whose process is known to be dead")


def run(options: argparse.Namespace) -> int:
    """Print what is found, one line each; 0 if all is well."""
    found = [*system(), *environment(), *locks(options.unlock)]
    for study in options.studies or _with_results():
        if not options.studies and not (config_dir() / f"{study}.yaml").is_file():
            found.append(f"results/{study}: no study of that name in {config_dir()}; name its file to check it.")
            continue
        found += results(plan_here(study))
    for line in found:
        print(line)
    print(f"{len(found)} finding{'s'[: len(found) != 1]}." if found else "All is well.")
    return 1 if found else 0


def _with_results() -> list[str]:
    """Studies that have results; ``results/papers`` is none."""
    return sorted(path.name for path in Path("results").glob("*") if path.is_dir() and path.name != "papers")


def system() -> Iterator[str]:
    """What speaks against this machine."""
    if platform.system() == "Windows":
        yield "Windows: Snakemake and surecast run here through WSL only (https://learn.microsoft.com/windows/wsl)."


def environment() -> Iterator[str]:
    """Packages whose installed version is not the locked one."""
    envs = repository() / "envs"
    pinned = (envs / "torch.txt").read_text() + (envs / "requirements.lock").read_text()
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", pinned, re.MULTILINE):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield f"{name} {version} is locked and not installed: make setup"
            continue
        if installed.split("+")[0] != version.split("+")[0]:
            yield f"{name} {installed} is installed, {version} is locked: make setup"


def locks(remove: bool = False) -> Iterator[str]:
    """Snakemake's locks in the working directory, and whose they are."""
    stale, held = lock.stale_locks("."), lock.snakemake_locks(".")
    if stale:
        if remove:
            lock.unlock(".")
        yield (
            f"{len(stale)} lock files of a process that is dead"
            + (": removed." if remove else ": the next call of snakemake removes them, and so does --unlock.")
        )
    elif held:
        owners = [owner for owner in lock.records(".").values() if owner.alive() is not False]
        whose = ", ".join(f"process {owner.pid} on {owner.host}" for owner in owners)
        yield (
            f"the directory is locked by {whose}: wait, or end it; if it is dead, snakemake --unlock."
            if owners
            else "the directory is locked by nobody known: if no snakemake is running here, snakemake --unlock."
        )


def results(plan: Plan) -> Iterator[str]:
    """What is wrong with the results of a study: jobs out of date, files changed since they were made."""
    from surecast.cli.record import verify

    jobs = expected(plan)
    for path in sorted(plan.paths.records.rglob("*.json")):
        if path not in jobs:
            yield f"{path}: the study has no such job (any more)."
            continue
        try:
            record = read_json(path)
        except DataError as error:
            yield str(error)
            continue
        stage, item = jobs[path]
        now, job = plan.fingerprint(stage, *item), " ".join((stage, *item))
        for key, reason in REASONS.items():
            if record["fingerprint"].get(key) != now[key]:
                yield f"{job}: {reason}."
        for name, made in record["outputs"].items():
            try:
                if verify(name) != made:
                    yield f"{name}: is not the file that {stage} made. Remedy: delete it and run snakemake again."
            except DataError as error:
                yield str(error)
        if stage == "assemble":
            yield from _chunks(plan.paths.manifest)
        for name, used in record["inputs"].items():
            # More training runs append to the design; what decides a part is in its fingerprint.
            if stage != "simulate" and Path(name).is_file() and _stamp(name) not in (used, None):
                yield f"{job}: made from another {name}."


def _chunks(manifest: Path) -> Iterator[str]:
    """Chunks of the dataset that are not what the manifest says; one after the other, whatever the dataset's size."""
    import numpy as np

    from surecast.assemble.open import open_dataset

    try:
        dataset = open_dataset(manifest)
        for name, variable in dataset.variables.items():
            rows = len(variable) if variable.ndim else 0
            step = max(1, rows * 2**24 // max(1, variable.nbytes))
            for start in range(0, rows, step):
                try:
                    np.asarray(variable[start : start + step])
                except DataError as error:
                    yield f"{name}: {error}"
    except DataError as error:
        yield str(error)


def expected(plan: Plan) -> dict[Path, tuple[str, tuple[str, ...]]]:
    """Record, stage and item of every job of a study."""
    jobs: list[tuple[str, tuple[str, ...]]] = [(stage, ()) for stage in ("design", "assemble", "baselines", "report")]
    jobs += [("simulate", (part,)) for part in plan.parts]
    jobs += [("train", (name, str(seed))) for name, seeds in plan.surrogates.items() for seed in seeds]
    jobs += [("evaluate", (name,)) for name in plan.surrogates]
    jobs += [("quantify", (question,)) for question in plan.questions]
    return {plan.record(stage, *item): (stage, item) for stage, item in jobs}


def _stamp(name: str) -> str | None:
    from surecast.cli.record import stamp

    try:
        return stamp(name)
    except SurecastError:  # reported where the file is an output
        return None
