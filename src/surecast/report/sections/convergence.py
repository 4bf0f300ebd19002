"""Convergence: how every estimate settled as simulator runs were spent."""

from __future__ import annotations

from collections.abc import Sequence

from surecast.report import numbers
from surecast.report.estimates import Answers, Statistic, estimator_words
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.convergence import Path, convergence
from surecast.report.sections.section import Section, file_stem

MOST_OPEN = 12
"""Figures that are shown at once; more are folded by question."""


def convergence_section(answers: Sequence[Answers]) -> Section | None:
    """One figure a statistic, every estimator in it; None where no estimate has a history."""
    found = {
        answer.question: [
            drawing for one in answer.statistics if (drawing := _drawing(answer.question, one)) is not None
        ]
        for answer in answers
    }
    drawings = [drawing for some in found.values() for drawing in some]
    learnt = max((one.learnt_runs for answer in answers for one in answer.estimates), default=0)
    questions = [(name, some) for name, some in found.items() if some]
    content = {
        "questions": questions if len(drawings) > MOST_OPEN else [("", drawings)],
        "learnt": numbers.count(learnt) if learnt else "",
    }
    return Section("convergence", "Convergence", content, drawings) if drawings else None


def _drawing(question: str, statistic: Statistic) -> Drawing | None:
    paths = [
        Path(estimator_words(one.estimator), one.settling.runs, one.settling.value, one.settling.low, one.settling.high)
        for one in statistic.all
        if one.settling is not None
    ]
    if not paths:
        return None
    answer = statistic.answer
    name = file_stem("convergence", question, answer.output, answer.statistic)
    title = statistic.label[:1].upper() + statistic.label[1:]
    return convergence(name, title, numbers.units(answer.units), paths, answer.level)
