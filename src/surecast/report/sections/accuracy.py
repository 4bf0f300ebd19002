"""The surrogates' accuracy on the test split: scores over seeds, wave-number bands, fields side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.report import numbers
from surecast.report.figures.accuracy import accuracy
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.fields import Example, fields
from surecast.report.figures.spectrum import spectrum
from surecast.report.figures.training import training
from surecast.report.sections.section import Section, file_stem
from surecast.report.tables import Column, Table

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = ("typical", "worst", "best")
"""Examples of `surecast.evaluate.examples` in the order in which the page shows them."""


def accuracy_section(
    evaluations: Mapping[str, xr.Dataset], examples: int, histories: Mapping[str, Sequence[xr.Dataset]]
) -> Section | None:
    """Build the section; None without surrogates.

    Parameters
    ----------
    evaluations : mapping of surrogate to Dataset
        ``evaluation/<name>.nc`` as `surecast.evaluate.evaluate` writes them.
    examples : int
        How many test runs are shown side by side.
    histories : mapping of surrogate to Datasets
        ``surrogates/<name>/seed<k>.history.nc``, one a seed; those without steps (no network's) are not drawn.
    """
    if not evaluations:
        return None
    field_errors = _errors(evaluations, "output", "relative_l2")
    scalar_errors = _errors(evaluations, "scalar", "scalar_relative_rmse")
    overview: list[Drawing] = []
    order = list(evaluations)
    if field_errors:
        overview.append(
            accuracy("accuracy-fields", "Fields", field_errors, "relative L2 error on the test runs", order)
        )
    if scalar_errors:
        overview.append(
            accuracy("accuracy-scalars", "Scalars", scalar_errors, "relative error (root mean square)", order)
        )
    tables = [table for table in (_field_table(evaluations), _scalar_table(evaluations)) if table.rows]
    bands = [_spectrum(output, evaluations) for output in field_errors]
    courses = [drawing for output in field_errors if (drawing := _training(output, histories, order)) is not None]
    shown = _examples(evaluations, examples)
    seeds = sorted({evaluation.sizes["seed"] for evaluation in evaluations.values()})
    content = {
        "overview": overview,
        "tables": tables,
        "bands": bands,
        "examples": shown,
        "courses": courses,
        "seeds": " or ".join(map(str, seeds)),
        "test_runs": max(int(evaluation.attrs.get("test_runs", 0)) for evaluation in evaluations.values()),
    }
    drawings = [*overview, *bands, *courses, *(example["wide"] for example in shown)]
    return Section("accuracy", "Accuracy of the surrogates", content, drawings, tables)


def _errors(evaluations: Mapping[str, xr.Dataset], dimension: str, metric: str) -> dict[str, dict[str, np.ndarray]]:
    """Output -> surrogate -> one error a seed."""
    errors: dict[str, dict[str, np.ndarray]] = {}
    for surrogate, scores in evaluations.items():
        if metric in scores:
            for output in scores[dimension].values.tolist():
                errors.setdefault(output, {})[surrogate] = scores[metric].sel({dimension: output}).values
    return errors


def _rows(evaluations: Mapping[str, xr.Dataset], dimension: str, metrics: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for surrogate, scores in evaluations.items():
        if metrics[0] not in scores:
            continue
        for index, output in enumerate(scores[dimension].values.tolist()):
            row = {"surrogate": surrogate, "output": output, "units": str(scores[f"{dimension}_units"].values[index])}
            row["kind"] = str(scores.attrs["kind"])
            row["seeds"] = int(scores.sizes["seed"])
            for metric in metrics:
                row[metric] = float(scores[f"{metric}_mean"].values[index])
                row[f"{metric}_spread"] = float(scores[f"{metric}_spread"].values[index])
            rows.append(row)
    order = list(dict.fromkeys(row["output"] for row in rows))
    return sorted(rows, key=lambda row: order.index(row["output"]))


def kind_words(kind: str) -> str:
    """A surrogate's kind as a reader writes it; that of the simple baseline says so."""
    words = {
        "fno": "FNO",
        "unet": "U-Net",
        "gaussian_process": "Gaussian process",
        "pod_ridge": "POD with ridge (simple baseline)",
    }
    return words.get(kind, kind.replace("_", " "))


def _spread(value: float) -> str:
    return "–" if value != value else f"± {numbers.percent(value)}"


_NAMES = [
    Column("output", "output"),
    Column("surrogate", "surrogate"),
    Column("kind", "kind", kind_words),
    Column("seeds", "seeds", str, numeric=True),
]


def _field_table(evaluations: Mapping[str, xr.Dataset]) -> Table:
    columns = [
        *_NAMES,
        Column("relative_l2", "relative L2", lambda value: numbers.percent(value, 3), numeric=True),
        Column("relative_l2_spread", "spread over seeds", _spread, numeric=True),
        Column("rmse", "RMSE", numbers.number, numeric=True),
        Column("maximum_error", "largest error", numbers.number, numeric=True),
        Column("units", "unit", numbers.units),
    ]
    rows = _rows(evaluations, "output", ("relative_l2", "rmse", "maximum_error"))
    caption = "Fields: mean over test runs of the relative L2 error; spread is the standard deviation over seeds"
    return Table("accuracy-fields", caption, columns, rows)


def _scalar_table(evaluations: Mapping[str, xr.Dataset]) -> Table:
    columns = [
        *_NAMES,
        Column("scalar_relative_rmse", "relative error", lambda value: numbers.percent(value, 3), numeric=True),
        Column("scalar_relative_rmse_spread", "spread over seeds", _spread, numeric=True),
        Column("squared_correlation", "squared correlation", lambda value: numbers.number(value, 5), numeric=True),
        Column("scalar_rmse", "RMSE", numbers.number, numeric=True),
        Column("scalar_maximum_error", "largest error", numbers.number, numeric=True),
        Column("units", "unit", numbers.units),
    ]
    metrics = ("scalar_relative_rmse", "squared_correlation", "scalar_rmse", "scalar_maximum_error")
    caption = "Scalars: root mean square error relative to the root mean square of the truth"
    return Table("accuracy-scalars", caption, columns, _rows(evaluations, "scalar", metrics))


def _spectrum(output: str, evaluations: Mapping[str, xr.Dataset]) -> Drawing:
    errors = {
        surrogate: scores["band_relative_error"].sel(output=output).values
        for surrogate, scores in evaluations.items()
        if "band_relative_error" in scores and output in scores["output"].values
    }
    bands = next(scores["band"].values.tolist() for scores in evaluations.values() if "band" in scores.coords)
    return spectrum(file_stem("bands", output), f"Error of {output} by wave number", bands, errors, list(evaluations))


def _training(output: str, histories: Mapping[str, Sequence[xr.Dataset]], order: Sequence[str]) -> Drawing | None:
    """Validation error of an output against steps; None where no surrogate of it was trained in steps."""
    courses = {}
    for surrogate in order:
        known = [one for one in histories.get(surrogate, ()) if output in one and one[output].dims == ("step",)]
        if known:
            errors = np.stack([one[output].values.astype(float) for one in known])  # seeds share their steps
            courses[surrogate] = (known[0]["step"].values, errors)
    if not courses:
        return None
    return training(file_stem("training", output), f"Error of {output} in training", courses, order)


def _examples(evaluations: Mapping[str, xr.Dataset], count: int) -> list[dict[str, Any]]:
    """Fields of the surrogate with the smallest mean error, for up to `count` of the examples."""
    with_fields = {
        name: scores
        for name, scores in evaluations.items()
        if "relative_l2_mean" in scores and "example" in scores.dims
    }
    if not with_fields or count == 0:
        return []
    best = min(with_fields, key=lambda name: float(with_fields[name]["relative_l2_mean"].mean()))
    scores = with_fields[best]
    shown = []
    for kind in [kind for kind in EXAMPLES if kind in scores["example"].values][:count]:
        rows = [
            _example(scores.sel(example=kind), index, output)
            for index, output in enumerate(scores["output"].values.tolist())
        ]
        drawable = [row for row in rows if row.truth.ndim in (1, 2)]
        if drawable:
            title = f"{kind.capitalize()} test runs, surrogate {best}"
            stem = file_stem("fields", kind)
            shown.append(
                {
                    "kind": kind,
                    "surrogate": best,
                    "wide": fields(stem, title, drawable),
                    "narrow": fields(f"{stem}-narrow", title, drawable, width=400, printed=False),
                }
            )
    return shown


def _example(scores: xr.Dataset, index: int, output: str) -> Example:
    truth, prediction = scores[f"{output}_truth"], scores[f"{output}_prediction"]
    axes = [
        np.asarray(scores[dim].values if dim in scores.coords else np.arange(truth.sizes[dim])) for dim in truth.dims
    ]
    difference = prediction.values.astype(float) - truth.values
    error = float(np.linalg.norm(difference) / np.linalg.norm(truth.values.astype(float)))
    units = numbers.units(str(scores["output_units"].values[index]))
    return Example(
        output, units, truth.values, prediction.values, axes[-1], axes[-2] if truth.ndim > 1 else None, error
    )
