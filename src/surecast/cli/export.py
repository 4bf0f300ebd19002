"""Write the dataset of a study in the layout of another collection of simulations.

surecast export groundwater --format the_well groundwater.hdf5
surecast export groundwater --format neuraloperator --split train --outputs pressure darcy_train_64.pt
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from surecast.study.errors import SurecastError
from surecast.study.paths import Paths

FORMATS = ("neuraloperator", "pdebench", "the_well")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast export`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("study", help="name or path of the study file, or path of a dataset.json")
    parser.add_argument("file", help="where to write")
    parser.add_argument("--format", required=True, choices=FORMATS, help="the layout: docs/dataset-format.md")
    parser.add_argument(
        "--outputs",
        metavar="NAME,...",
        help="outputs that go in (all), and inputs on the grid (<input>_field) where the layout has room for one",
    )
    parser.add_argument("--split", choices=("train", "validation", "test"), help="runs of one split (those of all)")


def run(options: argparse.Namespace) -> int:
    """Write the file, and say what the layout had no place for.

    Raises
    ------
    SurecastError
        If there is no dataset, or it cannot be written in this layout; nothing is written then.
    """
    manifest = manifest_of(options.study)
    outputs = None if options.outputs is None else [name.strip() for name in options.outputs.split(",")]
    layout = importlib.import_module(f"surecast.assemble.formats.{options.format}")
    notes = layout.write(manifest, options.file, outputs, options.split)
    print(f"{options.file}: written from {manifest}")
    for note in notes:
        print(f"  note         {note}")
    return 0


def manifest_of(study: str) -> Path:
    """Where the manifest of a study lies, or the one that was named.

    Raises
    ------
    SurecastError
        If there is none.
    """
    path = Path(study)
    if path.suffix != ".json":
        path = Paths.named(study).manifest
    if not path.is_file():
        raise SurecastError(f"{path}: there is no such dataset.", "run snakemake first.")
    return path
