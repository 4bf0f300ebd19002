"""`estimate`: one question asked of a simulator, without a study file and without Snakemake.

from surecast.quantify import estimate
answer = estimate({"kind": "moments", "of": "y"}, simulator, {"x": {"kind": "uniform", "low": 0, "high": 1}})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from surecast.quantify.answer import ask
from surecast.quantify.hierarchy import levels
from surecast.quantify.in_memory import FITTED, QUESTION, Truth, given_study
from surecast.quantify.in_memory_surrogates import surrogates_of, training_count
from surecast.quantify.pictures import agreement
from surecast.quantify.table import to_dataset
from surecast.study.digest import canonical_json
from surecast.study.provenance import versions
from surecast.study.seeds import seed_sequence

if TYPE_CHECKING:
    from surecast.quantify.question import Question
    from surecast.study.laws.joint import JointLaw
    from surecast.study.laws.law import Law

    Model = Callable[[xr.Dataset], xr.Dataset]


def estimate(
    question: Mapping[str, Any] | Question,
    simulator: Model,
    inputs: Mapping[str, Mapping[str, Any] | Law] | JointLaw,
    surrogate: Model | Sequence[Model] | str | Mapping[str, Any] | None = None,
    *,
    runs: int | None = None,
    tolerance: float | None = None,
    training_runs: int | None = None,
    seed: int = 0,
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    correlations: Sequence[Mapping[str, Any]] = (),
) -> xr.Dataset:
    """Answer a question about a simulator with an interval and a verdict.

    Parameters
    ----------
    question : mapping or Question
        As in a study file, for example ``{"kind": "moments", "of": "response"}``.
    simulator : callable
        From inputs (xarray.Dataset, dimension ``run``) to outputs with the same ``run``. A run fails where it
        raises, where a value is not finite, or where it returns ``failed`` (run,) as true. With an attribute
        ``stochastic = True`` it finds ``seed`` (run,) among its inputs. An attribute ``coarser``, a list of pairs
        (callable, cost relative to this one), offers it on coarser grids, finest first, to multilevel estimators.
    inputs : mapping or JointLaw
        Law of each input as in a study file, for example ``{"x": {"kind": "uniform", "low": 0, "high": 1}}``.
    surrogate : callable, sequence of callables, str or mapping, optional
        A model called as the simulator is, several in order of preference, or the kind of surrogate to fit to
        `training_runs` random runs (``gaussian_process``, ``polynomial_chaos``, or ``{"kind": ..., settings}``).
        It reduces the variance; it never biases the answer.
    runs, tolerance : optional
        Set the question's own `runs` and `tolerance`.
    training_runs : int, optional
        Simulator runs to fit a named surrogate to, beside `runs`; default: a quarter of them. None of them enters
        an estimate.
    seed : int
        Fixes every random number.
    outputs : mapping, optional
        Outputs as in a study file, for those that are no variable of the simulator as it is (``reduce``, ``at``),
        or that have ``bounds``.
    correlations : sequence of mapping
        Gaussian copula between inputs as in a study file, ``[{"between": ["x", "y"], "value": 0.5}]``.

    Returns
    -------
    xarray.Dataset
        One entry of dimension ``estimate`` a statistic and estimator; variables as `surecast.quantify.table` says.
        Attributes: ``seed``, ``training_runs``, ``total_simulator_runs`` (all that were made), versions.

    Raises
    ------
    StudyError
        If the question or a law is refused, with key, value and remedy, as for a study.
    EstimationError
        If the question cannot be answered for these laws, runs or surrogates.
    SimulationError
        If the simulator does not return the outputs that the question needs.
    """
    study = given_study(question, simulator, inputs, surrogate, runs, tolerance, seed, outputs, correlations)
    asked: Question = study.build_question(QUESTION)
    law = study.joint_law()
    integrand = asked.integrand(law)
    learnt = training_count(study, surrogate, training_runs)
    truth = Truth(study, integrand.outputs)
    models = surrogates_of(study, truth, surrogate, learnt)
    estimates = ask(
        asked,
        integrand,
        truth,
        models,
        lambda kind: seed_sequence(seed, "quantify", kind),  # as in a study
        bounds={name: spec.bounds for name, spec in study.outputs.items() if spec.bounds is not None},
        levels=lambda estimator: levels(
            truth.simulator, estimator, lambda coarser: Truth(study, integrand.outputs, coarser)
        ),
    )
    dataset = to_dataset(QUESTION, estimates, seed, truth.units)
    dataset.attrs |= {
        "long_name": f"answer to a question of kind {study.questions[QUESTION].kind}",
        "question": QUESTION,
        "kind": study.questions[QUESTION].kind,
        "surrogate": study.surrogates[FITTED].kind if FITTED in study.surrogates else asked.surrogate,
        "seed": seed,
        "training_runs": learnt,
        "training_runs_meaning": "runs that the surrogate learnt from; no estimate contains one",
        "total_simulator_runs": truth.runs,
        "versions": canonical_json(versions()),
    }
    if models:
        dataset = dataset.merge(agreement(*truth.last(), models[0], integrand.outputs))
    return dataset
