"""Estimates as a Dataset and as CSV.

Dimension ``estimate``, one entry a statistic and estimator, the question's first estimator first; the
columns of the CSV are variables, and beside them: ``units``, ``measure`` and ``group`` (for Sobol
indices), ``equivalent_monte_carlo_runs``, ``failed_runs``, ``citations`` (keys of
``report/references.bib``, space between), ``diagnostics`` (JSON), and the convergence record
``convergence_{runs,value,low,high}`` (estimate, step), padded with NaN. Where an estimator gives any,
``picture`` (JSON) holds small arrays for figures.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from surecast.quantify.estimates import Estimate
from surecast.study.digest import canonical_json

COLUMNS = (
    "question", "output", "statistic", "estimator", "value", "low", "high", "standard_error", "level", "simulator_runs",
    "surrogate_runs", "verdict", "seed",
)  # fmt: skip

_POWERS = {"mean": 1, "standard_deviation": 1, "variance": 2, "quantile": 1, "tail": 1}
"""Measure to the power of the output's unit; the others are pure numbers, save for a covariance."""


def to_dataset(question: str, estimates: Sequence[Estimate], seed: int, units: Mapping[str, str]) -> xr.Dataset:
    """All estimates of a question.

    Parameters
    ----------
    seed : int
        Seed of the study: with the question's and the estimator's name it fixes every draw.
    units : mapping
        Unit of each output.
    """
    steps = max(len(e.convergence) for e in estimates)
    record = np.full((4, len(estimates), steps), np.nan)
    for row, e in enumerate(estimates):
        for step, point in enumerate(e.convergence):
            record[:, row, step] = point.simulator_runs, point.value, point.low, point.high
    numbers = {
        "value": ("estimate", [e.value for e in estimates], "value of the estimate"),
        "low": ("estimate", [e.low for e in estimates], "lower end of the interval"),
        "high": ("estimate", [e.high for e in estimates], "upper end of the interval"),
        "standard_error": ("estimate", [e.standard_error for e in estimates], "standard error of the estimate"),
        "level": ("estimate", [e.level for e in estimates], "confidence level of the interval"),
        "simulator_runs": ("estimate", [e.simulator_runs for e in estimates], "simulator runs spent by the estimator"),
        "surrogate_runs": ("estimate", [e.surrogate_runs for e in estimates], "surrogate evaluations"),
        "seed": ("estimate", [seed] * len(estimates), "seed of the study"),
        "equivalent_monte_carlo_runs": (
            "estimate",
            [e.equivalent_monte_carlo_runs for e in estimates],
            "runs plain Monte Carlo would need for an interval as wide",
        ),
        "failed_runs": ("estimate", [e.failed_runs for e in estimates], "failed runs among the simulator runs"),
    }
    texts = {
        "question": ([question] * len(estimates), "question asked"),
        "output": ([e.statistic.output for e in estimates], "output or event"),
        "statistic": ([e.statistic.name for e in estimates], "what of it is estimated"),
        "measure": ([e.statistic.measure for e in estimates], "kind of statistic"),
        "group": ([e.statistic.group for e in estimates], "group of inputs of a Sobol index"),
        "estimator": ([e.estimator for e in estimates], "estimator"),
        "verdict": ([e.verdict for e in estimates], "whether the interval may be believed, and why not"),
        "units": ([_unit(e, units) for e in estimates], "units of the value"),
        "citations": ([" ".join(e.methods) for e in estimates], "references of the methods used"),
        "diagnostics": ([canonical_json(e.diagnostics) for e in estimates], "further figures of the estimator, JSON"),
    }
    dataset = xr.Dataset()
    for name, (dim, values, label) in numbers.items():
        dataset[name] = (dim, np.asarray(values), {"long_name": label, "units": "1"})
    for name, (words, label) in texts.items():
        dataset[name] = ("estimate", np.asarray(words, dtype=object), {"long_name": label})
    for name, values, label in zip(
        ("runs", "value", "low", "high"), record, ("simulator runs", "value", "lower end", "upper end"), strict=True
    ):
        attributes = {"long_name": f"convergence record: {label}", "units": "1"}
        dataset[f"convergence_{name}"] = (("estimate", "step"), values, attributes)
    for name in ("value", "low", "high", "standard_error", "convergence_value", "convergence_low", "convergence_high"):
        dataset[name].attrs["units"] = "see variable units"
    if any(e.picture for e in estimates):
        pictures = np.asarray([canonical_json(e.picture) for e in estimates], dtype=object)
        dataset["picture"] = ("estimate", pictures, {"long_name": "small arrays for figures, JSON"})
    if any(e.covariance for e in estimates):
        dataset["covariance"] = (
            ("estimate", "other_estimate"),
            _covariance(estimates),
            {
                "long_name": "covariance of the estimates; 0 between estimators, whose draws are independent",
                "units": "product of the units of both",
            },
        )
    return dataset


def to_csv(dataset: xr.Dataset) -> str:
    """The columns of `COLUMNS`; floats with as many digits as give the same number back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    columns = [dataset[name].values.tolist() for name in COLUMNS]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _covariance(estimates: Sequence[Estimate]) -> np.ndarray:
    """Covariance (estimate, estimate): one block an estimator."""
    matrix = np.zeros((len(estimates), len(estimates)))
    for row, one in enumerate(estimates):
        same = [place for place, other in enumerate(estimates) if other.estimator == one.estimator]
        matrix[row, same] = one.covariance or [one.standard_error**2 * (place == row) for place in same]
    return matrix


def _unit(estimate: Estimate, units: Mapping[str, str]) -> str:
    statistic = estimate.statistic
    power, unit = _POWERS.get(statistic.measure, 0), units.get(statistic.output, "1")
    if statistic.measure.startswith("power_"):
        power = int(statistic.measure.removeprefix("power_"))
    if statistic.measure == "covariance":
        factors = [one for one in (unit, units.get(statistic.group, "1")) if one != "1"]
        same = len(factors) == 2 and factors[0] == factors[1]
        return f"({unit})**2" if same else " * ".join(f"({one})" for one in factors) or "1"
    if power == 0 or unit == "1":
        return "1"
    return unit if power == 1 else f"({unit})**{power}"
