"""The page of papers: each claim beside its measurement, replicated or not, in one HTML file by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from surecast.report import numbers
from surecast.report.citations import publications
from surecast.report.page import TEMPLATES as REPORT_TEMPLATES
from surecast.study.files import read_json, write_text

TEMPLATES = Path(__file__).parent / "templates"


def write_page(results: Iterable[str | Path], output: str | Path) -> None:
    """Write ``index.html`` from the results of papers.

    Parameters
    ----------
    results : iterable of path
        ``<slug>.json`` as `surecast.papers.frame.run` writes them.
    output : path
        The page.

    Raises
    ------
    DataError
        If a file is not what was written.
    """
    write_text(output, render([read_json(path) for path in results]))


def render(results: Iterable[Mapping[str, Any]]) -> str:
    """The page as text; papers in the order of their slugs."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = (REPORT_TEMPLATES / "page.css").read_text(encoding="utf-8")
    papers = [_shown(result) for result in sorted(results, key=lambda result: str(result["slug"]))]
    replicated = sum(paper["replicated"] for paper in papers)
    return environment.get_template("papers.html").render(papers=papers, replicated=replicated, css=css).rstrip() + "\n"


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    control = result["control"]
    rows = [
        {
            "name": name,
            "text": text,
            "measured": numbers.number(result["measured"][name]),
            "spread": "" if result["spread"][name] is None else numbers.number(result["spread"][name], 2),
            "seeds": result["seeds"][name],
            "threshold": _threshold(result["threshold"][name]),
            "control": numbers.number(control["measured"][name]) if name in control["measured"] else "",
            "held": result["held"][name],
        }
        for name, text in result["criteria"].items()
    ]
    known = publications()
    key = str(result["reference"])
    return {
        **{key: result[key] for key in ("slug", "title", "claim", "check", "note", "replicated", "reasons")},
        "reference": known[key].text if key in known else key,
        "rows": rows,
        "control": control["description"],
        "beside": [(name, numbers.number(value)) for name, value in result["beside"].items()],
        "seconds": numbers.number(result["seconds"], 2),
    }


def _threshold(threshold: Mapping[str, float]) -> str:
    ((kind, value),) = threshold.items()
    return f"{'≤' if kind == 'at_most' else '≥'} {numbers.number(value)}"
