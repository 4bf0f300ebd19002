"""Pictures of some runs of every field: frames where there is a time axis, images, or lines."""

from __future__ import annotations

import numpy as np

from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.run_pictures import Line, images, lines
from surecast.report.sections.section import Section, file_stem

SHOWN = 6
"""Runs of a field without frames."""
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
    layout = data.layouts[name]
    axes = list(layout.dims[1:])
    framed = "time" in axes and len(axes) > 2
    chosen = some_runs(good, FRAMED if framed else SHOWN if len(axes) > 1 else LINES)
    values = data.values(name, np.array([run for _, run in chosen]))
    places = {axis: _places(data, axis, size) for axis, size in zip(axes, layout.shape[1:], strict=True)}
    if values is None:
        return None
    said = []
    if "time" in axes:
        values = np.moveaxis(values, 1 + axes.index("time"), 1)
        axes = ["time", *(axis for axis in axes if axis != "time")]
    while len(axes) > 2 + framed:  # a cut through the middle of what a page has no room for
        axis = axes.pop(int(framed))
        middle = values.shape[1 + framed] // 2
        values = values.take(middle, axis=1 + framed)
        said.append(f"cut at {_at(data, axis, places[axis][middle])}")
    attributes = data.attributes(name)
    unit = numbers.units(str(attributes.get("units", "1")))
    title = name + (f", {unit}" if unit else "")
    stem = file_stem("runs", name)
    if len(axes) == 1:
        shown = [Line(split, line) for (split, _), line in zip(chosen, values, strict=True)]
        drawing = lines(stem, title, _axis(data, axes[0]), places[axes[0]], shown)
    else:
        steps = [-(-size // POINTS) for size in values.shape[-2:]]
        said += [
            f"every {_ordinal(step)} point along {axis}"
            for axis, step in zip(axes[-2:], steps, strict=True)
            if step > 1
        ]
        values = values[..., :: steps[0], :: steps[1]]
        x, y = places[axes[-1]], places[axes[-2]]
        extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
        labels = [f"{split} {run}" for split, run in chosen]
        if framed:
            frames = np.unique(np.linspace(0, values.shape[1] - 1, FRAMES).round().astype(int))
            times = [_at(data, "time", places["time"][frame]) for frame in frames]
            headings = [times, *([""] * len(frames) for _ in labels[1:])]
            drawing = images(
                stem, title, [[run[frame] for frame in frames] for run in values],
                headings=headings, sides=labels, extent=extent,
            )  # fmt: skip
        else:
            columns = 3 if len(chosen) > 1 else 1
            starts = range(0, len(chosen), columns)
            drawing = images(
                stem, title, [list(values[start : start + columns]) for start in starts],
                headings=[labels[start : start + columns] for start in starts], extent=extent,
            )  # fmt: skip
        said.insert(0, f"{_axis(data, axes[-1])} to the right, {_axis(data, axes[-2])} upwards")
    long_name = str(attributes.get("long_name", name))
    return drawing, "; ".join([long_name[:1].upper() + long_name[1:], *said]) + "."


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
