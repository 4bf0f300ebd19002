"""The command `surecast`: check a study, clean its results, look after a working directory."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from surecast.study.errors import SurecastError

COMMANDS = {
    "card": "write the card of a study's dataset: one page with pictures and what the checker finds",
    "check": "validate a study and print what running it means",
    "clean": "list, then delete, what a stage of a study has made",
    "doctor": "compare the results with the study, the code and themselves; find stale locks",
    "export": "write the dataset of a study in the layout of PDEBench, The Well or neuraloperator",
    "preconditioner": "train the network of the linear solver conjugate_directions",
    "runs": "list, filter and export the runs that were made",
    "schema": "print the JSON schema of study files",
    "serve": "offer the simulator, or a trained surrogate, as an UM-Bridge server",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 fine, 1 something was found, 2 a malformed study or command."""
    # As in the jobs of the workflow, so that what is timed here holds there; before anything imports NumPy.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(prog="surecast", description="Surrogate-fast, simulator-true.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in COMMANDS.items():
        module = importlib.import_module(f"surecast.cli.{name}")
        module.add_arguments(commands.add_parser(name, help=text, description=module.__doc__))
    options = parser.parse_args(arguments)
    try:
        return int(importlib.import_module(f"surecast.cli.{options.command}").run(options))
    except SurecastError as error:
        for message in getattr(error, "errors", None) or [error]:
            print(f"Error: {message}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
