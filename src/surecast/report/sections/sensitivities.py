"""Sensitivities: Sobol indices and Shapley effects as bars with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from surecast.report import numbers
from surecast.report.estimates import Answers, estimator_words, index_of
from surecast.report.figures.canvas import Drawing
from surecast.report.figures.sensitivity import Bar, sensitivity
from surecast.report.sections.section import Section, file_stem

ORDERS = {"first": "first order", "total": "total", "shapley": "Shapley effect", "second": "second order"}
PAIRS = "second order"
MOST_PAIRS = 12

Indices = dict[str, dict[str, Bar]]
"""Order to group (or pair of groups) to value and interval."""


def sensitivities_section(answers: Sequence[Answers]) -> Section | None:
    """Figures for every output whose indices were asked for, pairs of inputs apart; None where none were."""
    figures, drawings = [], []
    for answer in answers:
        outputs: dict[str, Indices] = {}
        for statistic in answer.statistics:
            one = statistic.answer
            if index := index_of(one.statistic):
                order, group = index
                outputs.setdefault(one.output, {}).setdefault(ORDERS[order], {})[group] = (one.value, one.low, one.high)
        first = answer.statistics[0].answer
        bounded = math.isfinite(first.low) and math.isfinite(first.high)
        caption = (
            f"Question “{answer.question}”, by {estimator_words(first.estimator)}. "
            f"{f'Dark lines are {100 * first.level:g} % intervals.' if bounded else 'There are no intervals.'}"
        )
        for output, indices in outputs.items():
            pairs = indices.pop(PAIRS, {})
            if indices:
                stem, title = file_stem("sobol", answer.question, output), f"Sobol indices of {output}"
                reading = _reading(output, indices, answer.attributes.get("kind") == "given_data")
                drawings.append(_drawing(stem, title, indices))
                figures.append({"drawing": drawings[-1], "caption": caption, "reading": reading})
            if pairs:
                largest = dict(sorted(pairs.items(), key=lambda item: -abs(item[1][0]))[:MOST_PAIRS])
                stem, title = file_stem("sobol-pairs", answer.question, output), f"Interactions for {output}"
                drawings.append(_drawing(stem, title, {PAIRS: largest}))
                shares = {pair: numbers.percent_interval(*bar) for pair, bar in largest.items()}
                reading = [f"{pair} together explain another {share}." for pair, share in shares.items()]
                more = f" The {MOST_PAIRS} largest of {len(pairs)} pairs." if len(pairs) > MOST_PAIRS else ""
                figures.append({"drawing": drawings[-1], "caption": caption + more, "reading": reading[:4]})
    if not drawings:
        return None
    return Section("sensitivities", "Sensitivities", {"figures": figures}, drawings)


def _drawing(name: str, title: str, indices: Indices) -> Drawing:
    groups = list(dict.fromkeys(group for order in indices.values() for group in order))
    return sensitivity(name, title, groups, indices)


def _reading(output: str, indices: Mapping[str, Mapping[str, Bar]], given: bool) -> list[str]:
    """The figure in sentences: the shares in descending order, and how much interactions take."""
    first = indices.get(ORDERS["first"], {})
    if not first:
        effects = sorted(indices.get(ORDERS["shapley"], {}).items(), key=lambda item: -item[1][0])
        shares = [(group, numbers.percent_interval(*bar)) for group, bar in effects]
        return [f"{group} drives {share} of the variance of {output}." for group, share in shares]
    lines = [
        f"{group} alone explains {numbers.percent_interval(*bar)} of the variance of {output}."
        for group, bar in sorted(first.items(), key=lambda item: -item[1][0])
    ]
    left = 1 - sum(value for value, _, _ in first.values())
    # The noise of a stochastic simulator has a total index alone.
    noisy = any(group not in first for group in indices.get(ORDERS["total"], {}))
    others = "other inputs or " if given else "the simulator's noise or " if noisy else ""
    if left < 0.005:
        lines.append("Nothing is left for inputs acting together, as far as these estimates can tell.")
    else:
        source = f"comes from {others}inputs acting together (or is noise of the estimates)"
        lines.append(f"What is left, {100 * left:.0f} %, {source}.")
    return lines
