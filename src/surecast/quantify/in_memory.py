"""A study made of Python objects: what `surecast.quantify.estimate` is given, checked as a study file is.

Errors are those of a study file; in place of its name they say ``estimate``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from pydantic import PrivateAttr

from surecast.quantify.pictures import MOST_PAIRS
from surecast.quantify.question import Question
from surecast.quantify.sampling import LEAST_FAILED, Model, all_failed
from surecast.simulate import gates
from surecast.simulate.function import FunctionSimulator
from surecast.simulate.simulator import Simulator
from surecast.study import kinds
from surecast.study.errors import SimulationError, StudyError
from surecast.study.laws.joint import JointLaw
from surecast.study.laws.law import Law
from surecast.study.model import Study
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    from surecast.simulate.outputs import Output

FILE = Path("estimate")
QUESTION = "question"
FITTED = "fitted"
"""Names of the question and of the surrogate fitted to it, in messages and streams of random numbers."""
LARGEST = 1e300


class Called(FunctionSimulator):
    """A callable at hand as a simulator."""

    _given: Any = PrivateAttr(default=None)
    _work: float = PrivateAttr(default=1.0)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Called:
        """The simulator that calls `function`."""
        made = cls.model_construct(
            function=str(getattr(function, "__name__", type(function).__name__)), arguments={}, runs_per_call=4096
        )
        made._given = function
        return made

    def coarser(self) -> list[Simulator]:
        """What the callable's attribute ``coarser`` names, finest first: pairs of a callable and its cost."""
        found: list[Simulator] = []
        for function, cost in getattr(self._given, "coarser", ()):
            made = self.of(function)
            made._work = float(cost)
            found.append(made)
        return found

    def work(self) -> float:
        """Its cost relative to the simulator's."""
        return self._work

    def _callable(self) -> Callable[..., Any]:
        function: Callable[..., Any] = self._given
        return function


class Truth:
    """The simulator as a function from inputs to the outputs asked for, without a store.

    Attributes
    ----------
    runs_per_call : int
        Runs that a call should have at most.
    runs, finished : int
        Runs made so far, and how many of them did not fail.
    units : dict of str to str
        Unit of each output, once it was returned.
    """

    runs_per_call = 1024

    def __init__(self, study: Study, outputs: Sequence[str], simulator: Simulator | None = None) -> None:
        self.simulator: Simulator = simulator or study.build_simulator()
        self.outputs: dict[str, Output] = {name: study.build_output(name) for name in outputs}
        self.largest = study.failures.largest
        self.runs = self.finished = 0
        self.units: dict[str, str] = {}
        self._last: tuple[list[xr.Dataset], list[xr.Dataset]] = ([], [])

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        """Outputs, ``failed`` and ``message`` (run,).

        Until a run has finished it makes one, then some more, then all: an output that does not exist, or a simulator
        that always fails, should not cost a thousand runs.

        Raises
        ------
        EstimationError
            If all of the first runs failed.
        """
        count, blocks, start = inputs.sizes["run"], [], 0
        while start < count:
            stop = count
            if not self.finished:
                stop = min(count, start + (LEAST_FAILED - self.runs if self.runs else 1))
            blocks.append(self._run(inputs.isel(run=slice(start, stop))))
            start = stop
            if not self.finished and self.runs >= LEAST_FAILED:
                messages = [text for block in blocks for text in block["message"].values]
                raise all_failed(self.runs, str(messages[0]))
        return blocks[0] if len(blocks) == 1 else xr.concat(blocks, "run", combine_attrs="override")

    def _run(self, inputs: xr.Dataset) -> xr.Dataset:
        runs = inputs.sizes["run"]
        raw = self.simulator.run(inputs)
        self.runs += runs
        failure = raw["failure"].values.astype(object)
        made = xr.Dataset({"failure": ("run", failure)})
        if len(raw.data_vars) == 1 and (failure != "").all():  # not one call came back: no variable is known
            made = made.assign({name: ("run", np.full(runs, np.nan)) for name in self.outputs})
        else:
            if "failed" in raw:
                said = (failure == "") & (raw["failed"].values != 0)
                made["failure"] = ("run", np.where(said, "the simulator says so", failure))
            for name, output in self.outputs.items():
                made[name] = self._scalar(name, output.from_simulation(inputs, raw))
                self.units[name] = str(made[name].attrs.get("units", "1"))
        message = gates.messages(made, self.largest)
        self.finished += int((message == "").sum())
        made = made.drop_vars("failure").assign(failed=("run", message != ""), message=("run", message))
        self._keep(inputs, made[list(self.outputs)].where(message == ""))
        return made

    def last(self) -> tuple[xr.Dataset, xr.Dataset]:
        """Inputs and outputs of the last runs, `MOST_PAIRS` of them or some more."""
        inputs, outputs = (xr.concat(blocks, "run", combine_attrs="override") for blocks in self._last)
        return inputs, outputs

    def _keep(self, inputs: xr.Dataset, outputs: xr.Dataset) -> None:
        for blocks, block in zip(self._last, (inputs, outputs), strict=True):
            blocks.append(block)
            while sum(one.sizes["run"] for one in blocks[1:]) >= MOST_PAIRS:
                del blocks[0]

    def _scalar(self, name: str, array: xr.DataArray) -> xr.DataArray:
        extra = [str(dim) for dim in array.dims if dim != "run"]
        stated = self.outputs[name].dimensions(self.simulator)
        if set(extra) != set(stated):
            raise SimulationError(
                f"output {name!r} is a field over {', '.join(extra)}, not a number.",
                f"reduce it, for example `outputs={{{name!r}: {{'reduce': {{'over': {extra[:1]}, 'by': 'max'}}}}}}`.",
            )
        return array


