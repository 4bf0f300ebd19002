"""Fonts in PDFs: one part of a font for all figures with usual characters, a part of its own for any other."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path

import pytest

from surecast.report.figures import fonts
from surecast.report.figures.canvas import Drawing


def embedded(text: str, folder: Path) -> set[bytes]:
    """The different fonts in the PDF of a figure with this text."""
    with Drawing("words", 300, 200, "words") as drawing:
        drawing.axes()[0].set_title(text)
    data = drawing.write_pdf(folder).read_bytes()
    streams = [zlib.decompress(found) for found in re.findall(rb"stream\n(x.*?)\nendstream", data, re.DOTALL)]
    return {stream for stream in streams if stream[:4] == b"\0\1\0\0"}


def test_the_common_part_draws_its_characters_as_the_whole_font_and_holds_little_else():
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font, LoadFlags

    path = font_manager.fontManager.findfont(font_manager.FontProperties(family="DejaVu Sans"))
    part = fonts.common_part(path)
    whole, cut = FT2Font(path), FT2Font(io.BytesIO(part.data))
    for character in fonts.CHARACTERS:
        glyph = whole.get_char_index(ord(character))
        for font, index in ((whole, glyph), (cut, part.glyph_index_map[glyph])):
            font.load_glyph(index, flags=LoadFlags.NO_SCALE | LoadFlags.NO_HINTING)
        (points, codes), (others, their_codes) = whole.get_path(), cut.get_path()
        assert (points == others).all(), character
        assert (codes == their_codes).all(), character
    assert len(part.glyph_index_map) < 2 * len(fonts.CHARACTERS)
    assert len(part.data) < 60_000


def test_figures_with_usual_characters_hold_the_same_part(tmp_path):
    assert embedded("one", tmp_path) == embedded("another figure: efficient, 1 ± 2 \N{MINUS SIGN} ≤ 3 m²", tmp_path)


@pytest.mark.parametrize("text", ["Ж", "ζ and ½"])
def test_a_figure_with_others_has_a_part_of_its_own(tmp_path, text):
    from fontTools.ttLib import TTFont

    usual, own = embedded("one", tmp_path), embedded(text, tmp_path)
    assert usual != own
    held = [TTFont(io.BytesIO(font)).getBestCmap() for font in own]
    assert all(any(ord(character) in one for one in held) for character in text if not character.isspace())
