"""The pages: sections into one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surecast.report.sections.section import Section

TEMPLATES = Path(__file__).parent / "templates"


def render(
    name: str, title: str, description: str, summary: Sequence[tuple[str, str]], sections: Sequence[Section]
) -> str:
    """The report as text.

    Parameters
    ----------
    name, title, description : str
        Of the study; every text is escaped.
    summary : sequence of (term, value)
        The few figures under the title.
    sections : sequence of Section
        In reading order; each is shown by the template of its name.
    """
    return _render(
        "page.html", "", name=name, title=title or name, description=description, summary=summary, sections=sections
    )


def render_card(
    name: str, equation: str, summary: Sequence[tuple[str, str]], sections: Sequence[Section], digest: str
) -> str:
    """The card of a dataset as text: as `render`, with templates of its own for its sections."""
    return _render(
        "card/page.html", "card/",
        name=name, title=name, description=equation, summary=summary, sections=sections, digest=digest,
    )  # fmt: skip


def _render(template: str, folder: str, **content: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(css=css, folder=folder, **content).rstrip() + "\n"
