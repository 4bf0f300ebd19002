"""How to cite: the publications behind what this study used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from surecast.report.citations import USES, publications
from surecast.report.estimates import Answers, estimator_words
from surecast.report.sections.section import Section

if TYPE_CHECKING:
    from surecast.study.model import Study


def methods_section(study: Study, answers: Sequence[Answers]) -> Section:
    """One entry for every publication; kinds of the user's own have none and are left to `references`."""
    used = [("simulator", study.simulator.kind), ("design", study.design.kind)]
    used += [("input", spec.kind) for spec in study.inputs.values()]
    used += [("surrogate", spec.kind) for spec in study.surrogates.values()]
    purposes: dict[str, list[str]] = {}
    for use in [*used, ("house", "workflow"), ("house", "arrays")]:
        purpose, keys = USES.get(use, ("", ()))
        _add(purposes, purpose, keys)
    for answer in answers:
        for estimate in answer.estimates:
            _add(purposes, f"estimates by {estimator_words(estimate.estimator)}", estimate.citations)
    cited = [publications()[key] for key in purposes]
    content = {
        "methods": [{"used_for": "; ".join(purposes[one.key]), "text": one.text} for one in cited],
        "references": study.references,
        "bibtex": "\n\n".join(one.bibtex for one in cited) + "\n",
    }
    return Section("methods", "Methods and how to cite them", content)


def _add(purposes: dict[str, list[str]], purpose: str, keys: Sequence[str]) -> None:
    for key in keys:
        if purpose not in purposes.setdefault(key, []):
            purposes[key].append(purpose)
