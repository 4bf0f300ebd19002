"""Every variable of a dataset: where it lies and its units, and statistics over the training runs."""

from __future__ import annotations

import numpy as np

from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.sections.section import Section
from surecast.report.tables import Column, Table


def variables_section(data: CardData) -> Section:
    """Build the section."""
    tables = [_variables(data), _statistics(data)]
    return Section("variables", "Variables", {"tables": tables}, tables=tables)


def _variables(data: CardData) -> Table:
    stated = data.content["statistics"]
    rows = []
    for name in sorted(data.layouts, key=lambda name: name not in stated):  # bookkeeping and coordinates last
        layout, attributes = data.layouts[name], data.attributes(name)
        rows.append(
            {
                "variable": name,
                "what": str(attributes.get("long_name", "")),
                "units": str(attributes.get("units", "1")),
                "lies": " × ".join(f"{dim} {size:,}" for dim, size in zip(layout.dims, layout.shape, strict=True)),
                "type": np.dtype(layout.dtype).name,
            }
        )
    columns = [
        Column("variable", "variable"),
        Column("what", "what it is"),
        Column("units", "units", numbers.units),
        Column("lies", "dimensions"),
        Column("type", "type"),
    ]
    return Table("variables", "All that is in the store", columns, rows)


def _statistics(data: CardData) -> Table:
    rows = [
        {"variable": name, **known} for name, known in data.content["statistics"].items() if known["mean"] is not None
    ]
    columns = [
        Column("variable", "variable"),
        Column("mean", "mean", numbers.number, numeric=True),
        Column("std", "standard deviation", numbers.number, numeric=True),
        Column("minimum", "least", numbers.number, numeric=True),
        Column("maximum", "largest", numbers.number, numeric=True),
        Column("runs", "runs", numbers.count, numeric=True),
    ]
    return Table("statistics", "Over the training runs that did not fail, and over all points", columns, rows)
