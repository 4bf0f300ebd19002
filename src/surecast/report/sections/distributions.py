"""Distributions of inputs, outputs and diagnostics of one number a run, split by split."""

from __future__ import annotations

import numpy as np

from surecast.report import numbers
from surecast.report.card_data import CardData
from surecast.report.figures.distribution import distribution
from surecast.report.sections.section import Section, file_stem

MOST = 36
"""Variables that are drawn; statistics of all are in the table of variables."""


def distributions_section(data: CardData) -> Section | None:
    """Build the section; None where there is nothing to draw."""
    good = data.good_runs()
    if not good:
        return None
    drawings, constant = [], []
    names = data.scalars()
    for name in names[:MOST]:
        values = data.values(name)
        if values is None:
            continue
        known = {split: values[runs][np.isfinite(values[runs])] for split, runs in good.items()}
        everything = np.concatenate(list(known.values()))
        if everything.size < 2 or everything.min() == everything.max():
            constant.append(name)
            continue
        attributes = data.attributes(name)
        unit = numbers.units(str(attributes.get("units", "1")))
        axis = str(attributes.get("long_name", name)) + (f" ({unit})" if unit else "")
        drawings.append(distribution(file_stem("distribution", name), name, axis, known))
    content = {
        "drawings": drawings,
        "constant": constant,
        "more": len(names) - len(names[:MOST]),
        "missing": [name for name in names if name in data.unreadable],
    }
    return Section("distributions", "Distributions", content, drawings) if names else None
