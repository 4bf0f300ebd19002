"""List, then delete, what a stage of a study has made."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from surecast.study.errors import SurecastError
from surecast.study.paths import Paths

# What a stage has made, the records of its jobs included. The store and the checkpoints are no outputs of a stage.
STAGES: dict[str, Callable[[Paths], list[Path]]] = {
    "design": lambda paths: [paths.design, paths.records / "design.json"],
    "simulate": lambda paths: [paths.runs, paths.records / "simulate"],
    "assemble": lambda paths: [paths.dataset, paths.manifest, paths.records / "assemble.json"],
    "train": lambda paths: [paths.surrogates, paths.checkpoints, paths.records / "train"],
    "evaluate": lambda paths: [paths.evaluation, paths.records / "evaluate", paths.records / "baselines.json"],
    "quantify": lambda paths: [paths.estimates, paths.records / "quantify"],
    "report": lambda paths: [
        paths.report,
        paths.root / "card.html",
        paths.figures,
        paths.tables,
        paths.records / "report.json",
    ],
    "store": lambda paths: [paths.store],
    "all": lambda paths: [paths.root],
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast clean`."""
    parser.add_argument("study", help="name or path of the study file")
    parser.add_argument(
        "--stage",
        required=True,
        choices=list(STAGES),
        help="whose files; `store` is every run ever made, `all` the whole folder of the study",
    )
    parser.add_argument("--yes", action="store_true", help="delete without asking")


def run(options: argparse.Namespace) -> int:
    """List what there is, ask, delete.

    Raises
    ------
    SurecastError
        If it cannot be the name of a study, Snakemake is running here, or nobody can be asked.
    """
    from surecast.cli import lock

    paths = Paths.named(options.study)
    found = [path for path in STAGES[options.stage](paths) if path.exists() or path.is_symlink()]
    if not found:
        print(f"Nothing is there of {options.stage} in {paths.root}.")
        return 0
    for path in found:
        files, size = measure(path)
        print(f"{path}{'/' if path.is_dir() else ''}  {files} file{'s'[: files != 1]}, {size / 2**20:.1f} MiB")
    if running := [owner for owner in lock.records(".").values() if owner.alive() is not False]:
        raise SurecastError(
            f"Snakemake is running here (process {running[0].pid} on {running[0].host}).", "wait until it has ended."
        )
    if not options.yes:
        if not sys.stdin.isatty():
            raise SurecastError("nobody is there to be asked.", "add --yes to delete what is listed.")
        if input("Delete them? [y/N] ").strip().lower() not in ("y", "yes"):
            print("Nothing is deleted.")
            return 1
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    print("Deleted.")
    return 0


def measure(path: Path) -> tuple[int, int]:
    """Number of files, and bytes, of a file or folder."""
    if not path.is_dir():
        return 1, path.lstat().st_size
    sizes = [item.lstat().st_size for item in path.rglob("*") if not item.is_dir()]
    return len(sizes), sum(sizes)
