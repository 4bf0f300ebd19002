"""Run one paper's check, judge it by the bounds that it stated beforehand, and write ``results/papers/<slug>.json``."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.study.errors import SurecastError
from surecast.study.files import write_json


def run_paper(paper: Paper, output: str | Path, fingerprint: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Measure, judge and write.

    Parameters
    ----------
    paper : Paper
        See `surecast.papers.frame.paper`.
    output : path
        The JSON file.
    fingerprint : mapping, optional
        Digests of what decided the result, kept in the file.

    Returns
    -------
    dict
        slug, title, reference, claim, check, note, and by criterion: criteria (words), measured (mean over the
        seeds), spread (standard deviation over the seeds, null for one value), seeds, threshold (``at_most`` or
        ``at_least``), held; control (description, measured, held); beside, replicated, reasons, seconds.

    Raises
    ------
    SurecastError
        If the check gave no finite value of a stated criterion: that is a defect, not a failed claim.
    """
    start = time.perf_counter()
    measured = paper.measure()
    seconds = time.perf_counter() - start
    content = judged(paper, measured)
    content |= {"seconds": round(seconds, 1), "fingerprint": dict(fingerprint or {})}
    write_json(output, content)
    return content


def judged(paper: Paper, measured: Measured) -> dict[str, Any]:
    """The content of the file without the seconds."""
    if set(measured.values) != set(paper.criteria) or not set(measured.control) <= set(paper.criteria):
        raise SurecastError(
            f"paper {paper.slug}: measured {sorted(measured.values)}, stated {sorted(paper.criteria)}.",
            "measure every criterion that is stated, and state every one that is measured.",
        )
    values = {name: _values(paper, name, measured.values[name]) for name in paper.criteria}
    control = {name: _values(paper, name, found) for name, found in measured.control.items()}
    held = {name: criterion.holds(_mean(values[name])) for name, criterion in paper.criteria.items()}
    control_held = {name: paper.criteria[name].holds(_mean(found)) for name, found in control.items()}
    reasons = [
        f"{name} is {_mean(values[name]):.3g}, {_bound(paper.criteria[name])}" for name in held if not held[name]
    ]
    reasons += [
        f"the negative control keeps the bound of {name} too, so it shows nothing"
        for name, holds in control_held.items()
        if holds
    ]
    return {
        "slug": paper.slug,
        "title": paper.title,
        "reference": paper.reference,
        "claim": paper.claim,
        "check": paper.check,
        "note": paper.note,
        "criteria": {name: criterion.text for name, criterion in paper.criteria.items()},
        "measured": {name: _mean(found) for name, found in values.items()},
        "spread": {name: float(np.std(found, ddof=1)) if len(found) > 1 else None for name, found in values.items()},
        "seeds": {name: len(found) for name, found in values.items()},
        "threshold": {name: _threshold(criterion) for name, criterion in paper.criteria.items()},
        "held": held,
        "control": {
            "description": paper.control,
            "measured": {name: _mean(found) for name, found in control.items()},
            "held": control_held,
        },
        "beside": {name: float(value) for name, value in measured.beside.items()},
        "replicated": not reasons,
        "reasons": reasons,
    }


def _values(paper: Paper, name: str, found: Sequence[float]) -> list[float]:
    values = [float(value) for value in found]
    if not values or not all(math.isfinite(value) for value in values):
        raise SurecastError(
            f"paper {paper.slug}: {name} was measured as {values or 'nothing'}.", "look at its measure function."
        )
    return values


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _threshold(criterion: Criterion) -> dict[str, float]:
    if criterion.at_most is not None:
        return {"at_most": criterion.at_most}
    assert criterion.at_least is not None
    return {"at_least": criterion.at_least}


def _bound(criterion: Criterion) -> str:
    ((kind, value),) = _threshold(criterion).items()
    return f"not {kind.replace('_', ' ')} {value:g}"
