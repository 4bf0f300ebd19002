"""A field output of the simulator, streamed: chunks of runs go into sums, and figures with intervals come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import special

from surecast.quantify.field_sums import BATCHES, Field, FieldSums
from surecast.quantify.moments import SCALES
from surecast.quantify.sampling import Task, all_failed, child, run_seeds, scrambled_sobol, uniforms
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw
from surecast.study.progress import progress

_SCRAMBLINGS = 32
_CHUNK_NUMBERS = 2**22
"""Numbers of a field's chunk of runs in memory at once, 32 MiB; at least one run a batch."""


@dataclass(frozen=True)
class FieldFigure:
    """One statistic of a field: arrays (P,) on its grid, and its average over the field."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    standard_error: np.ndarray
    dof: np.ndarray
    moment: Field
    average: tuple[float, float, float]
    """Value, standard error and degrees of freedom of the average over the field."""


class FieldStream:
    """A field output, and a surrogate's prediction of it, observed in chunks of runs.

    Parameters
    ----------
    law : JointLaw
        Law of the inputs.
    output : str
        Name of the field.
    task : Task
        Truth, surrogates (the first one serves), seeds and sizes.
    controlled : bool
        Whether the surrogate is used.
    """

    def __init__(self, law: JointLaw, output: str, task: Task, controlled: bool) -> None:
        self.law, self.output, self.task = law, output, task
        self.model = task.surrogates[0] if controlled else None
        self.shape: xr.DataArray | None = None
        self.sums: FieldSums | None = None
        self.own: np.ndarray | None = None
        self.failed = self.surrogate_runs = 0
        self._centre = self._guess = np.empty(0)
        self._chunk = BATCHES

    def observe(self, start: int, stop: int) -> None:
        """Add runs start to stop."""
        place = start
        while place < stop:
            size = min(self._chunk, stop - place)
            inputs = self.law.from_uniform(uniforms(child(self.task.seed, 0), place, place + size, self.law.dimension))
            seeds = run_seeds(child(self.task.seed, 1), place, place + size, 1)[:, 0]
            seeded = inputs.assign(seed=("run", seeds, {"long_name": "seed of the run", "units": "1"}))
            outputs = self.task.truth(seeded)
            if self.output not in outputs:  # a user's function of which not one call came back
                raise all_failed(size)
            fields = self._flat(outputs)
            failed = ~np.isfinite(fields).all(axis=1)
            if "failed" in outputs:
                failed |= outputs["failed"].values.astype(bool)
            fields[failed] = np.nan
            predicted = None if self.model is None else self._predicted(inputs)
            if self.sums is None:
                self._begin(fields, predicted)
            assert self.sums is not None
            self.failed += int(failed.sum())
            self.sums.add(place, fields - self._centre, None if predicted is None else predicted - self._guess)
            place += size

    def _begin(self, fields: np.ndarray, predicted: np.ndarray | None) -> None:
        done = np.isfinite(fields).all(axis=1)
        if not done.any():
            raise all_failed(len(fields))
        self._centre = fields[done].mean(axis=0)
        points = fields.shape[1]
        self.sums = FieldSums(points, predicted is not None)
        self._chunk = BATCHES * max(min(_CHUNK_NUMBERS // (BATCHES * points), 8), 1)
        if predicted is not None:
            self._guess = predicted.mean(axis=0)
            self.own = self._own()

    def _own(self) -> np.ndarray:
        """Replicates (R, 2, P) of the surrogate's own means of s and s^2, by scrambled Sobol points."""
        count = 1 << max(self.task.surrogate_runs // _SCRAMBLINGS, 16).bit_length() - 1
        found = np.zeros((_SCRAMBLINGS, 2, len(self._guess)))
        for replicate in progress(range(_SCRAMBLINGS), "surrogate's own statistics", total=_SCRAMBLINGS):
            drawn = scrambled_sobol(child(self.task.seed, 2, replicate), 1, 0, count, self.law.dimension)[0]
            for start in range(0, count, self._chunk):
                values = self._predicted(self.law.from_uniform(drawn[start : start + self._chunk])) - self._guess
                found[replicate] += values.sum(axis=0), np.square(values).sum(axis=0)
        self.surrogate_runs += _SCRAMBLINGS * count
        return found / count

    def _predicted(self, inputs: xr.Dataset) -> np.ndarray:
        assert self.model is not None
        values = self._flat(self.model(inputs))
        if not np.isfinite(values).all():
            raise EstimationError(
                f"a surrogate of {self.output} predicts values that are not finite.",
                "look at its evaluation, train it longer, or name another surrogate in the question.",
            )
        return values

    def _flat(self, outputs: xr.Dataset) -> np.ndarray:
        array = outputs[self.output]
        if self.shape is None:
            self.shape = array.isel(run=0, drop=True)
        array = array.transpose("run", *self.shape.dims)
        if array.shape[1:] != self.shape.shape:
            raise EstimationError(
                f"{self.output} has shape {self.shape.shape} and {array.shape[1:]} by a surrogate.",
                "train the surrogate on the study's own grid.",
            )
        return np.array(array.values, dtype=np.float64).reshape(array.sizes["run"], -1)

    def analyse(self, statistic: str, level: float) -> FieldFigure:
        """A statistic of the runs so far, with pointwise intervals."""
        assert self.sums is not None
        if self.sums.runs < 2 * BATCHES:
            raise EstimationError(
                f"only {self.sums.runs} runs finished: too few for the {BATCHES} batches of a field.",
                f"raise `runs` to {4 * BATCHES} or more, or look at the messages of the failed runs.",
            )
        measure = "mean" if statistic == "mean" else "variance"
        moment = self.sums.moment(measure, self.own)
        value, n = moment.value + (self._centre if statistic == "mean" else 0.0), self.sums.runs
        error = np.sqrt(moment.sampling + moment.integral)
        slope = np.ones_like(value)
        if statistic != "mean":
            value = np.maximum(value, 0.0)
        if statistic == "standard_deviation":
            value = np.sqrt(value)
            slope = np.divide(0.5, value, out=np.zeros_like(value), where=value > 0)
        error = error * slope
        freedom = float(len(moment.replicates) - 3)
        below = moment.sampling**2 / (n - 1) + (moment.integral**2 / freedom if freedom > 0 else 0.0)
        squared = np.square(moment.sampling + moment.integral)
        dof = np.divide(squared, below, out=np.full_like(value, n - 1.0), where=below > 0)
        low, high = interval(statistic, value, error, special.stdtrit(dof, 0.5 + 0.5 * level))
        parts = [(moment.influences * slope).mean(axis=1), (moment.replicates * slope).mean(axis=1)]
        variances = [float(np.square(part).sum()) * len(part) / (len(part) - 1) if len(part) else 0.0 for part in parts]
        average = float(value.mean()), float(np.sqrt(sum(variances))), float(BATCHES - 1)
        return FieldFigure(value, low, high, error, dof, moment, average)


def interval(
    statistic: str, value: np.ndarray, error: np.ndarray, factor: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of value -+ factor error, on the logarithm for variances and standard deviations."""
    if SCALES.get(statistic) != "positive":
        return value - factor * error, value + factor * error
    ratio = np.divide(error, value, out=np.zeros_like(value), where=value > 0)
    half = np.minimum(factor * ratio, 700.0)
    return value * np.exp(-half), np.where(value > 0, value * np.exp(half), factor * error)
