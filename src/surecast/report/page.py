"""The page: sections into one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from surecast.report.sections.section import Section

TEMPLATES = Path(__file__).parent / "templates"


def render(
    name: str, title: str, description: str, summary: Sequence[tuple[str, str]], sections: Sequence[Section]
) -> str:
    """The page as text.

    Parameters
    ----------
    name, title, description : str
        Of the study; every text is escaped.
    summary : sequence of (term, value)
        The few figures under the title.
    sections : sequence of Section
        In reading order; each is shown by the template of its name.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    page = environment.get_template("page.html")
    return page.render(
        name=name, title=title or name, description=description, summary=summary, sections=sections, css=css
    ).rstrip() + "\n"  # fmt: skip
