"""Surrogates for a question asked without a study file: those at hand, or one fitted to runs of its own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from surecast.quantify.choose import Composite
from surecast.quantify.in_memory import FILE, FITTED, QUESTION, Truth
from surecast.quantify.sampling import Model, run_seeds, uniforms
from surecast.study.errors import EstimationError, StudyError
from surecast.study.nearest import suggestion
from surecast.study.seeds import seed_sequence

if TYPE_CHECKING:
    from surecast.quantify.question import Question
    from surecast.study.model import Study

CHUNK = 256
LEAST_TRAINING = 10


class Given:
    """A surrogate at hand: called as the simulator is."""

    def __init__(self, model: Model, outputs: Sequence[str]) -> None:
        self.model, self.outputs = model, tuple(outputs)

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        """Predict the outputs."""
        found = self.model(inputs)
        known = list(map(str, found.data_vars)) if isinstance(found, xr.Dataset) else []
        for name in self.outputs:
            if name not in known:
                raise EstimationError(f"the surrogate returns no {name!r}.", suggestion(name, known))
        return found[list(self.outputs)]


def training_count(study: Study, surrogate: Any, training_runs: int | None) -> int:
    """Runs to fit a surrogate to: 0 where none is to be fitted.

    Raises
    ------
    StudyError
        If a number is given and no surrogate is fitted, or if it is below 10.
    """
    fits = isinstance(surrogate, (str, Mapping))
    if training_runs is None:
        question: Question = study.build_question(QUESTION)
        return max(20, question.runs // 4) if fits else 0
    fault = None
    if not fits:
        fault = ("no surrogate is fitted.", "leave it out, or name the kind of a surrogate.")
    elif not isinstance(training_runs, (int, np.integer)) or training_runs < LEAST_TRAINING:
        fault = (f"is no number of runs, {LEAST_TRAINING} or more.", "leave it out for a quarter of `runs`.")
    if fault is not None:
        raise StudyError(*fault, file=FILE, key="training_runs", value=training_runs)
    return int(training_runs)


def surrogates_of(study: Study, truth: Truth, surrogate: Any, learnt: int) -> list[Model]:
    """The surrogates in order of preference, fitted to `learnt` random runs where a kind is named.

    Raises
    ------
    TrainingError
        If too few runs finished.
    """
    outputs = list(truth.outputs)
    if surrogate is None:
        return []
    if isinstance(surrogate, (str, Mapping)):
        from surecast.train.scalar_fit import fit_scalars

        law, stream = study.joint_law(), seed_sequence(study.seed, "quantify", QUESTION, "training")
        drawn = law.from_uniform(uniforms(stream, 0, learnt, law.dimension))
        words = run_seeds(seed_sequence(study.seed, "quantify", QUESTION, "training", "seeds"), 0, learnt, 1)[:, 0]
        seeded = drawn.assign(seed=("run", words, {"long_name": "seed of the run", "units": "1"}))
        blocks = [truth(seeded.isel(run=slice(start, start + CHUNK))) for start in range(0, learnt, CHUNK)]
        made = xr.concat(blocks, "run")
        made = made[outputs].where(~made["failed"])
        spec = study.surrogates[FITTED]
        fitted = fit_scalars({"kind": spec.kind, **spec.settings}, law, drawn, made)
        return [Composite(dict.fromkeys(outputs, fitted))]
    models = [surrogate] if callable(surrogate) else list(surrogate)
    for model in models:
        if not callable(model):
            raise StudyError(
                f"{type(model).__name__} cannot be called.",
                "give functions from inputs to outputs, or the kind of a surrogate.",
                file=FILE,
                key="surrogate",
            )
    return [_model(model, outputs) for model in models]


def _model(model: Any, outputs: Sequence[str]) -> Model:
    """Surrogates of surecast know which outputs they predict, and some of their own statistics."""
    own = getattr(model, "outputs", ())
    if not inspect.isfunction(model) and all(name in own for name in outputs):
        return Composite(dict.fromkeys(outputs, model))
    return Given(model, outputs)
