"""The card of a dataset: one page with all that a reader must know before using it, and pictures of what is in it.

It is made from the dataset alone (``dataset.json`` and the store), which is read once to be checked: whoever has the
dataset can make its card, without the study.
"""

from __future__ import annotations

from pathlib import Path

from surecast.assemble.audit import Audit, audit
from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.figures import beside
from surecast.report.page import render_card
from surecast.report.sections.checks import checks_section
from surecast.report.sections.contents import contents_section
from surecast.report.sections.digests import digests_section
from surecast.report.sections.distributions import distributions_section
from surecast.report.sections.runs import runs_section
from surecast.report.sections.variables import variables_section
from surecast.study.files import write_text


def write_card(manifest: str | Path, output: str | Path, processes: int = 1) -> Audit:
    """Check a dataset and write its card; the same dataset gives the same bytes.

    Parameters
    ----------
    manifest : path
        ``dataset.json``.
    output : path
        Where the page goes.
    processes : int
        How many draw figures at once; no byte depends on it.

    Returns
    -------
    Audit
        What the checker found; a damaged variable is not shown, and the page says why.

    Raises
    ------
    DataError
        If the manifest or the metadata of the store are not what was written.
    """
    found = audit(manifest)
    data = CardData(manifest)
    with beside.processes(processes):
        made = [
            contents_section(data),
            checks_section(found),
            runs_section(data),
            distributions_section(data),
            variables_section(data),
            digests_section(data),
        ]
    sections = [section for section in made if section is not None]
    equation = str(data.content.get("card", {}).get("equation", ""))
    page = render_card(str(data.content["study"]), equation, _summary(data, found), sections, data.manifest.digest)
    write_text(output, page)
    return found


def _summary(data: CardData, found: Audit) -> list[tuple[str, str]]:
    size = sum(layout.bytes_per_run * layout.shape[0] for layout in data.layouts.values())
    failed = sum(int(known["failed"]) for known in data.content["splits"].values())
    errors = {name: float(known["relative_l2"]) for name, known in dict(data.content["discretisation_error"]).items()}
    summary = [
        ("runs", numbers.count(int(data.content["runs"]))),
        ("failed", numbers.count(failed)),
        ("size", numbers.size(size)),
    ]
    if errors:
        worst = max(errors, key=lambda name: errors[name])
        summary.append(("largest discretisation error", f"{numbers.percent(errors[worst])} ({worst})"))
    summary.append(("faults", str(len(found.faults))))
    return summary
