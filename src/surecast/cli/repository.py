"""Where the workflow lies: the folder of the Snakefile, with its studies and lock files."""

from __future__ import annotations

from pathlib import Path

from surecast.cli.plan import Plan, lock_digest, plan, script_digests
from surecast.study.code import PACKAGE
from surecast.study.errors import SurecastError


def repository() -> Path:
    """The working directory if it holds the workflow, else the checkout that this package runs from.

    Raises
    ------
    SurecastError
        If neither does.
    """
    for folder in (Path.cwd(), PACKAGE.parents[1]):
        if (folder / "Snakefile").is_file() and (folder / "envs" / "requirements.lock").is_file():
            return folder
    raise SurecastError("there is no Snakefile here.", "run the command in the folder of the Snakefile.")


def config_dir() -> Path:
    """Where studies are looked up by name."""
    return repository() / "config" / "studies"


def plan_here(study: str) -> Plan:
    """Plan of a study, by name or path, as the Snakefile makes it.

    Raises
    ------
    StudyError
        If the study is wrong.
    """
    root = repository()
    return plan(study, config_dir(), lock_digest(root / "envs"), script_digests(root / "workflow" / "scripts"))
