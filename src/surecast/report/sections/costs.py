"""What the surrogates cost, against the simulator on the coarsest grid that is as accurate (the strong baseline)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.evaluate.break_even import break_even
from surecast.report import numbers
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.cost import Point, cost
from surecast.report.sections.section import Section, file_stem
from surecast.report.tables import Column, Table

if TYPE_CHECKING:
    import xarray as xr

NEVER = "never on this machine at this grid"


def costs_section(evaluations: Mapping[str, xr.Dataset], baselines: xr.Dataset | None) -> Section | None:
    """Build the section; None without surrogates or without baselines.

    Parameters
    ----------
    evaluations : mapping of surrogate to Dataset
        ``evaluation/<name>.nc``.
    baselines : Dataset or None
        ``evaluation/baselines.nc`` as `surecast.evaluate.baselines` writes it.
    """
    if not evaluations or baselines is None:
        return None
    compared = {name: break_even(scores, baselines) for name, scores in evaluations.items()}
    targets = list(dict.fromkeys(target for table in compared.values() for target in table["target"].values.tolist()))
    drawings = [_drawing(target, compared, baselines) for target in targets]
    made = [_break_even_table(compared, evaluations), _stated_table(compared), _grid_table(baselines)]
    tables = [table for table in made if table.rows]
    content = {
        "figures": drawings,
        "tables": tables,
        "grid": str(baselines.attrs["dataset_grid"]),
        "seconds": numbers.seconds(float(baselines["simulator_cpu_seconds"])),
        "runs": numbers.count(int(baselines.attrs["runs_for_training"])),
    }
    return Section("costs", "What the surrogates cost", content, drawings, tables)


def _drawing(target: str, compared: Mapping[str, xr.Dataset], baselines: xr.Dataset) -> Drawing:
    grids = [
        Point(row["grid"], row["cpu_seconds"], row["error"])
        for row in _grids(baselines)
        if row["target"] == target and row["error"] > 0
    ]
    surrogates = [
        Point(name, table.attrs["prediction_cpu_seconds"], float(table["surrogate_error"].sel(target=target)))
        for name, table in compared.items()
        if target in table["target"].values
    ]
    return cost(file_stem("cost", target), f"Error and cost of {target}", grids, surrogates, list(compared))


def _grids(baselines: xr.Dataset) -> list[dict[str, Any]]:
    """One row for every output and coarser grid."""
    rows = []
    for dimension, metric in (("output", "relative_l2"), ("scalar", "scalar_relative_rmse")):
        if metric not in baselines:
            continue
        for target in baselines[dimension].values.tolist():
            for grid, seconds in zip(
                baselines["grid"].values.tolist(), baselines["run_cpu_seconds"].values, strict=True
            ):
                error = float(baselines[metric].sel({dimension: target, "grid": grid}))
                rows.append({"target": target, "grid": str(grid), "error": error, "cpu_seconds": float(seconds)})
    return rows


def _grid_table(baselines: xr.Dataset) -> Table:
    columns = [
        Column("target", "output"),
        Column("grid", "grid of the simulator"),
        Column("error", "relative error", lambda value: numbers.percent(value, 3), numeric=True),
        Column("cpu_seconds", "CPU time a run", numbers.seconds, numeric=True),
    ]
    return Table("coarser-grids", "The same simulator on coarser grids", columns, _grids(baselines))


def _break_even_table(compared: Mapping[str, xr.Dataset], evaluations: Mapping[str, xr.Dataset]) -> Table:
    rows = [
        {
            "target": target,
            "surrogate": name,
            "seeds": int(evaluations[name].sizes["seed"]),
            "error": float(table["surrogate_error"].values[index]),
            "prediction": float(table.attrs["prediction_cpu_seconds"]),
            "training": float(table.attrs["training_cpu_seconds"]),
            "equal_grid": str(table["equal_grid"].values[index])
            + (" (coarsest tried)" if table["coarsest_tried"].values[index] else ""),
            "equal_seconds": float(table["equal_cpu_seconds"].values[index]),
            "speed_ratio": float(table["speed_ratio"].values[index]),
            "solves": float(table["solves"].values[index]),
        }
        for name, table in compared.items()
        for index, target in enumerate(table["target"].values.tolist())
    ]
    columns = [
        Column("target", "output"),
        Column("surrogate", "surrogate"),
        Column("seeds", "seeds", str, numeric=True),
        Column("error", "its error", lambda value: numbers.percent(value), numeric=True),
        Column("prediction", "CPU time a prediction", numbers.seconds, numeric=True),
        Column("training", "CPU time of training", numbers.seconds, numeric=True),
        Column("equal_grid", "coarsest grid as accurate"),
        Column("equal_seconds", "CPU time a run there", numbers.seconds, numeric=True),
        Column("speed_ratio", "speed ratio", lambda value: f"{numbers.number(value, 2)} ×", numeric=True),
        Column("solves", "pays after", lambda value: solves_text(value, NEVER), numeric=True),
    ]
    caption = "Each surrogate against the simulator of the same error; above 1 × the surrogate is faster"
    return Table("break-even", caption, columns, by_target(rows))


def by_target(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one output together, outputs in the order of their first row."""
    order = list(dict.fromkeys(row["target"] for row in rows))
    return sorted(rows, key=lambda row: order.index(row["target"]))


def solves_text(solves: float, never: str = "never") -> str:
    """Solves until a surrogate has paid, or ``never``."""
    return never if np.isinf(solves) else f"{numbers.rounded_count(solves)} solves"


def _stated_table(compared: Mapping[str, xr.Dataset]) -> Table:
    costs = list(dict.fromkeys(str(item) for table in compared.values() for item in table["stated_cost"].values))
    rows = []
    for name, table in compared.items():
        for target in table["target"].values.tolist():
            row: dict[str, Any] = {"target": target, "surrogate": name}
            row |= {
                f"solves_{item}": float(table["stated_solves"].sel(target=target, stated_cost=item)) for item in costs
            }
            rows.append(row)
    columns = [Column("target", "output"), Column("surrogate", "surrogate")]
    for item in costs:
        heading = "a run takes " + item.replace(" ", "\N{NO-BREAK SPACE}")
        columns.append(Column(f"solves_{item}", heading, solves_text, numeric=True))
    caption = (
        "The same for a simulator whose run takes longer, coarser grids being cheaper by the ratios measured here: "
        "solves until the surrogate has paid"
    )
    return Table("break-even-elsewhere", caption, columns, by_target(rows))
