"""The estimates as the report sees them: one object a row of ``estimates/<question>.nc``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.report import numbers
from surecast.study.files import read_dataset

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = (
    "question", "output", "statistic", "estimator", "value", "low", "high", "standard_error", "level", "simulator_runs",
    "surrogate_runs", "verdict", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class Settling:
    """How an estimate settled: value and interval after so many simulator runs, arrays of one length."""

    runs: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """One statistic by one estimator, as in the columns of the estimates' files.

    `learnt_runs` counts the runs that its surrogates were trained on and chosen by; 0 without a surrogate.
    """

    question: str
    output: str
    statistic: str
    estimator: str
    value: float
    low: float
    high: float
    standard_error: float
    level: float
    simulator_runs: int
    surrogate_runs: int
    verdict: str
    seed: int
    units: str = ""
    learnt_runs: int = 0
    equivalent_monte_carlo_runs: float = math.nan
    citations: tuple[str, ...] = ()
    settling: Settling | None = None
    picture: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    @property
    def certified(self) -> bool:
        """Whether the verdict is ``certified``."""
        return self.verdict == "certified"

    @property
    def reason(self) -> str:
        """Why an estimate is not certified; empty if it is."""
        return "" if self.certified else self.verdict.removeprefix("not certified").lstrip(": ")

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    @property
    def gain(self) -> float:
        """Runs of plain Monte Carlo for an interval as wide, over all runs spent, those for the surrogates included."""
        spent = self.simulator_runs + self.learnt_runs
        return self.equivalent_monte_carlo_runs / spent if spent else math.nan

    def row(self) -> dict[str, Any]:
        """The columns of the estimates' files, the unit, and the runs that its surrogates learnt from."""
        return {name: getattr(self, name) for name in COLUMNS} | {"units": self.units, "learnt_runs": self.learnt_runs}


@dataclass(frozen=True)
class Statistic:
    """One statistic with the estimate that answers (the first estimator of the study file) and the others."""

    answer: Estimate
    others: tuple[Estimate, ...] = ()

    @property
    def all(self) -> tuple[Estimate, ...]:
        """The answer first, then the others."""
        return (self.answer, *self.others)

    @property
    def label(self) -> str:
        """What it is, in words: ``mean of outflow``."""
        return statistic_words(self.answer.statistic, self.answer.output)


@dataclass(frozen=True)
class Answers:
    """The answer to one question: its statistics in the order of the file, and what the file says about itself.

    `arrays` are the moments of fields over their grids, and pairs of runs of simulator and surrogate.
    """

    question: str
    statistics: tuple[Statistic, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    arrays: xr.Dataset | None = None

    @property
    def estimates(self) -> list[Estimate]:
        """Every row."""
        return [estimate for statistic in self.statistics for estimate in statistic.all]


def estimator_words(estimator: str) -> str:
    """An estimator's kind as a reader writes it: ``monte_carlo`` is Monte Carlo."""
    return estimator.replace("_", " ").replace("monte carlo", "Monte Carlo").replace("sobol", "Sobol")


def index_of(statistic: str) -> tuple[str, str] | None:
    """Order and group of a Sobol index: ``first[head]`` gives ``("first", "head")``; None for other statistics."""
    match = re.fullmatch(r"(first|total|second|shapley)\[(.+)\]", statistic)
    return (match[1], match[2].replace(",", " and ")) if match else None


INDICES = {
    "first": "first-order index", "total": "total index", "second": "second-order index", "shapley": "Shapley effect",
}  # fmt: skip


def statistic_words(statistic: str, output: str) -> str:
    """A statistic as a reader says it: ``first[head]`` of the outflow is the ``first-order index of head``."""
    if bound := re.fullmatch(r"(lower|upper) (.+)", statistic):
        return f"{bound[1]} bound of the {statistic_words(bound[2], output)}"
    if under := re.fullmatch(r"(.+) under (\w+)", statistic):
        return f"{statistic_words(under[1], output)}, under the law {under[2]}"
    if index := index_of(statistic):
        return f"{INDICES[index[0]]} of {index[1]} for {output}"
    if pair := re.fullmatch(r"(covariance|correlation)\[(.+)\]", statistic):
        return f"{pair[1]} of {output} and {pair[2]}"
    if quantile := re.fullmatch(r"(quantile|cvar)\[(.+)\]", statistic):
        place = f"{100 * float(quantile[2]):.6g} % quantile"
        return f"{place} of {output}" if quantile[1] == "quantile" else f"mean of {output} beyond its {place} (CVaR)"
    if power := re.fullmatch(r"mean of power (\d+)", statistic):
        return f"mean of {output} to the power {power[1]}"
    if statistic == "probability":
        return f"probability that {output}"
    return f"{statistic.replace('_', ' ')} of {output}"


def read_answers(path: str | Path) -> Answers:
    """Read ``estimates/<question>.nc``.

    Raises
    ------
    DataError
        If the file is torn or does not match its digest.
    """
    return answers_of(read_dataset(path))


def answers_of(dataset: xr.Dataset) -> Answers:
    """The answer that a Dataset of estimates holds; see `surecast.quantify.table`."""
    learnt = int(dataset.attrs.get("training_runs", 0)) + int(dataset.attrs.get("validation_runs", 0))
    grouped: dict[tuple[str, str], list[Estimate]] = {}
    for index in range(dataset.sizes["estimate"]):
        row = dataset.isel(estimate=index)
        columns = {name: row[name].item() for name in (*COLUMNS, "units", "equivalent_monte_carlo_runs")}
        columns["learnt_runs"] = learnt if columns["surrogate_runs"] else 0
        texts = {name: json.loads(row[name].item()) for name in ("picture", "diagnostics") if name in dataset}
        citations = tuple(row["citations"].item().split())
        estimate = Estimate(**columns, citations=citations, settling=_settling(row), **texts)
        grouped.setdefault((estimate.output, estimate.statistic), []).append(estimate)
    statistics = tuple(Statistic(rows[0], tuple(rows[1:])) for rows in grouped.values())
    arrays = dataset[[name for name in dataset.data_vars if "estimate" not in dataset[name].dims]]
    return Answers(statistics[0].answer.question, statistics, dict(dataset.attrs), arrays)


def _settling(row: xr.Dataset) -> Settling | None:
    columns = [row[f"convergence_{name}"].values.astype(float) for name in ("runs", "value", "low", "high")]
    made = np.isfinite(columns[0]) & np.isfinite(columns[1])
    return Settling(*(column[made] for column in columns)) if made.any() else None


def shown_intervals(answers: Sequence[Answers]) -> list[Estimate]:
    """Every estimate on the page that has an interval."""
    return [one for answer in answers for one in answer.estimates if math.isfinite(one.low) and math.isfinite(one.high)]


def printed(estimate: Estimate) -> numbers.Interval:
    """Value and interval, rounded by the interval."""
    return numbers.interval(estimate.value, estimate.low, estimate.high)
