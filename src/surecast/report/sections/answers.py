"""The answers: for every statistic its value, interval, verdict and price."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surecast.quantify.event import parse_event
from surecast.report import numbers
from surecast.report.estimates import Answers, Estimate, Statistic, estimator_words, printed, shown_intervals
from surecast.report.sections.section import Section, file_stem
from surecast.report.tables import Column, Table, plain


@dataclass(frozen=True)
class Row:
    """One statistic as printed."""

    label: str
    interval: numbers.Interval
    units: str
    level: str
    certified: bool
    reason: str
    estimator: str
    simulator_runs: str
    learnt_runs: str
    plain_monte_carlo: str
    gain: str
    discretisation: str
    discretisation_of: str


def answers_section(
    answers: Sequence[Answers], questions: Mapping[str, str], discretisation: Mapping[str, Any]
) -> Section:
    """Build the section.

    Parameters
    ----------
    answers : sequence of Answers
        In the order of the study file.
    questions : mapping
        Question -> what it asks, in words.
    discretisation : mapping
        Output -> {relative_l2, runs}, from the dataset's manifest.
    """
    shown = [
        {
            "name": answer.question,
            "anchor": file_stem("question", answer.question),
            "asks": questions.get(answer.question, ""),
            "rows": [_row(statistic, discretisation) for statistic in answer.statistics],
            "help": surrogates_used(answer),
            "bounds": _bounds(answer),
            "table": _table(answer),
            "estimators": len({estimate.estimator for estimate in answer.estimates}),
        }
        for answer in answers
    ]
    intervals = shown_intervals(answers)
    levels = sorted({one.level for one in intervals})
    content = {"questions": shown, "intervals": len(intervals), "levels": _count_by_level(intervals, levels)}
    learnt = max((one.learnt_runs for answer in answers for one in answer.estimates), default=0)
    content["learnt"] = numbers.count(learnt) if learnt else ""
    content["misses"] = numbers.number(sum(1 - one.level for one in intervals), 2)
    return Section("answers", "Answers", content, tables=[_table(answer) for answer in answers])


def surrogates_used(answer: Answers) -> list[str]:
    """Which surrogate helped with which output, how well it follows it, and which was the second best."""
    lines = []
    for name, chosen in answer.attributes.items():
        if name.startswith("chosen_surrogate_"):
            output = name.removeprefix("chosen_surrogate_")
            line = f"{output}: surrogate {_trained(chosen)}"
            if correlation := answer.attributes.get(f"chosen_squared_correlation_{output}"):
                line += f" (squared correlation {numbers.number(float(correlation), 4)} on the validation runs)"
            if second := answer.attributes.get(f"runner_up_surrogate_{output}"):
                line += f", runner-up {_trained(second)}"
            lines.append(line)
    return lines


def _bounds(answer: Answers) -> str:
    """Over how many values of the epistemic inputs its bounds are; empty where it has none."""
    tried = answer.statistics[0].answer.diagnostics.get("epistemic_values", 0.0)
    return numbers.count(tried) if tried else ""


def _trained(label: str) -> str:
    """``fno/seed2``, one training of a surrogate, in words."""
    return str(label).replace("/seed", ", seed ")


def _row(statistic: Statistic, discretisation: Mapping[str, Any]) -> Row:
    answer = statistic.answer
    plain_runs = answer.equivalent_monte_carlo_runs
    known = {name: discretisation[name] for name in outputs_named(answer.output) if name in discretisation}
    return Row(
        label=statistic.label,
        interval=printed(answer),
        units=numbers.units(answer.units),
        level=f"{100 * answer.level:g} %",
        certified=answer.certified,
        reason=answer.reason,
        estimator=estimator_words(answer.estimator),
        simulator_runs=numbers.count(answer.simulator_runs),
        learnt_runs=numbers.count(answer.learnt_runs) if answer.learnt_runs else "",
        plain_monte_carlo=f"about {numbers.rounded_count(plain_runs)}"
        if math.isfinite(plain_runs)
        else numbers.UNKNOWN,
        gain=_gain(answer.gain),
        discretisation=" and ".join(numbers.percent(of["relative_l2"]) for of in known.values()) or numbers.UNKNOWN,
        discretisation_of=", ".join([" and ".join(known), *{f"{of['runs']} runs" for of in known.values()}])
        if known
        else "",
    )


def outputs_named(output: str) -> list[str]:
    """Outputs of the study that an estimate is about: one by its name, or those that an event compares."""
    return [output] if output.isidentifier() else parse_event(output).names()


def _gain(ratio: float) -> str:
    if not math.isfinite(ratio) or ratio <= 0:
        return ""
    if 0.95 < ratio < 1.05:
        return "as many"
    return f"{numbers.number(ratio, 2)} times as many" if ratio >= 1 else f"{numbers.number(1 / ratio, 2)} times fewer"


def _count_by_level(intervals: Sequence[Estimate], levels: Sequence[float]) -> str:
    counts = [(sum(one.level == level for one in intervals), level) for level in levels]
    return " and ".join(f"{number} at the {100 * level:g} % level" for number, level in counts)


def _table(answer: Answers) -> Table:
    """Every estimator of a question, with the columns of the estimates' files."""

    def digits(value: float) -> str:
        return numbers.number(value, 5) if not math.isinf(value) else "unbounded"

    columns = [
        Column("output", "output"),
        Column("statistic", "statistic"),
        Column("estimator", "estimator", estimator_words),
        Column("value", "value", digits, numeric=True),
        Column("low", "low", digits, numeric=True),
        Column("high", "high", digits, numeric=True),
        Column("units", "unit", numbers.units),
        Column("standard_error", "standard error", lambda value: numbers.number(value, 2), numeric=True),
        Column("level", "level", lambda value: f"{100 * value:g} %", numeric=True),
        Column("simulator_runs", "simulator runs", numbers.count, numeric=True),
        Column("learnt_runs", "runs for its surrogates", numbers.count, numeric=True),
        Column("surrogate_runs", "surrogate runs", numbers.count, numeric=True),
        Column("verdict", "verdict", plain),
        Column("seed", "seed", plain),
    ]
    rows = [estimate.row() for estimate in answer.estimates]
    return Table(file_stem("estimates", answer.question), f"Every estimate of “{answer.question}”", columns, rows)
