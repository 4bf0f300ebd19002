"""Fonts in PDFs: one part of a font that serves all figures, cut out once.

Matplotlib cuts out of a font what each figure shows, which takes longer than to draw the figure. Here the part holds
every character that figures of this project are likely to show, and is cut out once a process. A figure that shows
others has a part of its own: what a PDF holds depends on the figure alone.
"""

from __future__ import annotations

import contextlib
import functools
import string
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

CHARACTERS = (
    string.ascii_letters + string.digits + string.punctuation + " "
    "\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{HORIZONTAL ELLIPSIS}\N{MULTIPLICATION SIGN}\N{PLUS-MINUS SIGN}"
    "\N{MICRO SIGN}\N{DEGREE SIGN}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}\N{LESS-THAN OR EQUAL TO}"
    "\N{GREATER-THAN OR EQUAL TO}\N{MIDDLE DOT}\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LATIN SMALL LIGATURE FF}\N{LATIN SMALL LIGATURE FI}\N{LATIN SMALL LIGATURE FL}\N{LATIN SMALL LIGATURE FFI}"
    "\N{LATIN SMALL LIGATURE FFL}"
)  # fmt: skip
UNUSED = ("GDEF", "GPOS", "GSUB", "MATH")
"""Tables by which text is set; a PDF names the glyphs that it shows, and where."""


class Part(SimpleNamespace):
    """Part of a font, with what matplotlib asks of one: ``font.save(file)`` and ``glyph_index_map``."""

    def __init__(self, data: bytes, glyph_index_map: dict[int, int]) -> None:
        super().__init__(font=self, data=data, glyph_index_map=glyph_index_map)

    def save(self, file: Any, reorderTables: bool | None = None) -> None:
        """Write the font."""
        file.write(self.data)


@contextlib.contextmanager
def embedded_once() -> Iterator[None]:
    """Let matplotlib (3.11) embed the common part of a font where that serves."""
    from matplotlib.backends import _backend_pdf_ps as pdf

    cut = pdf.get_glyphs_subset

    def part(font: Any, glyphs: Any) -> Any:  # of a set of glyphs, or a view of some
        common = common_part(font)
        return contextlib.nullcontext(common) if {*glyphs} <= {*common.glyph_index_map} else cut(font, glyphs)

    pdf.get_glyphs_subset = part  # type: ignore[assignment]
    try:
        yield
    finally:
        pdf.get_glyphs_subset = cut


@functools.cache
def common_part(font: Any) -> Part:
    """The part of a font (a path as matplotlib has it) with `CHARACTERS`, as far as it has them."""
    import io

    from fontTools import subset

    options = subset.Options(glyph_names=True, recommended_glyphs=True, font_number=font.face_index)
    options.drop_tables += [*UNUSED, "FFTM"]
    whole = subset.load_font(font, options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=CHARACTERS)
    cutter.subset(whole)
    file = io.BytesIO()
    whole.save(file, reorderTables=False)
    return Part(file.getvalue(), dict(cutter.glyph_index_map))


def prepare() -> None:
    """Cut the common part out of the font of figures now, before copies of this process would each do it."""
    from matplotlib import font_manager

    common_part(font_manager.fontManager.findfont(font_manager.FontProperties(family="DejaVu Sans")))
