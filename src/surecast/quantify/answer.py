"""Answer one question of a study: choose the surrogate, run the estimators, write the table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from surecast.quantify.choose import Choice, choose
from surecast.quantify.epistemic import p_boxes
from surecast.quantify.estimates import Estimate
from surecast.quantify.estimators.build import build_estimator
from surecast.quantify.estimators.estimator import Estimator
from surecast.quantify.integrand import Integrand
from surecast.quantify.pictures import agreement_of_test_runs
from surecast.quantify.sampling import Level, Model, Task
from surecast.quantify.table import to_csv, to_dataset
from surecast.study.files import read_json, write_dataset, write_text
from surecast.study.seeds import seed_sequence

if TYPE_CHECKING:
    from surecast.quantify.question import Question
    from surecast.simulate.truth import Truth
    from surecast.study.model import Study

STEPS = 12
"""Points of each convergence record."""


def answer(
    study: Study,
    question_name: str,
    surrogate_jsons: Mapping[str, Sequence[str | Path]],
    manifest: str | Path,
    output_nc: str | Path,
    output_csv: str | Path,
    truth: Model | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    deadline: float | None = None,
) -> xr.Dataset:
    """Answer a question and write ``estimates/<question>.nc`` and ``.csv``.

    Parameters
    ----------
    study : Study
        The study.
    question_name : str
        Which of its questions.
    surrogate_jsons : mapping
        Trained surrogates: name to the JSON files of its seeds.
    manifest : path
        ``dataset.json``; the run store lies in ``store`` beside it.
    output_nc, output_csv : path
        What is written.
    truth : callable, optional
        The simulator, from inputs to outputs; by default the study's, with its run store.
    workers, scheduler, deadline
        See `surecast.simulate.truth.Truth`: processes for slow runs, and when this job is ended.

    Returns
    -------
    xarray.Dataset
        What was written; see `surecast.quantify.table`.

    Raises
    ------
    EstimationError
        If the question cannot be answered for these input laws, runs or surrogates.
    TimeLimitError
        If the deadline is near; the runs made are in the run store.
    """
    question: Question = study.build_question(question_name).for_study(study)
    law = study.joint_law()
    question.check_law(law)
    integrand = question.with_runs(question.integrand(law), study, manifest)
    # It keeps all scalar outputs: another question that draws the same runs finds them.
    own = None if truth is not None else _truth(study, integrand.outputs, manifest, workers, scheduler, deadline)
    simulator = truth or own
    assert simulator is not None
    choice = choose(study, question.surrogate, integrand.outputs, surrogate_jsons, manifest)

    def stream(kind: str) -> np.random.SeedSequence:
        # Keyed by the estimator and not by the question: what two questions draw alike is simulated once.
        return seed_sequence(study.seed, "quantify", kind)

    units, fields = _units(study, integrand.outputs), xr.Dataset()
    whole = question.point_by_point(study)
    estimates: list[Estimate] = []
    if numbers := [name for name in question.outputs if name not in whole]:
        part = question.model_copy(update={"of": numbers}) if whole else question
        estimates = ask(
            part,
            part.integrand(law) if whole else integrand,
            simulator,
            choice.models,
            stream,
            label=question_name,
            bounds={name: spec.bounds for name, spec in study.outputs.items() if spec.bounds is not None},
            levels=_levels(study, integrand.outputs, manifest, deadline),
        )
    if whole:
        from surecast.quantify.field_moments import answer_fields
        from surecast.quantify.moments import Moments

        assert isinstance(question, Moments)
        more, fields = answer_fields(question, law, whole, units, simulator, choice.models, stream, STEPS)
        estimates += more
    if own is not None:
        own.close()
    dataset = to_dataset(question_name, estimates, study.seed, units)
    dataset = dataset.merge(fields, compat="override", join="override", combine_attrs="override")
    if choice.models:
        pairs = agreement_of_test_runs(manifest, law.names, choice.models[0], integrand.outputs)
        dataset = dataset.merge(pairs, compat="override", join="override", combine_attrs="override")
    dataset.attrs |= _attributes(study, question_name, question, choice)
    dataset.attrs["dataset"] = read_json(manifest)["digest"]
    dataset.attrs["digest"] = write_dataset(output_nc, dataset)
    write_text(output_csv, to_csv(dataset))
    return dataset


def ask(
    question: Question,
    integrand: Integrand,
    truth: Model,
    surrogates: Sequence[Model],
    stream: Callable[[str], np.random.SeedSequence],
    label: str = "",
    steps: int = STEPS,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    levels: Callable[[Estimator], Sequence[Level]] | None = None,
) -> list[Estimate]:
    """Estimates of a question by every estimator that it names, the answer first.

    Parameters
    ----------
    truth : callable
        The simulator, from inputs to outputs.
    surrogates : sequence of callables
        In order of preference.
    stream : callable
        From an estimator's kind to its stream of random numbers.
    label : str
        Named in the log; nothing is logged without.
    steps : int
        Points of each convergence record.
    bounds : mapping, optional
        Output -> lowest and highest value that it can have: what a failed run may have been.
    levels : callable, optional
        From an estimator to the coarser grids that it uses, see `surecast.quantify.hierarchy.levels`.
    """
    found: list[Estimate] = []
    for spec in question.estimator_specs():
        estimator = build_estimator(spec)
        if label:
            print(f"{label}: {estimator.kind}, up to {question.runs} simulator runs", file=sys.stderr, flush=True)
        task = Task(
            truth=truth,
            surrogates=surrogates,
            runs=question.runs,
            level=question.level,
            seed=stream(estimator.kind),
            surrogate_runs=question.surrogate_runs,
            tolerance=question.tolerance,
            absolute=question.absolute,
            absolute_tolerance=question.absolute_tolerance,
            bounds=bounds or {},
            levels=() if levels is None else levels(estimator),
            steps=steps,
            chunk=getattr(truth, "runs_per_call", 256),
        )
        if integrand.law.epistemic:
            estimates = p_boxes(question, integrand.law, estimator, task)
        else:
            estimates = estimator.estimate(integrand, task)
        for estimate in estimates:
            found.append(replace(estimate, methods=(*estimate.methods, *integrand.methods)))
    return found


def _truth(
    study: Study,
    outputs: Sequence[str],
    manifest: str | Path,
    workers: int,
    scheduler: str | None,
    deadline: float | None,
) -> Truth:
    from surecast.simulate.store import RunStore
    from surecast.simulate.truth import Truth

    simulator = study.build_simulator()
    scalars = [name for name in study.outputs if not study.build_output(name).is_field(simulator)]
    kept = [*scalars, *(name for name in outputs if name not in scalars)]
    store = RunStore(Path(manifest).parent / "store")
    return Truth(study, kept, store, workers=workers, scheduler=scheduler, deadline=deadline)


def _levels(
    study: Study, outputs: Sequence[str], manifest: str | Path, deadline: float | None
) -> Callable[[Estimator], Sequence[Level]]:
    from surecast.quantify import hierarchy
    from surecast.simulate.store import RunStore
    from surecast.simulate.truth import Truth

    store = RunStore(Path(manifest).parent / "store")
    return lambda estimator: hierarchy.levels(
        study.build_simulator(), estimator, lambda one: Truth(study, outputs, store, simulator=one, deadline=deadline)
    )


def _units(study: Study, outputs: Sequence[str]) -> dict[str, str]:
    simulator = study.build_simulator()
    return {name: study.build_output(name).unit(simulator) or "1" for name in outputs}


def _attributes(study: Study, name: str, question: Question, choice: Choice) -> dict[str, Any]:
    design = study.build_design()
    attributes: dict[str, Any] = {
        "long_name": f"answer to the question {name!r}",
        "study": study.name,
        "question": name,
        "kind": study.questions[name].kind,
        "surrogate": question.surrogate,
        "seed": study.seed,
        "training_runs": design.train,
        "validation_runs": design.validation,
        "training_runs_meaning": "runs of the dataset that surrogates learnt from; no estimate contains one",
    }
    for output, ranked in choice.ranking.items():
        for place, (label, value) in zip(("chosen", "runner_up"), ranked, strict=False):
            attributes[f"{place}_surrogate_{output}"] = label
            attributes[f"{place}_squared_correlation_{output}"] = value
    return attributes
