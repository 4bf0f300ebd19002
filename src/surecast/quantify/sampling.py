"""Drawing rows of uniforms and evaluating models on them, in fixed chunks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from surecast.quantify.integrand import Integrand
from surecast.study.errors import EstimationError
from surecast.study.progress import progress

if TYPE_CHECKING:
    import xarray as xr

Model = Callable[["xr.Dataset"], "xr.Dataset"]
"""From inputs (dimension ``run``) to outputs by name; the truth adds ``failed`` and ``message``."""


@runtime_checkable
class KnowsItself(Protocol):
    """A surrogate that knows some of its own statistics exactly."""

    def exact_statistics(self, integrand: Integrand) -> np.ndarray:
        """Statistics (S,), NaN where it does not know them."""


_SOBOL_BITS = 30
LEAST_FAILED = 50
"""Runs, all of them failed, after which no further one is tried."""


@dataclass(frozen=True)
class Level:
    """The simulator on a coarser grid, and the work of a run relative to one of the simulator itself."""

    name: str
    model: Model
    cost: float


@dataclass(frozen=True)
class Task:
    """What an estimator works with.

    Parameters
    ----------
    truth : callable
        The simulator.
    surrogates : sequence of callables
        In order of preference; empty if the question names none.
    runs : int
        Simulator runs it may make.
    level : float
        Confidence level.
    seed : SeedSequence
        Stream of this question and estimator.
    surrogate_runs : int
        Surrogate evaluations for the surrogate's own statistics.
    tolerance : float, optional
        Half-width that is asked for; relative to the value unless `absolute`.
    absolute : bool
        Whether `tolerance` is absolute.
    absolute_tolerance : float, optional
        Half-width that is asked for in the units of the statistic; of two tolerances either is enough.
    bounds : mapping
        Output -> lowest and highest value that it can have: what a failed run may have been.
    levels : sequence of Level
        The simulator on coarser grids, finest first; for estimators that use them.
    steps : int
        Points of the convergence record; 0 for none.
    chunk, surrogate_chunk : int
        Runs in one call of the truth, of a surrogate. Numbers do not depend on them where a model's rows do not.
    """

    truth: Model
    surrogates: Sequence[Model]
    runs: int
    level: float
    seed: np.random.SeedSequence
    surrogate_runs: int = 16384
    tolerance: float | None = None
    absolute: bool = False
    absolute_tolerance: float | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    levels: Sequence[Level] = ()
    steps: int = 0
    chunk: int = 256
    surrogate_chunk: int = 2048


class Heard:
    """The simulator, with an ear for what the first failed run says; where all runs fail it stops soon.

    Attributes
    ----------
    made : int
        Runs so far.
    finished : bool
        Whether one of them finished.
    first : str
        What the first failed run said.
    """

    def __init__(self, model: Model, integrand: Integrand) -> None:
        self.model, self.integrand, self.first = model, integrand, ""
        self.made, self.finished = 0, False

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        """Outputs of the simulator.

        Raises
        ------
        EstimationError
            If all of the first runs failed, see `LEAST_FAILED`.
        """
        outputs = self.model(inputs)
        if not self.first and "message" in outputs:
            self.first = next((text for text in map(str, outputs["message"].values) if text), "")
        self.made += inputs.sizes["run"]
        self.finished = self.finished or not np.isnan(self.integrand.values(outputs)).any(axis=1).all()
        if not self.finished and self.made >= LEAST_FAILED:
            raise all_failed(self.made, self.first)
        return outputs

    def few(self, message: str) -> EstimationError:
        """The error that too few runs finished."""
        return EstimationError(message + _said(self.first), "look at the messages of the failed runs.")


def all_failed(made: int, first: str = "") -> EstimationError:
    """The error that none of the first runs finished; `first` is what the first of them said."""
    return EstimationError(
        f"all of the first {made} runs failed: nothing can be said.{_said(first)}",
        "run the simulator on one of the inputs by hand.",
    )


def _said(first: str) -> str:
    return f" The first said: {first}" if first else ""


def child(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """A stream below `seed`; unlike `SeedSequence.spawn` it does not depend on what was asked before."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))


def generator(seed: np.random.SeedSequence) -> np.random.Generator:
    """NumPy generator of a stream."""
    return np.random.Generator(np.random.PCG64DXSM(seed))


