"""Does a study fit together? Every component is built, then names and units are compared; all errors are collected.

A component may add checks of its own: a method ``problems(study)`` that yields (key, message, remedy) with
the key relative to the component.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from surecast.study.errors import StudyError, SurecastError
from surecast.study.nearest import suggestion
from surecast.study.units import UnitError, compatible

if TYPE_CHECKING:
    from surecast.study.model import Study

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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

    components: dict[tuple[str, ...], Any] = {("simulator",): built(study.build_simulator)}
    law = built(study.joint_law)
    components |= {("outputs", name): built(study.build_output, name) for name in study.outputs}
    components[("design",)] = built(study.build_design)
    components |= {("surrogates", name): built(study.build_surrogate, name) for name in study.surrogates}
    components |= {("questions", name): built(study.build_question, name) for name in study.questions}
    errors.extend(_names(study))
    if law is not None and components[("simulator",)] is not None:
        errors.extend(_inputs(study, components[("simulator",)]))
    if components[("simulator",)] is not None:
        errors.extend(_outputs(study, components))
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
        yield from _known(study, ("questions", name, "of"), settings.get("of"), study.outputs, "output")
        surrogate = settings.get("surrogate")
        if isinstance(surrogate, (str, list)):
            choices = [*study.surrogates, *_CHOICES]
            yield from _known(study, ("questions", name, "surrogate"), surrogate, choices, "surrogate")
        if surrogate == "best" and not study.surrogates:
            yield study.error(
                ("questions", name, "surrogate"), "the study has no surrogates.", "add one, or write surrogate: none."
            )
        if isinstance(settings.get("event"), str):
            words = _WORD.findall(re.sub(r"[0-9.]+[eE][-+]?[0-9]+", "0", settings["event"]))
            words = [word for word in words if word not in ("and", "or", "not")]
            yield from _known(study, ("questions", name, "event"), words, study.outputs, "output")
        groups = settings.get("groups")
        if isinstance(groups, Mapping):
            for group, members in groups.items():
                yield from _known(study, ("questions", name, "groups", str(group)), members, study.inputs, "input")


def _known(
    study: Study, location: tuple[str, ...], named: Any, valid: Iterable[str], noun: str
) -> Iterator[StudyError]:
    for name in [named] if isinstance(named, str) else named if isinstance(named, list) else []:
        if isinstance(name, str) and name not in valid:
            yield study.error(location, f"there is no {noun} {name!r}.", suggestion(name, valid))


def _inputs(study: Study, simulator: Any) -> Iterator[StudyError]:
    """Inputs that the simulator does not know, lacks, or measures otherwise."""
    try:
        wanted = list(simulator.input_names())
        units = dict(simulator.input_units()) if hasattr(simulator, "input_units") else {}
        grids = simulator.grids()
    except SurecastError as error:
        yield study.error(("simulator",), error.message, error.remedy)
        return
    if wanted:
        for name in study.inputs:
            if name not in wanted:
                yield study.error(("inputs", name), "the simulator has no such input.", suggestion(name, wanted))
        for name in wanted:
            if name not in study.inputs:
                yield study.error(("inputs",), f"the simulator needs input {name!r}.", f"add `{name}: {{kind: ...}}`.")
    for name, unit in units.items():
        if name in study.inputs and unit is not None:
            yield from _unit(study, ("inputs", name), study.build_law(name).units, unit, "the simulator takes it in")
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


def _outputs(study: Study, components: Mapping[tuple[str, ...], Any]) -> Iterator[StudyError]:
    """Outputs of variables that the simulator does not return, or in other units."""
    simulator = components[("simulator",)]
    try:
        variables = dict(simulator.variables())
    except SurecastError as error:
        yield study.error(("simulator",), error.message, error.remedy)
        return
    if not variables:  # a user's function does not say what it returns
        return
    for name in study.outputs:
        output = components[("outputs", name)]
        of = getattr(output, "of", None)
        if not isinstance(of, str):
            continue
        known = {**variables, **{item: None for item in study.outputs if item != name}}
        if of not in known:
            place = ("outputs", name) if of == name else ("outputs", name, "of")
            yield study.error(place, f"the simulator returns no {of!r}.", suggestion(of, variables))
            continue
        unit = (variables.get(of) or {}).get("units")
        if unit is not None and getattr(output, "units", None) is not None:
            yield from _unit(study, ("outputs", name), output.units, unit, "the simulator returns it in")


def _unit(study: Study, location: tuple[str, ...], unit: str | None, wanted: str, words: str) -> Iterator[StudyError]:
    place = (*location, "units")
    try:
        if unit is None and not compatible(wanted, "1"):
            yield study.error(place, f"a unit is missing: {words} {wanted}.", f"add `units: {wanted}`.")
        elif unit is not None and not compatible(unit, wanted):
            yield study.error(place, f"is not compatible with {wanted}: {words} that.", f"write `units: {wanted}`.")
    except UnitError as error:
        yield study.error(place, error.message, error.remedy)


def _own(study: Study, location: tuple[str, ...], component: Any) -> Iterator[StudyError]:
    if component is None or not hasattr(component, "problems"):
        return
    try:
        for key, message, remedy in component.problems(study):
            yield study.error((*location, *(step for step in key.split(".") if step)), message, remedy)
    except StudyError as error:
        yield from error.errors


def _distinct(errors: Iterable[StudyError]) -> list[StudyError]:
    return list({str(error): error for error in errors}.values())
