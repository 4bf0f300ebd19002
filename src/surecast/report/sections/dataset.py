"""The dataset card: what was simulated, on what grid, how many runs, which failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surecast.report import numbers
from surecast.report.sections.section import Section
from surecast.report.tables import Column, Table

if TYPE_CHECKING:
    from surecast.study.model import Study


FIRST = ("equation", "domain", "boundary_conditions", "source", "resolution", "grid", "solver")
"""What a reader wants to know first; the rest of a card follows by the alphabet."""


def dataset_section(study: Study, manifest: Mapping[str, Any]) -> Section:
    """Build the section from the study and the dataset's manifest (empty where there is none)."""
    facts = card_facts(dict(manifest.get("card", {})))
    for split, known in dict(manifest.get("splits", {})).items():
        failed = f", {known['failed']} of them failed" if known["failed"] else ""
        facts.append((f"{split} runs", f"{known['runs']:,}{failed}"))
    tables = [_inputs(study), *discretisation(manifest)]
    page = study.file.stem if manifest else ""
    content = {"facts": facts, "tables": tables, "failed": failed_runs(manifest), "study": page}
    return Section("dataset", "Dataset card", content, tables=tables)


def card_facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a simulator's card says, in reading order."""
    first = [key for key in FIRST if key in card]
    told = [(_words(key), value_text(card[key])) for key in [*first, *sorted(set(card) - set(first))]]
    return [(key, text) for key, text in told if text]


def failed_runs(manifest: Mapping[str, Any]) -> list[str]:
    """One line for every failed run of the dataset."""
    return [value_text(run) for run in manifest.get("failed_runs", [])]


def value_text(value: Any) -> str:
    """A value of a card as text: nested mappings and lists in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(key)} {value_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(value_text(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _words(key: str) -> str:
    return str(key).replace("_", " ")


def _inputs(study: Study) -> Table:
    rows = []
    for name, spec in study.inputs.items():
        settings = dict(spec.settings)
        unit = str(settings.pop("units", "1"))
        law = study.build_law(name)
        if hasattr(law, "covariance"):  # a field means little without it, the default one too
            settings.setdefault("covariance", law.covariance)
        text = value_text(settings)
        kept = getattr(law, "share_of_variance", None)
        if kept is not None:
            text += f" ({numbers.percent(float(kept), 4)} of the variance kept)"
        rows.append({"input": name, "law": spec.kind, "settings": text, "units": unit})
    columns = [
        Column("input", "input"),
        Column("law", "law", _words),
        Column("settings", "settings"),
        Column("units", "unit", numbers.units),
    ]
    return Table("inputs", "Uncertain inputs and their laws", columns, rows)


def discretisation(manifest: Mapping[str, Any]) -> list[Table]:
    """Table of the discretisation error of every output; none where none is stated."""
    rows = [
        {"output": output, "relative_l2": float(known["relative_l2"]), "runs": int(known["runs"])}
        for output, known in dict(manifest.get("discretisation_error", {})).items()
    ]
    columns = [
        Column("output", "output"),
        Column(
            "relative_l2", "relative L2 against the refined grid", lambda value: numbers.percent(value, 3), numeric=True
        ),
        Column("runs", "test runs refined", str, numeric=True),
    ]
    return [Table("discretisation", "Discretisation error of the simulator", columns, rows)] if rows else []
