"""Convergence: how every estimate settled as simulator runs were spent."""

from __future__ import annotations

from collections.abc import Sequence

from surecast.report import numbers
from surecast.report.estimates import Answers, Statistic, estimator_words
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.convergence import Path, convergence
from surecast.report.sections.section import Section, file_stem


def convergence_section(answers: Sequence[Answers]) -> Section | None:
    """One figure a statistic, every estimator in it; None where no estimate has a history."""
    drawings = [
        drawing
        for answer in answers
        for statistic in answer.statistics
        if (drawing := _drawing(answer.question, statistic)) is not None
    ]
    learnt = max((one.learnt_runs for answer in answers for one in answer.estimates), default=0)
    content = {"figures": drawings, "learnt": numbers.count(learnt) if learnt else ""}
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
