"""Fields: moments of whole fields over their grids, with intervals named pointwise or simultaneous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.report import numbers
from surecast.report.estimates import Answers
from surecast.report.figures.field_moments import FieldMoment, field_moment
from surecast.report.sections.section import Section, file_stem

if TYPE_CHECKING:
    import xarray as xr

KINDS = {"pointwise": "", "simultaneous": "_band"}


def fields_section(answers: Sequence[Answers]) -> Section | None:
    """One figure a moment of a field; None where none was asked for."""
    figures, drawings, bands = [], [], False
    for answer in answers:
        for name, moment in field_moments(answer.arrays):
            drawings.append(field_moment(file_stem("field", answer.question, name), moment))
            bands |= "simultaneous" in moment.ends
            half = {kind: moment.half_width(kind) for kind in moment.ends}
            units = f" {moment.units}" if moment.units else ""
            reading = [
                f"{kind.capitalize()} intervals: half-width {numbers.number(float(width.min()), 2)} to "
                f"{numbers.number(float(width.max()), 2)}{units} over {width.size:,} points."
                for kind, width in half.items()
            ]
            caption = f"Question “{answer.question}”, intervals at the {100 * moment.level:g} % level."
            figures.append({"drawing": drawings[-1], "reading": reading, "caption": caption})
    content = {"figures": figures, "bands": bands}
    return Section("fields", "Fields", content, drawings) if drawings else None


def field_moments(arrays: xr.Dataset | None) -> Iterator[tuple[str, FieldMoment]]:
    """The moments of fields that an answer holds, each by its variable's name; a time axis is shown at its end."""
    for name in map(str, arrays.data_vars if arrays is not None else ()):
        assert arrays is not None
        if f"{name}_low" not in arrays or f"{name}_high" not in arrays or "interval" in arrays[name].attrs:
            continue
        ends = {kind: (f"{name}{part}_low", f"{name}{part}_high") for kind, part in KINDS.items()}
        found = arrays[[name, *(end for pair in ends.values() for end in pair if end in arrays)]]
        title = str(found[name].attrs.get("long_name", name))
        while found[name].ndim > 2:
            first = str(found[name].dims[0])
            found = found.isel({first: -1})
            title += f", last {first}"
        yield (
            name,
            FieldMoment(
                title[:1].upper() + title[1:],
                numbers.units(str(found[name].attrs.get("units", "1"))),
                found[name].values,
                {
                    kind: (found[low].values, found[high].values)
                    for kind, (low, high) in ends.items()
                    if low in found and high in found
                },
                {str(dim): _coordinate(found[name], str(dim)) for dim in found[name].dims},
                float(found[f"{name}_low"].attrs.get("level", 0.95)),
            ),
        )


def _coordinate(values: xr.DataArray, dim: str) -> np.ndarray:
    known = dim in values.coords and np.issubdtype(values[dim].dtype, np.number)
    return np.asarray(values[dim].values if known else np.arange(values.sizes[dim]), dtype=float)
