"""Write the card of a dataset: one page with what was simulated, what the checker finds, and pictures.

surecast card groundwater                        results/groundwater/card.html, as does snakemake with that target
surecast card elsewhere/dataset.json card.html   of any dataset, without its study
"""

from __future__ import annotations

import argparse
from pathlib import Path

from surecast.cli.export import manifest_of
from surecast.study import digest
from surecast.study.code import PACKAGE, code_digest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast card`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("study", help="name or path of the study file, or path of a dataset.json")
    parser.add_argument("file", nargs="?", help="where to write (card.html beside the dataset.json)")


def run(options: argparse.Namespace) -> int:
    """Write the page and say what the checker found; 1 if there are faults.

    Raises
    ------
    SurecastError
        If there is no dataset, or nothing of it can be read; nothing is written then.
    """
    manifest = manifest_of(options.study)
    path = Path(options.file) if options.file else manifest.with_name("card.html")
    from surecast.report.card import write_card

    found = write_card(manifest, path)
    print(f"{path}: written from {manifest}; {len(found.faults)} faults, {len(found.remarks)} remarks")
    for fault in found.faults:
        print(f"  fault        {fault}")
    return 1 if found.faults else 0


def card_code(script: str) -> str:
    """Digest of what makes a card: its code and script (of which the digest is given), and what it looks like."""
    templates = PACKAGE / "report" / "templates"
    files = (templates / "page.css", templates / "page.html", *sorted((templates / "card").glob("*.html")))
    return digest.of_json([code_digest(("surecast.report.card",)), script, *map(digest.of_file, files)])
