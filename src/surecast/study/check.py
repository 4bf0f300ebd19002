"""Does a study fit together? Every component is built, then names and units are compared; all errors are collected.

A component adds checks of its own by `Component.problems`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from surecast.study.component import Component
from surecast.study.errors import StudyError, SurecastError
from surecast.study.nearest import suggestion
from surecast.study.source import Location
from surecast.study.units import UnitError, check_unit, compatible, convert

if TYPE_CHECKING:
    from surecast.study.model import Study

_CHOICES = ("best", "none")


def check(study: Study) -> None:
    """Build and compare everything.

    Raises
    ------
    StudyError
        Every error found, in the attribute ``errors``.
    """
    errors: list[StudyError] = []

    def built(build: Callable[..., Any], *arguments: str) -> Any:
        try:
            return build(*arguments)
        except StudyError as error:
            errors.extend(error.errors)
            return None

    components: dict[Location, Any] = {("simulator",): built(study.build_simulator), ("laws",): built(study.joint_law)}
    if components[("laws",)] is not None:
        components |= {("inputs", name): study.build_law(name) for name in study.inputs}
    components |= {("outputs", name): built(study.build_output, name) for name in study.outputs}
    components[("design",)] = built(study.build_design)
    components |= {("surrogates", name): built(study.build_surrogate, name) for name in study.surrogates}
    components |= {("questions", name): built(study.build_question, name) for name in study.questions}
    errors.extend(_names(study))
    if components[("simulator",)] is not None:
        if components[("laws",)] is not None:
            errors.extend(_inputs(study, components[("simulator",)]))
        errors.extend(_dimensions(study, components))
    errors.extend(_outputs(study, components))
    errors.extend(_questions(study, components))
    errors.extend(_splits(study, components))
    for location, component in components.items():
        errors.extend(_own(study, location, component))
    if errors:
        raise StudyError.of(_distinct(errors))


def _names(study: Study) -> Iterator[StudyError]:
    """Names that refer to other parts of the file."""
    for name in study.outputs:
        if name in study.inputs:
            yield study.error(("outputs", name), "an input has this name already.", "rename one of them.")
    for name, spec in study.surrogates.items():
        for key in ("fields", "outputs", "of"):
            yield from _known(study, ("surrogates", name, key), spec.settings.get(key), study.outputs, "output")
    for name, spec in study.questions.items():
        settings = spec.settings
        surrogate = settings.get("surrogate")
        if isinstance(surrogate, (str, list)):
            choices = [*study.surrogates, *_CHOICES]
            yield from _known(study, ("questions", name, "surrogate"), surrogate, choices, "surrogate")
        if surrogate == "best" and not study.surrogates:
            yield study.error(
                ("questions", name, "surrogate"), "the study has no surrogates.", "add one, or write surrogate: none."
            )


def _known(study: Study, location: Location, named: Any, valid: Iterable[str], noun: str) -> Iterator[StudyError]:
    for name in [named] if isinstance(named, str) else named if isinstance(named, list) else []:
        if isinstance(name, str) and name not in valid:
            yield study.error(location, f"there is no {noun} {name!r}.", suggestion(name, valid))


def _inputs(study: Study, simulator: Any) -> Iterator[StudyError]:
    """Inputs that the simulator does not know, lacks, or takes in other units."""
    wanted, units, grids = list(simulator.input_names()), simulator.input_units(), simulator.grids()
    if wanted:
        for name in study.inputs:
            if name not in wanted:
                yield study.error(("inputs", name), "the simulator has no such input.", suggestion(name, wanted))
        for name in wanted:
            if name not in study.inputs:
                yield study.error(("inputs",), f"the simulator needs input {name!r}.", f"add `{name}: {{kind: ...}}`.")
    for name, unit in units.items():
        if name in study.inputs:
            yield from _input_unit(study, name, unit)
    for name, grid in grids.items():
        if name not in study.inputs:
            continue
        law = study.build_law(name)
        if law.kind() != "gaussian_field":
            yield study.error(
                ("inputs", name, "kind"), "the simulator wants a field here.", "use kind: gaussian_field."
            )
        elif law.dimensions != len(grid):
            yield study.error(
                ("inputs", name, "dimensions"),
                f"the simulator wants a field over {', '.join(grid)}.",
                f"write dimensions: {len(grid)}.",
            )


def _input_unit(study: Study, name: str, wanted: str) -> Iterator[StudyError]:
    """An input's unit must be the simulator's own: laws are not converted."""
    place, unit = ("inputs", name, "units"), study.build_law(name).units
    if unit is None and not compatible(wanted, "1"):
        yield study.error(place, f"a unit is missing: the simulator takes {wanted}.", f"add `units: {wanted}`.")
    elif unit is not None and not compatible(unit, wanted):
        yield study.error(place, f"is not compatible with {wanted}, which the simulator takes.", f"use {wanted}.")
    elif unit is not None and abs(convert(1.0, unit, wanted) - 1.0) > 1e-12:
        yield study.error(
            place, f"is not {wanted}, which the simulator takes.", f"write the law in {wanted}: it is not converted."
        )


def _outputs(study: Study, components: Mapping[Location, Any]) -> Iterator[StudyError]:
    """Outputs of variables that the simulator does not return, or in other units."""
    simulator = components[("simulator",)]
    variables = {} if simulator is None else simulator.variables()  # a user's function does not say what it returns
    for name, spec in study.outputs.items():
        output = components[("outputs", name)]
        if output is None:
            continue
        place: Location = ("outputs", name, "units")
        try:
            check_unit(output.units or "1")
        except UnitError as error:
            yield study.error(place, error.message, error.remedy)
            continue
        for needed in output.needs() if variables else ():
            if needed not in variables:
                of: Location = ("outputs", name, "of") if "of" in spec.settings else ("outputs", name)
                yield study.error(of, f"the simulator returns no {needed!r}.", suggestion(needed, variables))
            elif output.units is not None and not compatible(output.units, variables[needed]["units"]):
                unit = variables[needed]["units"]
                yield study.error(
                    place,
                    f"is not compatible with {unit}, in which the simulator returns {needed!r}.",
                    f"write for example `units: {unit}`.",
                )


def _dimensions(study: Study, components: Mapping[Location, Any]) -> Iterator[StudyError]:
    """Names that a dataset needs for the dimensions of its fields."""
    simulator = components[("simulator",)]
    taken: dict[str, str] = {dim: name for name, grid in simulator.grids().items() for dim in grid}
    for name in study.outputs:
        if components[("outputs", name)] is not None:
            taken |= dict.fromkeys(components["outputs", name].dimensions(simulator), name)
    for group, names in (("inputs", study.inputs), ("outputs", study.outputs)):
        for name in names:
            if name in taken:
                yield study.error(
                    (group, name), f"{taken[name]!r} has a dimension of this name.", "choose another name."
                )


def _questions(study: Study, components: Mapping[Location, Any]) -> Iterator[StudyError]:
    """Questions about outputs that are none, or that are fields."""
    for name in study.questions:
        question = components[("questions", name)]
        if question is None:
            continue
        place: Location = ("questions", name, question.outputs_key)
        for output in question.outputs:
            if output not in study.outputs:
                yield study.error(place, f"there is no output {output!r}.", suggestion(output, study.outputs))
            elif question.takes_fields:
                continue
            elif components[("simulator",)] is not None and components[("outputs", output)] is not None:
                dims = components[("outputs", output)].dimensions(components[("simulator",)])
                if dims:
                    yield study.error(
                        place,
                        f"output {output!r} is a field over {', '.join(dims)}, not a number.",
                        "ask about an output that is a number, for example its maximum.",
                    )


def _splits(study: Study, components: Mapping[Location, Any]) -> Iterator[StudyError]:
    """Splits of the design that hold too few runs for what is asked of them."""
    design = components[("design",)]
    if design is None:
        return
    if study.surrogates and design.test == 0:
        yield study.error(
            ("design", "test"),
            "surrogates are judged by test runs, of which there are none.",
            "write `test: 20` or more, or remove the surrogates.",
        )
    questions = {name: components[("questions", name)] for name in study.questions}
    least = {name: question.least_validation for name, question in questions.items() if question is not None}
    name = max(least, key=lambda name: least[name], default=None)
    if name is not None and design.validation < least[name]:
        yield study.error(
            ("design", "validation"),
            f"is too few: the question {name!r} ranks surrogates by {least[name]} validation runs at least.",
            f"write `validation: {2 * least[name]}`, since runs may fail, or ask with `surrogate: none`.",
        )


def _own(study: Study, location: Location, component: Any) -> Iterator[StudyError]:
    if not isinstance(component, Component):
        return
    try:
        for key, message, remedy in component.problems(study):
            yield study.error((*location, *(step for step in key.split(".") if step)), message, remedy)
    except StudyError as error:  # for example of a law that is refused already
        yield from error.errors
    except SurecastError as error:
        yield study.error(location, error.message, error.remedy)


def _distinct(errors: Iterable[StudyError]) -> list[StudyError]:
    return list({str(error): error for error in errors}.values())