def given_study(
    question: Mapping[str, Any] | Question,
    simulator: Model,
    inputs: Mapping[str, Mapping[str, Any] | Law] | JointLaw,
    surrogate: Any,
    runs: int | None,
    tolerance: float | None,
    seed: int,
    outputs: Mapping[str, Mapping[str, Any]] | None,
    correlations: Sequence[Mapping[str, Any]],
) -> Study:
    """The study of one question; see `surecast.quantify.estimate` for the arguments.

    Raises
    ------
    StudyError
        If something is refused, with key, value and remedy.
    """
    if not callable(simulator):
        raise StudyError(
            f"the simulator is {type(simulator).__name__}, which cannot be called.",
            "give a function from an xarray Dataset of inputs to one of outputs.",
            file=FILE,
            key="simulator",
        )
    spec = _question(question) | {
        key: value for key, value in (("runs", runs), ("tolerance", tolerance)) if value is not None
    }
    specs, built = _laws(inputs)
    if surrogate is not None:
        spec["surrogate"] = FITTED if isinstance(surrogate, (str, Mapping)) else "given"
    content: dict[str, Any] = {
        "seed": seed,
        "simulator": {"kind": "given"},
        "inputs": specs,
        "correlations": list(correlations),
        "outputs": dict(outputs or {}) or {"none": {}},
        "design": {"kind": "monte_carlo"},
        "failures": {"largest": LARGEST},
        "questions": {QUESTION: spec},
    }
    if isinstance(surrogate, (str, Mapping)):
        fitted = {"kind": surrogate} if isinstance(surrogate, str) else surrogate
        content["surrogates"] = {FITTED: fitted}
    content = _plain(content)
    built["simulator",] = Called.of(simulator)
    first = Study.from_content(content, FILE)  # tells which outputs the question needs
    first._built |= built
    named: dict[str, Any] = {name: {} for name in first.build_question(QUESTION).outputs}
    study = Study.from_content(content | {"outputs": named | dict(outputs or {})}, FILE)
    study._built |= built
    _check(study, surrogate)
    return study


def _check(study: Study, surrogate: Any) -> None:
    """Everything that needs no run."""
    law = study.joint_law()
    question: Question = study.build_question(QUESTION)
    place = ("questions", QUESTION)
    if surrogate is None and question.surrogate != "none":
        raise study.error((*place, "surrogate"), "no surrogate is given.", "give `surrogate=`, or leave this out.")
    if FITTED in study.surrogates:
        from surecast.train.scalar_fit import KINDS

        kind = study.surrogates[FITTED].kind
        if kind not in KINDS:
            raise study.error(
                ("surrogates", FITTED, "kind"), "cannot be fitted to runs at hand.", suggestion(kind, KINDS)
            )
        study.build_surrogate(FITTED)
        law.require_continuous(f"the surrogate {kind}")
    simulator = study.build_simulator()
    for name in question.outputs:
        if study.build_output(name).is_field(simulator):
            raise study.error(
                ("outputs", name), "is a field, not a number.", "reduce it, or ask in a study file, point by point."
            )
    errors = [
        study.error((*place, *filter(None, key.split("."))), message, remedy)
        for key, message, remedy in question.problems(study)
    ]
    if errors:
        raise StudyError.of(errors)
    question.check_law(law)


def _question(question: Mapping[str, Any] | Question) -> dict[str, Any]:
    if not isinstance(question, Question):
        return dict(question)
    target = f"{type(question).__module__}:{type(question).__qualname__}"
    kind = next((name for name, row in kinds.TABLES["question"].items() if row == target), target)
    return {"kind": kind, **question.model_dump(mode="json", exclude_unset=True)}


def _laws(inputs: Mapping[str, Any] | JointLaw) -> tuple[dict[str, Any], dict[Any, Any]]:
    """What a study file would say of the laws, and those that are built already, as a `Study` keeps them."""
    built: dict[Any, Any] = {}
    if isinstance(inputs, JointLaw):
        built["joint"] = inputs
        inputs = inputs.laws
    specs = {}
    for name, law in inputs.items():
        specs[str(name)] = json.loads(law.label()) if isinstance(law, Law) else law
        if isinstance(law, Law):
            built["inputs", str(name)] = law
    return specs, built


def _plain(value: Any) -> Any:
    """Python's own numbers, lists and dictionaries, as a study file gives them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
