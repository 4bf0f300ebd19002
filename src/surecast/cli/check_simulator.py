"""The common checks of a simulator on a few runs drawn from the laws of its inputs: `surecast check --simulator`.

    surecast check mine.yaml --simulator                  # the study's simulator, its laws, its outputs
    surecast check mine.yaml --simulator beam:beam        # another callable on the same
    surecast check --simulator beam:beam --inputs 'load=uniform(500, 1500)' 'stiffness=lognorm(0.1, scale=2e5)'

A law is written as a call: its settings in the order in which they are listed, or by name.
"""

from __future__ import annotations

import argparse
import ast
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surecast.study.errors import ComponentError, SimulationError, StudyError, SurecastError

if TYPE_CHECKING:
    from surecast.study.model import Study

NO_FILE = Path("check")
"""What stands for the study's file in messages where there is none; modules are looked for in the working directory."""


def run(options: argparse.Namespace) -> int:
    """Make the checks, print each, and return 0, or 2 at the first that fails.

    Raises
    ------
    StudyError
        If the study, a law, or the simulator itself is refused before a run.
    """
    if options.runs < 2:
        raise StudyError("runs are compared with each other.", "ask for two or more.", key="--runs", value=options.runs)
    study = _study(options.study, options.simulator, options.inputs)
    study.build_simulator()
    study.joint_law()
    file = study.file if study.file != NO_FILE else "--inputs"
    print(f"{study.simulator.kind} on {options.runs} runs drawn by the laws of {file}", flush=True)
    announced = ""
    try:
        for title in _checks(study, options.runs, options.inputs is None):
            if announced:
                print(f"  passed   {announced}", flush=True)
            announced = title
    except Exception as error:
        print(f"  FAILED   {announced}", flush=True)
        print(f"Error: {error if isinstance(error, SurecastError) else _raised(error)}", file=sys.stderr)
        return 2  # as for a study that is refused
    print(f"  passed   {announced}")
    return 0


def _raised(error: Exception) -> SimulationError:
    """What a user's class raised, which a callable may and a class may not."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return SimulationError(
        f"{place.filename}:{place.lineno} raised {type(error).__name__}: {error}.",
        "correct it; why a single run fails is said in its `failure`.",
    )


def _checks(study: Study, runs: int, of_study: bool) -> Iterator[str]:
    """The checks that every simulator passes, then those of the study's outputs."""
    import numpy as np

    from surecast.simulate.checks import checks
    from surecast.simulate.truth import Truth
    from surecast.study import seeds

    law = study.joint_law()
    drawn = law.from_uniform(seeds.generator(study.seed, "check").random((runs, law.dimension)))
    with_units = None
    if of_study:
        outputs = [study.build_output(name) for name in study.outputs]
        with_units = {name for output in outputs if output.units is None for name in output.needs()}
    simulator = study.build_simulator()
    inputs = law.realise(drawn, simulator.grids())
    if simulator.stochastic:
        inputs = inputs.assign(seed=("run", np.arange(runs, dtype=np.int64)))
    yield from checks(simulator, inputs, with_units, study.failures.largest)
    if of_study:
        yield f"outputs: {', '.join(study.outputs)} can be taken from it, as the study states them"
        message = Truth(study).simulate(inputs)["message"].values
        if any(message):
            raise SimulationError(f"a run fails: {next(filter(None, message))}.", "correct the outputs of the study.")


def _study(file: str | None, simulator: str, inputs: Sequence[str] | None) -> Study:
    """The study whose simulator is checked: as it stands, with another simulator, or made of laws alone."""
    from surecast.study.load import find_study, load_study
    from surecast.study.model import Study

    if simulator and ":" not in simulator:
        if file is not None:
            raise StudyError("is no callable.", "write module:name.", key="--simulator", value=simulator)
        file, simulator = simulator, ""  # the study stands behind --simulator
    if file is not None:
        if inputs is not None:
            raise StudyError("the study has the laws.", "leave one of the two out.", key="--inputs", value=inputs[0])
        from surecast.cli.repository import config_dir

        study = load_study(find_study(file, config_dir()).resolve())
        if simulator:
            study = Study.from_content(study.content | {"simulator": {"kind": simulator}}, study.file)
        study.check()
        return study
    if not simulator or inputs is None:
        remedy = "give a study file, or module:name and --inputs 'x=uniform(0, 1)'."
        raise StudyError("nothing says what to check and the laws of its inputs.", remedy, key="--simulator")
    laws = dict(map(law_of, inputs))
    content = {"simulator": {"kind": simulator}, "inputs": laws, "outputs": {"any": {}}, "design": {"kind": "sobol"}}
    return Study.from_content(content, NO_FILE)


def law_of(text: str) -> tuple[str, dict[str, Any]]:
    """Name and law of an input written as a call, for example ``x=lognorm(0.1, scale=2.0, units='m')``.

    Raises
    ------
    StudyError
        If it is no such call, or the law has not so many settings.
    """
    from surecast.study import kinds
    from surecast.study.laws.continuous import Continuous

    name, _, call = text.partition("=")
    try:
        tree = ast.parse(call.strip(), mode="eval").body
        if not (isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)):
            raise ValueError("no call")
        kind, given = tree.func.id, [ast.literal_eval(item) for item in tree.args]
        named = {str(item.arg): ast.literal_eval(item.value) for item in tree.keywords}
    except (ValueError, SyntaxError) as error:
        remedy = "write for example 'x=uniform(0, 1)' or \"x=normal(0, 1, units='m')\", between quotes."
        raise StudyError("is no law of an input.", remedy, key="--inputs", value=text) from error
    try:
        fields = kinds.resolve("laws", kind).model_fields
    except ComponentError as error:
        raise StudyError(error.message, error.remedy, key="--inputs", value=text) from error
    # As in scipy.stats: what a law cannot do without first, then what it can.
    own = [setting for setting in fields if setting not in Continuous.model_fields]
    own.sort(key=lambda setting: not fields[setting].is_required())
    if len(given) > len(own):
        remedy = f"it takes {', '.join(own)}."
        raise StudyError(f"the law {kind} has fewer settings.", remedy, key="--inputs", value=text)
    return name.strip(), {"kind": kind, **dict(zip(own, given, strict=False)), **named}
