"""`estimate`: one question asked of a simulator, without a study file and without Snakemake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from surecast.quantify.question import Question
    from surecast.study.laws.joint import JointLaw

    Model = Callable[[xr.Dataset], xr.Dataset]


def estimate(
    question: Mapping[str, Any] | Question,
    simulator: Model,
    inputs: Mapping[str, Mapping[str, Any]] | JointLaw,
    surrogate: Model | Sequence[Model] | str | Mapping[str, Any] | None = None,
    *,
    runs: int | None = None,
    tolerance: float | None = None,
    training_runs: int | None = None,
    seed: int = 0,
) -> xr.Dataset:
    """Answer a question about a simulator with an interval and a verdict.

    Parameters
    ----------
    question : mapping or Question
        As in a study file, for example ``{"kind": "moments", "of": "response"}``.
    simulator : callable
        From inputs (xarray.Dataset, dimension ``run``) to outputs with the same ``run``; a value that is not
        finite is a failed run. It may return ``failed`` (run,) too, and finds ``seed`` (run,) among its inputs.
    inputs : mapping or JointLaw
        Law of each input as in a study file, for example ``{"x": {"kind": "uniform", "low": 0, "high": 1}}``.
    surrogate : callable, sequence of callables, str or mapping, optional
        A model called as the simulator is, several in order of preference, or the kind of surrogate to fit to
        `training_runs` random runs (``gaussian_process``, ``polynomial_chaos``, or ``{"kind": ..., settings}``).
        It reduces the variance; it never biases the answer.
    runs, tolerance : optional
        Set the question's own `runs` and `tolerance`.
    training_runs : int, optional
        Simulator runs to fit a named surrogate to, beside `runs`; default: a quarter of them.
    seed : int
        Fixes every random number.

    Returns
    -------
    xarray.Dataset
        One entry of dimension ``estimate`` a statistic and estimator; variables as `surecast.quantify.table` says.

    Raises
    ------
    StudyError
        If the question or a law is refused, with key, value and remedy.
    EstimationError
        If the question cannot be answered for these laws, runs or surrogates.
    """
    from surecast.quantify.api import call

    return call(question, simulator, inputs, surrogate, runs, tolerance, training_runs, seed)
