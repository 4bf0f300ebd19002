"""Pictures of some runs of every field: frames where there is a time axis, images, or lines."""

from __future__ import annotations

import numpy as np

from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.run_pictures import Line, images, lines
from surecast.report.sections.section import Section, file_stem

SHOWN, COLUMNS = 6, 3
"""Runs of a field without frames, and how many of them side by side."""
FRAMED = 3
"""Runs whose frames are shown, and..."""
FRAMES = 4
"""...how many frames of each."""
LINES = 12
"""Runs shown as lines."""
POINTS = 128
"""Most points of an image along an axis; of more, every second, third, ... is shown."""


def runs_section(data: CardData) -> Section | None:
    """Build the section; None for a dataset without fields, or without runs."""
    good = data.good_runs()
    if not data.fields() or not good:
        return None
    drawn = [found for name in data.fields() if (found := _field(data, name, good)) is not None]
    figures = [{"drawing": drawing, "caption": caption} for drawing, caption in drawn]
    missing = [name for name in data.fields() if name in data.unreadable]
    content = {"figures": figures, "missing": missing}
    return Section("runs", "Some of the runs", content, [drawing for drawing, _ in drawn])


def some_runs(good: dict[str, np.ndarray], most: int) -> list[tuple[str, int]]:
    """The first runs of every split, as many of each as there is room for."""
    each = [most // len(good) + (place < most % len(good)) for place in range(len(good))]
    return [(split, int(run)) for (split, runs), count in zip(good.items(), each, strict=True) for run in runs[:count]]


def _field(data: CardData, name: str, good: dict[str, np.ndarray]) -> tuple[Drawing, str] | None:
    """Picture and caption of a field; None where it cannot be read."""
    dims = data.layouts[name].dims[1:]
    most = LINES if len(dims) == 1 else FRAMED if "time" in dims and len(dims) > 2 else SHOWN
    chosen = some_runs(good, most)
    values = data.values(name, np.array([run for _, run in chosen]))
    if values is None:
        return None
    attributes = data.attributes(name)
    unit = numbers.units(str(attributes.get("units", "1")))
    title = name + (f", {unit}" if unit else "")
    values, axes, said = _cut(data, name, values)
    places = [_places(data, axis, size) for axis, size in zip(axes, values.shape[1:], strict=True)]
    if len(axes) == 1:
        courses = [Line(split, line) for (split, _), line in zip(chosen, values, strict=True)]
        drawing = lines(file_stem("runs", name), title, _axis(data, axes[0]), places[0], courses)
    else:
        for axis in (-1, -2):
            if places[axis][0] > places[axis][-1]:  # to the right and upwards, whichever way they are stored
                values, places[axis] = np.flip(values, axis), places[axis][::-1]
            if (step := -(-values.shape[axis] // POINTS)) > 1:
                values = values.take(np.arange(0, values.shape[axis], step), axis)
                said.append(f"every {_ordinal(step)} point along {axes[axis]}")
        drawing = _images(data, file_stem("runs", name), title, values, axes, places, chosen)
        said.insert(0, f"{_axis(data, axes[-1])} to the right, {_axis(data, axes[-2])} upwards")
    long_name = str(attributes.get("long_name", name))
    return drawing, "; ".join([long_name[:1].upper() + long_name[1:], *said]) + "."


def _cut(data: CardData, name: str, values: np.ndarray) -> tuple[np.ndarray, list[str], list[str]]:
    """Values whose time comes first, cut through the middle of what a page has no room for; the axes left; words."""
    axes, said = list(data.layouts[name].dims[1:]), []
    if "time" in axes:
        values = np.moveaxis(values, 1 + axes.index("time"), 1)
        axes = ["time", *(axis for axis in axes if axis != "time")]
    first = int("time" in axes and len(axes) > 2)
    while len(axes) > 2 + first:
        axis, size = axes.pop(first), values.shape[1 + first]
        values = values.take(size // 2, axis=1 + first)
        said.append(f"cut at {_at(data, axis, _places(data, axis, size)[size // 2])}")
    return values, axes, said


def _images(
    data: CardData,
    stem: str,
    title: str,
    values: np.ndarray,
    axes: list[str],
    places: list[np.ndarray],
    chosen: list[tuple[str, int]],
) -> Drawing:
    """Frames in rows, or images of some runs (run, [time,] y, x)."""
    y, x = places[-2:]
    spatial = "time" not in axes[-2:]  # seconds and metres have no common scale
    extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1])) if spatial else (0.0, 1.0, 0.0, 1.0)
    labels = [f"{split} {run}" for split, run in chosen]
    if len(axes) == 3:
        frames = np.unique(np.linspace(0, values.shape[1] - 1, FRAMES).round().astype(int))
        times = [_at(data, "time", places[0][frame]) for frame in frames]
        headings = [[label, *([""] * (len(frames) - 1))] for label in labels]
        shown = [[run[frame] for frame in frames] for run in values]
        return images(stem, title, shown, headings=headings, above=times, extent=extent)
    starts = range(0, len(chosen), COLUMNS)
    shown = [list(values[start : start + COLUMNS]) for start in starts]
    headings = [labels[start : start + COLUMNS] for start in starts]
    return images(stem, title, shown, headings=headings, extent=extent)


def _places(data: CardData, axis: str, size: int) -> np.ndarray:
    """Coordinate of an axis, or the numbers of its points where it has none that is a number."""
    values = data.values(axis) if axis in data.layouts else None
    if values is None or values.dtype.kind not in "fiu":
        return np.arange(size, dtype=float)
    return values.astype(float)


def _axis(data: CardData, axis: str) -> str:
    unit = numbers.units(str(data.attributes(axis).get("units", "1"))) if axis in data.layouts else ""
    return f"{axis} ({unit})" if unit else axis


def _at(data: CardData, axis: str, value: float) -> str:
    unit = numbers.units(str(data.attributes(axis).get("units", "1"))) if axis in data.layouts else ""
    return f"{'t' if axis == 'time' else axis} = {numbers.number(float(value), 3)} {unit}".rstrip()


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