def uniforms(seed: np.random.SeedSequence, start: int, stop: int, dimension: int) -> np.ndarray:
    """Rows start to stop of a stream of independent uniforms in the open interval (0, 1), (stop - start, dimension)."""
    return _from_word(seed, start * dimension).random((stop - start, dimension)) + 2.0**-54


def scrambled_sobol(
    seed: np.random.SeedSequence, scramblings: int, start: int, stop: int, dimension: int
) -> np.ndarray:
    """Points start to stop of independently scrambled Sobol sequences, shape (scramblings, stop - start, dimension).

    Linear matrix scrambling with a digital shift (Matousek 1998; Owen 2003), each point at the
    centre of its cell of width 2^-30, so that no coordinate is 0 and normal quantiles are finite.
    """
    from scipy.stats import qmc

    drawn = np.empty((scramblings, stop - start, dimension))
    for index in range(scramblings):
        sampler = qmc.Sobol(dimension, scramble=True, bits=_SOBOL_BITS, rng=generator(child(seed, index)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # balance needs powers of two: callers pass them
            if start:
                sampler.fast_forward(start)
            drawn[index] = sampler.random(stop - start)
    return drawn + 2.0 ** -(_SOBOL_BITS + 1)


def run_seeds(seed: np.random.SeedSequence, start: int, stop: int, runs_per_row: int) -> np.ndarray:
    """Seeds of the runs of rows start to stop, for stochastic simulators, shape (stop - start, runs_per_row)."""
    stream = _from_word(seed, start * runs_per_row)
    words = stream.integers(0, 2**64, size=(stop - start, runs_per_row), dtype=np.uint64)
    return (words >> np.uint64(2)).astype(np.int64)


def _from_word(seed: np.random.SeedSequence, place: int) -> np.random.Generator:
    """A stream from one of its 64-bit words on; a uniform takes one word, and so does a full-range integer."""
    bits = np.random.PCG64DXSM(seed)
    bits.advance(place)
    return np.random.Generator(bits)


def observe_rows(
    model: Model, integrand: Integrand, rows: np.ndarray, *, label: str, chunk: int, seeds: np.ndarray | None = None
) -> np.ndarray:
    """Evaluate a model on rows of uniforms.

    Parameters
    ----------
    rows : (n, row_dimension) array
    seeds : (n, runs_per_row) array, optional
        Seeds of the runs: given for the simulator, not for surrogates.

    Returns
    -------
    (n, runs_per_row, columns) array, NaN where a run failed

    Raises
    ------
    EstimationError
        If all of the first runs fail, see `LEAST_FAILED`.
    """
    size = max(1, chunk // integrand.runs_per_row)
    blocks: list[np.ndarray] = []
    heard = model if seeds is None else Heard(model, integrand)
    for start in progress(range(0, len(rows), size), label, total=-(-len(rows) // size)):
        runs = integrand.runs(rows[start : start + size])
        inputs = integrand.law.from_uniform(runs.reshape(-1, integrand.law.dimension))
        part = None if seeds is None else seeds[start : start + size].reshape(-1)
        observed = observe_inputs(heard, integrand, inputs, part).reshape(*runs.shape[:2], -1)
        blocks.append(integrand.settled(rows[start : start + size], observed))
    return np.concatenate(blocks)


def observe_inputs(model: Model, integrand: Integrand, inputs: xr.Dataset, seeds: np.ndarray | None) -> np.ndarray:
    """Observations (runs, columns) of a model at given inputs; see `values_at`."""
    return integrand.observe(inputs, values_at(model, integrand, inputs, seeds))


def values_at(model: Model, integrand: Integrand, inputs: xr.Dataset, seeds: np.ndarray | None) -> np.ndarray:
    """Values (runs, outputs) of a model at given inputs.

    Raises
    ------
    EstimationError
        If a surrogate predicts values that are not finite (failed runs of the simulator are NaN instead).
    """
    if seeds is not None:
        inputs = inputs.assign(seed=("run", seeds, {"long_name": "seed of the run", "units": "1"}))
    values = integrand.values(model(inputs))
    if seeds is None and not np.isfinite(values).all():
        raise EstimationError(
            f"a surrogate of {', '.join(integrand.outputs)} predicts values that are not finite.",
            "look at its evaluation, train it longer, or name another surrogate in the question.",
        )
    return values
