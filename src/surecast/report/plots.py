"""The report's figures of one answer, for a notebook or a script.

    from surecast.report import plot
    plot(answer)                          # in a notebook: shows every figure that the answer has the data for
    plot(answer).save("figures", "pdf")   # in a script

How estimates settled with their intervals; moments of fields with theirs; Sobol indices as bars; where a rare event
lies, with the modes found, and how much each run weighs; surrogate against simulator.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.report.estimates import answers_of
from surecast.report.figures.canvas import PALETTE, Drawing
from surecast.report.sections.agreement import agreement_section
from surecast.report.sections.convergence import convergence_section
from surecast.report.sections.events import events_section
from surecast.report.sections.fields import fields_section
from surecast.report.sections.sensitivities import sensitivities_section
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_text

if TYPE_CHECKING:
    import xarray as xr

SUFFIXES = ("svg", "pdf")


class Plots:
    """Figures by name; shown by notebooks, written by `save`."""

    def __init__(self, drawings: list[Drawing]) -> None:
        self.drawings = {drawing.name: drawing for drawing in drawings}

    def __len__(self) -> int:
        return len(self.drawings)

    def __iter__(self) -> Iterator[str]:
        return iter(self.drawings)

    def __getitem__(self, name: str) -> Plots:
        """One figure alone."""
        return Plots([self.drawings[name]])

    def __repr__(self) -> str:
        return f"Plots: {', '.join(self.drawings) or 'none'}"

    def _repr_html_(self) -> str:
        return "\n".join(standalone(drawing) for drawing in self.drawings.values())

    def save(self, folder: str | Path, suffix: str = "svg") -> list[Path]:
        """Write every figure into a folder, as ``svg`` or ``pdf``.

        Raises
        ------
        DataError
            If the suffix is another.
        """
        if suffix not in SUFFIXES:
            raise DataError(f"{suffix!r} is no kind of figure.", f"use {' or '.join(SUFFIXES)}.")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if suffix == "pdf":
            return [drawing.write_pdf(folder) for drawing in self.drawings.values()]
        paths = [folder / f"{name}.svg" for name in self.drawings]
        for path, drawing in zip(paths, self.drawings.values(), strict=True):
            write_text(path, standalone(drawing))
        return paths


def plot(result: xr.Dataset | str | Path) -> Plots:
    """Every figure that an answer has the data for.

    Parameters
    ----------
    result : xarray.Dataset or path
        What `surecast.quantify.estimate` gave, or ``estimates/<question>.nc``.

    Raises
    ------
    DataError
        If a file is torn, or what is given holds no estimates.
    """
    dataset = read_dataset(result) if isinstance(result, (str, Path)) else result
    if not {"estimator", "convergence_runs"} <= set(getattr(dataset, "data_vars", ())):
        raise DataError(
            "this holds no estimates.", "give what surecast.quantify.estimate returned, or estimates/<question>.nc."
        )
    answers = answers_of(dataset)
    made = (convergence_section, sensitivities_section, fields_section, events_section, agreement_section)
    sections = [section([answers]) for section in made]
    return Plots([drawing for section in sections if section is not None for drawing in section.drawings])


def standalone(drawing: Drawing) -> str:
    """The SVG with its light colours, size and font in it: right outside the page too."""
    text = drawing.svg
    for name, colour in PALETTE.items():
        text = text.replace(f"var(--{name})", colour)
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{drawing.width:g}" height="{drawing.height:g}" '
        f'style="background: {PALETTE["paper"]}; font-family: system-ui, sans-serif"'
    )
    return text.replace("<svg", opening, 1) + "\n"
