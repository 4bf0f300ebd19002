"""List the runs of a study's run store, filter them, export them.

surecast runs groundwater                                how many there are, and the first of them
surecast runs groundwater --failed                       those that failed, with their inputs and messages
surecast runs groundwater --where 'peak > 3 and head < 1.2' --export extreme.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.study.errors import SurecastError
from surecast.study.files import write_dataset, written_aside
from surecast.study.nearest import suggestion
from surecast.study.paths import Paths

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
"""Runs that are printed unless another number is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast runs`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("study", help="name or path of the study file")
    parser.add_argument("--failed", action="store_true", help="those that failed alone")
    parser.add_argument("--where", metavar="EVENT", help="those for which it holds, of inputs and outputs: 'peak > 3'")
    parser.add_argument("--limit", type=int, default=SHOWN, help=f"runs that are printed at most ({SHOWN})")
    parser.add_argument("--export", metavar="FILE", help="write all that were chosen to a file ending in .csv or .nc")


def run(options: argparse.Namespace) -> int:
    """Print, and write if asked to.

    Raises
    ------
    SurecastError
        If it cannot be the name of a study, the event is none or speaks of what no run has, or the file has
        another ending; nothing is written then.
    """
    from surecast.simulate.runs_table import runs_table
    from surecast.simulate.store import RunStore

    folder = Paths.named(options.study).store
    target = None if options.export is None else Path(options.export)
    if target is not None and target.suffix not in (".csv", ".nc"):
        raise SurecastError(f"{target} ends in neither .csv nor .nc.", "give the file one of these endings.")
    table, units = runs_table(RunStore(folder))
    if not len(table):
        print(f"No run is in {folder}.")
        return 0
    chosen = table
    if options.failed:
        chosen = chosen[chosen["failed"]]
    if options.where is not None:
        chosen = chosen[_holds(chosen, options.where)]
    packs = len(list(folder.glob("*.nc")))
    print(f"{folder}: {len(table)} runs in {packs} packs, {int(table['failed'].sum())} failed; {len(chosen)} chosen")
    if len(chosen) and options.limit > 0:
        # Of a field's many coefficients a line has no room; a file has.
        columns = [column for column in chosen if "[" not in column and (options.failed or column != "message")]
        labels = {column: f"{column} ({units[column]})" for column in columns if column in units}
        shown = chosen[columns].head(options.limit).rename(columns=labels, index=lambda identity: identity[:12])
        print(shown.to_string(float_format="{:.6g}".format))
    if target is not None:
        if target.suffix == ".csv":
            with written_aside(target) as aside:
                chosen.to_csv(aside)
        else:
            dataset = chosen.reset_index().rename_axis("run").to_xarray()
            for column, unit in units.items():
                dataset[column].attrs["units"] = unit
            dataset["failed"] = dataset["failed"].astype("int8")
            write_dataset(target, dataset)
        print(f"{len(chosen)} runs written to {target}")
    return 0


def _holds(table: pd.DataFrame, text: str) -> pd.Series[bool]:
    """Which runs an event holds for; none whose values are missing."""
    from surecast.quantify.event import parse_event

    try:
        event = parse_event(text)
    except ValueError as error:
        raise SurecastError(
            f"--where: {error}.", "compare inputs and outputs with numbers or with each other."
        ) from error
    numbers = table.select_dtypes("number")
    for name in event.names():
        if name not in numbers:
            raise SurecastError(f"--where: no run has a number {name!r}.", suggestion(name, list(numbers.columns)))
    values = {name: numbers[name].to_numpy() for name in event.names()}
    return table["failed"].eq(False) & event.holds(values)
