"""A house of one's own: a copy of the workflow, its code and one study, in which tests run real Snakemake."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from snakemake_forks import SECONDS, Forks

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "config", "envs", "src")


class House:
    """A copy of the repository's workflow that tests may edit.

    Parameters
    ----------
    root : Path
        Where it stands.
    forks : Forks
        Runs Snakemake.
    """

    def __init__(self, root: Path, forks: Forks) -> None:
        self.root, self.forks = root, forks
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("*.egg-info"))
            else:
                root.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, root / part)

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which `surecast` is the copy."""
        return os.environ | {
            "PYTHONPATH": str(self.root / "src"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def snakemake(self, *arguments: str, check: bool = True, fresh: bool = False) -> subprocess.CompletedProcess[str]:
        """Run Snakemake here; with `check`, an exit code other than 0 fails the test with what it printed.

        With `fresh` as from a shell, its own imports included.
        """
        if fresh:
            command = [sys.executable, "-m", "snakemake", *arguments]
            done = subprocess.run(
                command,
                cwd=self.root,
                env=self.environment,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
            )
        else:
            done = self.forks.run(arguments, self.root, self.environment)
        if check and done.returncode != 0:
            said = f"{done.stdout}\n{done.stderr}{self.logs()}"
            pytest.fail(f"{' '.join(arguments)}: exit code {done.returncode}\n{said}")
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake here and do not wait."""
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.root,
            env=self.environment,
            # A shell has its background jobs ignore interrupts, and with them these tests.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def planned(self, *arguments: str) -> Counter[str]:
        """How many jobs of each rule `snakemake -n` names (without `all`)."""
        done = self.snakemake("-n", *arguments)
        text = done.stdout + done.stderr
        if "Nothing to be done" in text:
            return Counter()
        table = text.rsplit("Job stats:", 1)[1]
        jobs = Counter({name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)})
        del jobs["total"]
        del jobs["all"]
        return jobs

    def surecast(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command `surecast` here."""
        return subprocess.run(
            [sys.executable, "-m", "surecast.cli.main", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def edit(self, path: str | Path, old: str, new: str) -> None:
        """Replace one piece of text in a file."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str | Path, text: str) -> None:
        """Add a statement to a file."""
        file = self.root / path
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    def logs(self) -> str:
        """What the jobs said."""
        logs = sorted(self.root.rglob("results/*/logs/**/*.log"))
        return "".join(f"\n--- {path}\n{path.read_text()}" for path in logs)


FUNCTION = '''
"""A user's simulator with a module of its own."""

import numpy as np
import xarray as xr
from mine_helper import scale


def cube(inputs: xr.Dataset) -> xr.Dataset:
    y = scale(inputs["a"]) ** 3 + inputs["b"]
    y.attrs = {"units": "1", "long_name": "cube"}
    return xr.Dataset({"response": y})
'''
HELPER = """
def scale(value):
    return value * 2
"""
STUDY = """
title: A function of two inputs
seed: 5
simulator: {kind: "mine_model:cube"}
inputs:
  a: {kind: uniform, low: 0.0, high: 1.0}
  b: {kind: uniform, low: 0.0, high: 1.0}
outputs:
  response: {units: "1"}
design: {kind: sobol, train: 48, validation: 24, test: 8, runs_per_part: 24}
surrogates:
  chaos: {kind: polynomial_chaos}
questions:
  averages: {kind: moments, of: response, surrogate: chaos, runs: 64, estimators: [control_variates]}
"""


def write_function_study(folder: Path) -> Path:
    """A study whose simulator is a Python function in the study's folder; a few seconds end to end."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine_model.py").write_text(FUNCTION, encoding="utf-8")
    (folder / "mine_helper.py").write_text(HELPER, encoding="utf-8")
    (folder / "mine.yaml").write_text(STUDY, encoding="utf-8")
    return folder / "mine.yaml"


@pytest.fixture(scope="session")
def new_house(tmp_path_factory: pytest.TempPathFactory):
    """Function that builds a fresh house."""
    with Forks() as forks:
        yield lambda name: House(tmp_path_factory.mktemp(name) / "house", forks)


@pytest.fixture(scope="session")
def function_study():
    """Function that writes the study of a user's function into a folder and returns its file."""
    return write_function_study
