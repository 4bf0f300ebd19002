"""Moments of whole fields, streamed: pointwise values and intervals, simultaneous bands on request.

Runs pass in chunks and leave only sums (`surecast.quantify.field_sums`), so that memory does not grow with their
number. Each interval of the field holds at its own point with the level asked for: of a thousand independent ones
at 95 % fifty miss. A band (`bands: simultaneous`) holds at all points at once with that level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from surecast.quantify.bands import simultaneous_factor
from surecast.quantify.estimates import Estimate, Point, Statistic
from surecast.quantify.estimators.estimator import figure, growing
from surecast.quantify.field_stream import FieldFigure, FieldStream, interval
from surecast.quantify.field_sums import BATCHES
from surecast.quantify.moments import SCALES, Moments
from surecast.quantify.sampling import Model, Task, child, generator
from surecast.quantify.stopping import LEAST_SIZE, Look, looks
from surecast.quantify.verdict import doubts
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw

METHODS = {"monte_carlo": ("metropolis1949",), "control_variates": ("glynn2002", "blum1999", "angelopoulos2023")}


def answer_fields(
    question: Moments,
    law: JointLaw,
    outputs: Sequence[str],
    units: Mapping[str, str],
    truth: Model,
    surrogates: Sequence[Model],
    stream: Callable[[str], np.random.SeedSequence],
    steps: int = 0,
) -> tuple[list[Estimate], xr.Dataset]:
    """Moments of field outputs by every estimator that the question names.

    Returns
    -------
    Estimates of the averages over each field, and variables over its grid: ``mean_<output>``, ``..._low``,
    ``..._high``, ``..._standard_error`` and, on request, ``..._band_low`` and ``..._band_high``; those of a second
    estimator end in its name.

    Raises
    ------
    EstimationError
        If an input is epistemic, runs are too few, or all failed.
    """
    if law.epistemic:
        raise EstimationError(
            "moments of whole fields cannot be bounded over epistemic inputs.", "ask for a number, as the field's mean."
        )
    found: list[Estimate] = []
    variables = xr.Dataset()
    for rank, spec in enumerate(question.estimator_specs()):
        kind = str(spec["kind"])
        task = Task(
            truth, surrogates, question.runs, question.level, stream(kind), question.surrogate_runs,
            question.tolerance, absolute_tolerance=question.absolute_tolerance, steps=steps,
        )  # fmt: skip
        if kind == "control_variates" and not surrogates:
            raise EstimationError("control_variates needs a surrogate.", "set the question's `surrogate` to `best`.")
        for output in outputs:
            more, fields = _one(question, law, output, units.get(output, "1"), task, kind)
            found += more
            variables = variables.merge(fields if rank == 0 else fields.rename({v: f"{v}_{kind}" for v in fields}))
    return found, variables


def _one(
    question: Moments, law: JointLaw, output: str, unit: str, task: Task, kind: str
) -> tuple[list[Estimate], xr.Dataset]:
    source = FieldStream(law, output, task, kind == "control_variates")
    record: dict[int, dict[str, FieldFigure]] = {}
    start = 0
    for look in _sizes(task):
        source.observe(start, look.size)
        start = look.size
        if source.sums is not None and source.sums.runs >= 2 * BATCHES:
            record[start] = {name: source.analyse(name, look.level) for name in question.statistics}
            if look.declared and all(_reached(one, task) for one in record[start].values()):
                break
    if start not in record:
        record[start] = {name: source.analyse(name, look.level) for name in question.statistics}
    estimates, variables = [], xr.Dataset()
    assert source.shape is not None
    for name in question.statistics:
        last = record[start][name]
        arrays = {"": last.value, "_low": last.low, "_high": last.high, "_standard_error": last.standard_error}
        diagnostics = {
            "points": float(len(last.value)),
            "largest_half_width": float((0.5 * (last.high - last.low)).max()),
            "largest_value": float(np.abs(last.value).max()),
        }
        if question.bands == "simultaneous":
            moment = last.moment
            factor = simultaneous_factor(
                [moment.influences, moment.replicates] if len(moment.replicates) else [moment.influences],
                [moment.sampling, moment.integral] if len(moment.replicates) else [moment.sampling],
                look.level,
                float(last.dof.min()),
                generator(child(task.seed, 3)),
            )
            low, high = interval(name, last.value, last.standard_error, factor)
            arrays |= {"_band_low": low, "_band_high": high}
            diagnostics["simultaneous_factor"] = factor
        power = 2 if name == "variance" else 1
        for suffix, array in arrays.items():
            variables[f"{name}_{output}{suffix}"] = source.shape.copy(
                data=array.reshape(source.shape.shape)
            ).assign_attrs(
                _attributes(name, output, suffix, look.level, unit if power == 1 or unit == "1" else f"({unit})**2")
            )
        estimates.append(_average(source, output, name, kind, task, record, look, diagnostics, question.bands))
    return estimates, variables.reset_coords(drop=True)


def _average(
    source: FieldStream, output: str, name: str, kind: str, task: Task, record: dict[int, dict[str, FieldFigure]],
    look: _Size, diagnostics: dict[str, float], bands: str,
) -> Estimate:  # fmt: skip
    statistic = Statistic(
        output, f"field average of the {name.replace('_', ' ')}", name, interval=SCALES.get(name, "real")
    )
    spent = max(record)
    figures = {size: figure(statistic, *of[name].average, look.level) for size, of in record.items()}
    last = figures[spent]
    untried = Task(task.truth, (), task.runs, task.level, task.seed)  # the tolerance is of the field, not its average
    reasons = list(doubts(last, untried, runs=spent, failed=source.failed, boundable=False))
    if not _reached(record[spent][name], task):
        reasons.append(
            f"the widest interval of the field, half-width {diagnostics['largest_half_width']:.2g} where its largest "
            f"value is {diagnostics['largest_value']:.2g}, is wider than the tolerance"
        )
    assert source.sums is not None
    if not record[spent][name].standard_error.any():
        reasons.append("every run gave the same field: its spread is not known")
    return Estimate(
        statistic, kind, last.value, last.low, last.high, last.standard_error, task.level, spent,
        surrogate_runs=source.surrogate_runs + spent * (source.model is not None),
        plain_variance=last.standard_error**2 * source.sums.runs if source.model is None else float("nan"),
        failed_runs=source.failed,
        doubts=tuple(reasons),
        convergence=tuple(Point(size, one.value, one.low, one.high) for size, one in sorted(figures.items())),
        methods=(*METHODS[kind], *(["montielolea2019"] if bands == "simultaneous" else [])),
        diagnostics=diagnostics,
    )  # fmt: skip


@dataclass(frozen=True)
class _Size(Look):
    declared: bool = True


def _sizes(task: Task) -> list[_Size]:
    """Declared looks, and between them sizes at which convergence is recorded only."""
    planned = {look.size: _Size(look.size, look.level) for look in looks(task.runs, task)}
    last = planned[max(planned)]
    between = growing(task.runs, task.steps, least=LEAST_SIZE) if len(planned) == 1 else []
    return [planned.get(size, _Size(size, last.level, False)) for size in sorted({*planned, *between})]


def _reached(found: FieldFigure, task: Task) -> bool:
    """Whether the widest interval is narrow enough, relative to the field's largest value or absolutely."""
    half = float((0.5 * (found.high - found.low)).max())
    wanted = [task.absolute_tolerance] if task.absolute_tolerance is not None else []
    wanted += [task.tolerance * float(np.abs(found.value).max())] if task.tolerance is not None else []
    return not wanted or half <= max(wanted)


def _attributes(name: str, output: str, suffix: str, level: float, unit: str) -> dict[str, str | float]:
    what = f"{name.replace('_', ' ')} of {output}"
    if not suffix:
        return {"long_name": what, "units": unit}
    if suffix == "_standard_error":
        return {"long_name": f"standard error of the {what}", "units": unit}
    end = "lower" if suffix.endswith("low") else "upper"
    kind = "simultaneous" if "band" in suffix else "pointwise"
    meaning = "at all points at once" if kind == "simultaneous" else "at each point by itself, not at all of them"
    return {
        "long_name": f"{end} end of the {kind} interval of the {what}",
        "units": unit,
        "interval": kind,
        "meaning": f"holds with probability {level:g} {meaning}",
        "level": level,
    }
