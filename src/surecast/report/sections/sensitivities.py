"""Sensitivities: Sobol indices as bars with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from surecast.report import numbers
from surecast.report.estimates import Answers, estimator_words, index_of
from surecast.report.figures.sensitivity import Bar, sensitivity
from surecast.report.sections.section import Section, file_stem

ORDERS = {"first": "first order", "total": "total"}


def sensitivities_section(answers: Sequence[Answers]) -> Section | None:
    """One figure for every output whose Sobol indices were asked for; None where none were."""
    figures, drawings = [], []
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
            caption = (
                f"Question “{answer.question}”, by {estimator_words(first.estimator)}. "
                f"Dark lines are {100 * first.level:g} % intervals."
            )
            figures.append({"drawing": drawings[-1], "caption": caption, "reading": _reading(output, indices)})
    if not drawings:
        return None
    return Section("sensitivities", "Sensitivities", {"figures": figures}, drawings)


def _reading(output: str, indices: dict[str, dict[str, Bar]]) -> list[str]:
    """The figure in sentences: the shares in descending order, and how much interactions take."""
    lines = []
    first = indices.get("first order", {})
    for group, (value, low, high) in sorted(first.items(), key=lambda item: -item[1][0]):
        lines.append(f"{group} alone explains {_percent(value, low, high)} of the variance of {output}.")
    if first:
        left = 1 - sum(value for value, _, _ in first.values())
        lines.append(
            f"What is left, {100 * left:.0f} %, comes from inputs acting together (or is noise of the estimates)."
        )
    return lines


def _percent(value: float, low: float, high: float) -> str:
    shown = numbers.interval(100 * value, 100 * low, 100 * high)
    return f"{shown.value} % ({shown.low} to {shown.high} %)"
