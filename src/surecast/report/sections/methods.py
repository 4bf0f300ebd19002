"""How to cite: the publications behind what this study used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from surecast.report.citations import publications, purposes
from surecast.report.estimates import Answers
from surecast.report.sections.section import Section
from surecast.train.online.settings import fresh_runs

if TYPE_CHECKING:
    from surecast.study.model import Study


def methods_section(study: Study, answers: Sequence[Answers]) -> Section:
    """One entry for every publication; kinds of the user's own have none and are left to `references`."""
    used = [("simulator", study.simulator.kind), ("design", study.design.kind)]
    named = study.simulator.settings.get("linear_solver")
    used += [("linear_solver", str(named["kind"]))] if isinstance(named, dict) and "kind" in named else []
    used += [("input", spec.kind) for spec in study.inputs.values()]
    used += [("surrogate", spec.kind) for spec in study.surrogates.values()]
    online = any(fresh_runs(study, name) is not None for name in study.surrogates)
    used += [("training", "online")] * online
    used += [("house", "workflow"), ("house", "arrays")]
    estimates = [(estimate.estimator, estimate.citations) for answer in answers for estimate in answer.estimates]
    cited_for = purposes(used, estimates)
    cited = [publications()[key] for key in cited_for]
    content = {
        "methods": [{"used_for": "; ".join(cited_for[one.key]), "text": one.text} for one in cited],
        "references": study.references,
        "bibtex": "\n\n".join(one.bibtex for one in cited) + "\n",
    }
    return Section("methods", "Methods and how to cite them", content)
