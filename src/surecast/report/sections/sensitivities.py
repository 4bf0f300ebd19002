"""Sensitivities: Sobol indices as bars with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from surecast.report.estimates import Answers, index_of
from surecast.report.figures.sensitivity import Bar, sensitivity
from surecast.report.sections.section import Section, file_stem

ORDERS = {"first": "first order", "total": "total"}


def sensitivities_section(answers: Sequence[Answers]) -> Section | None:
    """One figure for every output whose Sobol indices were asked for; None where none were."""
    drawings, captions = [], []
    for answer in answers:
        outputs: dict[str, dict[str, dict[str, Bar]]] = {}
        for statistic in answer.statistics:
            one = statistic.answer
            if index := index_of(one.statistic):
                order, group = index
                outputs.setdefault(one.output, {}).setdefault(ORDERS[order], {})[group] = (one.value, one.low, one.high)
        for output, indices in outputs.items():
            groups = list(dict.fromkeys(group for order in indices.values() for group in order))
            drawings.append(
                sensitivity(file_stem("sobol", answer.question, output), f"Sobol indices of {output}", groups, indices)
            )
            first = answer.statistics[0].answer
            captions.append(
                f"Question “{answer.question}”, by {first.estimator.replace('_', ' ')}. "
                f"Dark lines are {100 * first.level:g} % intervals."
            )
    if not drawings:
        return None
    figures = list(zip(drawings, captions, strict=True))
    return Section("sensitivities", "Sensitivities", {"figures": figures}, drawings)
