"""One drawing, two papers: SVG whose colours follow the page's theme, and PDF in the light colours.

Every colour is drawn by its light value and written into the SVG as a CSS variable, so that the
same drawing is right in the light and the dark theme and its text is set in the reader's own font.
"""

from __future__ import annotations

import io
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.report.figures.beside import Pending
from surecast.report.figures.fonts import embedded_once
from surecast.study.files import written_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Name of the CSS variable -> its light value. The series are Okabe and Ito's colours, darkened where they are
# lines on white: they stay apart for readers with any of the common colour vision deficiencies.
PALETTE = {
    "paper": "#fefefe",
    "ink": "#1b1f24",
    "muted": "#5b6470",
    "hairline": "#d5d9df",
    "series-1": "#0b62a4",
    "series-2": "#c8500a",
    "series-3": "#00805d",
    "series-4": "#a8518a",
    "series-5": "#946c00",
    "series-6": "#3a8fc4",
}
SERIES = [colour for name, colour in PALETTE.items() if name.startswith("series-")]
MARKERS = ["o", "s", "D", "^", "v", "P"]
DASHES: list[str | tuple[int, tuple[float, ...]]] = [
    "-",
    (0, (5, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    "-",
    (0, (3, 1)),
]

_SETTINGS = {
    "font.size": 12.0,
    "axes.titlesize": 12.5,
    "axes.labelsize": 12.0,
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0,
    "legend.fontsize": 11.0,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.edgecolor": PALETTE["muted"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.titlecolor": PALETTE["ink"],
    "axes.titlelocation": "left",
    "axes.titlepad": 9.0,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": PALETTE["hairline"],
    "grid.linewidth": 0.7,
    "xtick.color": PALETTE["hairline"],
    "ytick.color": PALETTE["hairline"],
    "xtick.labelcolor": PALETTE["muted"],
    "ytick.labelcolor": PALETTE["muted"],
    "text.color": PALETTE["ink"],
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "image.interpolation": "none",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "text.usetex": False,
    "text.parse_math": False,  # names are the user's: a dollar sign is a dollar sign
}


class Drawing:
    """A matplotlib figure, `width` by `height` in CSS pixels, outside pyplot.

    Use as a context: the project's settings hold while the figure is drawn and written.

    Parameters
    ----------
    name : str
        Stem of the PDF, unique on the page (identifiers within the SVG derive from it).
    width, height : float
        Size in CSS pixels; the page scales it to the column.
    description : str
        What a reader who does not see the figure should know.
    printed : bool
        Whether it is wanted as PDF too.
    """

    def __init__(self, name: str, width: float, height: float, description: str, printed: bool = True) -> None:
        self.name, self.width, self.height, self.description = name, width, height, description
        self.printed = printed

    def __enter__(self) -> Drawing:
        from matplotlib import style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        # "default" first: settings of the reader's own matplotlibrc must not change the page.
        self._context = style.context(["default", _SETTINGS | {"svg.hashsalt": self.name}])
        self._context.__enter__()
        self.figure: Figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72, layout="constrained")
        FigureCanvasAgg(self.figure)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        try:
            if kind is None:
                self._rendered = Pending(self._render)
        finally:
            self._context.__exit__(None, None, None)
            del self.figure

    def axes(self, rows: int = 1, columns: int = 1, **options: object) -> list[Axes]:
        """A grid of axes, row by row."""
        return list(self.figure.subplots(rows, columns, squeeze=False, **options).ravel())  # type: ignore[call-overload]

    @property
    def svg(self) -> str:
        """The SVG element for the page, once the context has been left."""
        return self._rendered.wait()[0].decode()

    def _render(self) -> tuple[bytes, bytes]:
        # Laid out once, for both; with an engine left, matplotlib would draw twice for each.
        self.figure.get_layout_engine().execute(self.figure)  # type: ignore[union-attr]
        self.figure.set_layout_engine(None)
        return self._render_svg().encode(), self._render_pdf() if self.printed else b""

    def _render_svg(self) -> str:
        buffer = io.StringIO()
        self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        text = buffer.getvalue()
        text = text[text.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
        named = set(re.findall(r"#([\w-]+)", text))
        text = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in named else "", text)
        text = re.sub(r'<svg[^>]*viewBox="([^"]*)"[^>]*>', self._opening, text, count=1)
        text = re.sub(r"font-family: [^;\"]*; ?", "", text)
        text = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text)
        # Identifiers of one figure must not meet those of another on the same page.
        text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{self.name}-", text)
        for name, colour in PALETTE.items():
            text = text.replace(colour, f"var(--{name})")
        return re.sub(r"\s*\n\s*", "\n", text).strip()

    def _opening(self, match: re.Match[str]) -> str:
        return f'<svg viewBox="{match[1]}" role="img" aria-label="{escape(self.description, quote=True)}">'

    def _render_pdf(self) -> bytes:
        buffer = io.BytesIO()
        # Without dates the same figure gives the same bytes.
        with embedded_once():
            self.figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "ModDate": None})
        return buffer.getvalue()

    def write_pdf(self, folder: Path) -> Path:
        """Write ``<name>.pdf`` into `folder`."""
        path = folder / f"{self.name}.pdf"
        with written_aside(path) as aside:
            aside.write_bytes(self._rendered.wait()[1])
        return path


def log_axis(axis: Axis, values: np.ndarray, unit: str = "") -> None:
    """A logarithmic axis around positive values, labelled at 1, 2 and 5 times powers of ten where there is room."""
    from matplotlib.ticker import LogLocator, NullLocator

    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size == 0:
        return
    (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
    roomy = float(positive.max()) < 100 * float(positive.min())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if roomy else (1.0,)))
    axis.set_major_formatter(lambda value, _: f"{value:g}{unit}")
    axis.set_minor_locator(NullLocator())  # a mark without a label says little and takes as long to draw
