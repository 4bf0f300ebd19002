"""What a section of the page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surecast.report.figures.canvas import Drawing
from surecast.report.tables import Table


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes
    ----------
    name : str
        Anchor on the page and stem of the template ``templates/<name>.html``.
    title : str
        Heading.
    content : mapping
        What the template shows.
    drawings, tables : lists
        What is also written as files.
    """

    name: str
    title: str
    content: Mapping[str, Any]
    drawings: list[Drawing] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def file_stem(*words: str) -> str:
    """A name for a file and an anchor from any words: lower-case letters, digits and hyphens."""
    text = "-".join(
        "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in word) for word in words
    )
    return "-".join(part for part in text.lower().split("-") if part)
