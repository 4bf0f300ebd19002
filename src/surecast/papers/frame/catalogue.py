"""Which papers there are, found by their files; and what decides the result of each. Imports nothing heavy."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from surecast.study import digest
from surecast.study.code import PACKAGE, code_digest, code_files
from surecast.study.errors import ComponentError
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    from surecast.papers.frame.paper import Paper

FOLDER = Path(__file__).resolve().parents[1]
FRAME = ("surecast.papers.frame.run", "surecast.study.laws.continuous")
"""What every paper's result depends on beside its own code; the laws are named by text, which no import shows."""


def slugs() -> list[str]:
    """Slugs of all papers, sorted."""
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.name != "__init__.py")


def module(slug: str) -> str:
    """Module of a paper."""
    return f"surecast.papers.{slug.replace('-', '_')}"


def paper(slug: str) -> Paper:
    """The paper of a slug.

    Raises
    ------
    ComponentError
        If there is no file of that name, or it states no paper of that slug.
    """
    from surecast.papers.frame.paper import Paper

    if slug not in slugs():
        raise ComponentError(f"there is no paper {slug!r}.", suggestion(slug, slugs()))
    found = getattr(importlib.import_module(module(slug)), "PAPER", None)
    if not isinstance(found, Paper) or found.slug != slug:
        raise ComponentError(
            f"{module(slug)} states no paper of the slug {slug!r}.",
            f'write PAPER = Paper(slug="{slug}", ...) there, as surecast.papers.frame.paper says.',
        )
    return found


@functools.cache
def fingerprint(slug: str, lock: str, script: str) -> dict[str, str]:
    """What decides the result of a paper: its code and all that it imports, data beside that code, the lock file.

    Parameters
    ----------
    slug : str
        Of the paper.
    lock, script : str
        Digests of the lock file and of the script that runs it.
    """
    targets = (module(slug), *FRAME)
    folders = {path.parent for path in code_files(targets).values()}
    files = [path for folder in folders for path in folder.glob("*.json")]
    code = digest.of_json([code_digest(targets), script])
    data = {f"{path.parent.name}/{path.name}": digest.of_file(path) for path in files}
    return {"slug": slug, "code": code, "data": digest.of_json(data), "lock": lock}


def page_code(script: str) -> str:
    """Digest of the code of the page and its script, and of what is no Python: what it looks like, what it cites."""
    report = PACKAGE / "report"
    files = (
        FOLDER / "frame" / "templates" / "papers.html",
        report / "templates" / "page.css",
        report / "references.bib",
    )
    return digest.of_json([code_digest(("surecast.papers.frame.page",)), script, *map(digest.of_file, files)])
