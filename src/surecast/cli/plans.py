"""The plans of the studies that a configuration asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from surecast.cli.plan import Plan, plan
from surecast.study.errors import StudyError, SurecastError


class Plans(dict[str, Plan]):
    """Plans by the name of their study: of those that a configuration asks for, and of any other on demand.

    Parameters
    ----------
    config : mapping
        ``studies``: names, or paths of study files, one or a list; ``scheduler``: address of a Dask scheduler.
    config_dir : path
        Where names are looked up.
    lock : str
        Digest of the lock file.
    scripts : mapping
        Digest of the script of every stage.
    new : callable, optional
        Called before a study is planned that is not in the cache.

    Attributes
    ----------
    asked : list of Plan
        Those that the configuration asks for.
    files : dict
        Study file of every plan made so far.

    Raises
    ------
    StudyError
        If the configuration or a study file is wrong.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        config_dir: str | Path,
        lock: str,
        scripts: Mapping[str, str],
        new: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.config_dir, self.lock, self.scripts, self.new = Path(config_dir), lock, scripts, new
        self.files: dict[str, str] = {}
        for item in _asked(config):
            made = plan(item, config_dir, lock, scripts, new=new)
            if self.files.setdefault(made.name, made.file) != made.file:
                raise StudyError(
                    f"two studies are named {made.name!r}, so that their results would lie in one folder.",
                    "rename one of the files.",
                    key="studies",
                    value=item,
                )
            self[made.name] = made
        self.asked = list(self.values())

    def __missing__(self, name: str) -> Plan:
        self[name] = made = plan(name, self.config_dir, self.lock, self.scripts, new=self.new)
        self.files[name] = made.file
        return made


def refuse(error: SurecastError) -> NoReturn:
    """End Snakemake with the message of an error; no WorkflowError, whose lines of Snakefile would hide it."""
    for message in getattr(error, "errors", [error]):
        print(f"Error: {message}", file=sys.stderr)
    sys.exit(error.exit_code)


def _asked(config: Mapping[str, Any]) -> list[str]:
    unknown = sorted(set(config) - {"studies", "study_files", "scheduler"})
    if unknown:
        key = unknown[0]
        raise StudyError("there is no such setting.", "use `studies` or `scheduler`.", key=key, value=config[key])
    scheduler = config.get("scheduler")
    if scheduler is not None and not (isinstance(scheduler, str) and "://" in scheduler):
        raise StudyError(
            "this is no address of a Dask scheduler.",
            "write for example --config scheduler=tcp://10.0.0.5:8786, as `dask scheduler` prints it.",
            key="scheduler",
            value=scheduler,
        )
    asked = config.get("studies")
    asked = [asked] if isinstance(asked, str) else asked
    if not isinstance(asked, list) or not asked or not all(isinstance(item, str) for item in asked):
        raise StudyError(
            "studies are named by one text or a list of texts.",
            "write for example --config studies=[burgers].",
            key="studies",
            value=asked,
        )
    return asked
