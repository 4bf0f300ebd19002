"""The card of a dataset: what was simulated, on what grid, by what; how many runs are in which split."""

from __future__ import annotations

from surecast.assemble.contents import SPLIT_FLAGS
from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.sections.dataset import card_facts, discretisation, failed_runs
from surecast.report.sections.section import Section
from surecast.report.tables import Column, Table

FAILED = 100
"""Failed runs that are listed; the manifest lists all."""


def contents_section(data: CardData) -> Section:
    """Build the section."""
    content = data.content
    facts = card_facts(content.get("card", {}))
    facts += [
        ("study", str(content["study"])),
        ("seed of the study", str(content["study_seed"])),
        ("digest of the simulator's code", str(content["code"])),
    ]
    tables = [_splits(data), *discretisation(content)]
    failed = failed_runs(content)
    shown = {"facts": facts, "failed": failed[:FAILED], "failed_runs": len(failed), "tables": tables}
    return Section("contents", "What it is", shown, tables=tables)


def _splits(data: CardData) -> Table:
    known = {split: data.content["splits"][split] for split in SPLIT_FLAGS}
    rows = [
        {"split": split, **{key: one[key] for key in ("runs", "failed", "start")}, "last": one["stop"] - 1}
        for split, one in known.items()
        if one["runs"]
    ]
    columns = [
        Column("split", "split"),
        Column("runs", "runs", numbers.count, numeric=True),
        Column("failed", "failed", numbers.count, numeric=True),
        Column("start", "first run", str, numeric=True),
        Column("last", "last run", str, numeric=True),
    ]
    return Table("splits", "Splits", columns, rows)
