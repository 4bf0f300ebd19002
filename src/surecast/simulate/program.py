"""What a call of an outside program consists of: two files, arguments with placeholders, a template."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from surecast.study.component import refused
from surecast.study.errors import ComponentError, SimulationError

PLACEHOLDERS = ("input", "output", "study", "seed")
_OF_THE_STUDY = re.compile(r"\{study\}/([^{}\s]+)")


class ProgramInput(BaseModel):
    """The file that a program reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "netcdf"] = Field(default="json", description="json or netcdf; of no use with a template.")
    file: str = Field(default="", description="Its name in the scratch folder; default: input.json, or the template's.")


class ProgramOutput(BaseModel):
    """The file that a program writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json", "csv", "netcdf"] = Field(default="json", description="json, csv or netcdf.")
    file: str = Field(
        default="", description="Its name in the scratch folder; default: output.json. stdout.txt is what it prints."
    )
    reader: str = Field(
        default="",
        description="A function, as module:function, from the scratch folder (a Path) to the outputs by name.",
    )


def as_list(arguments: Any) -> Any:
    """Arguments as a study file gives them, numbers as text; one text is refused, with the list to write instead."""
    if isinstance(arguments, str):
        try:
            items = shlex.split(arguments)
        except ValueError:  # a quote without its other half
            items = arguments.split()
        raise refused("", "is one text, but no shell takes it apart.", f"write a list: {json.dumps(items)}.")
    if isinstance(arguments, list):
        return [str(item) if type(item) in (int, float) else item for item in arguments]
    return arguments


def check_arguments(arguments: Sequence[str], folder: Path, stochastic: bool) -> None:
    """Refuse placeholders that mean nothing, and files of the study that the program would not find."""
    for place, item in enumerate(arguments):
        key = f"arguments.{place}"
        try:
            pieces = [piece[1:] for piece in string.Formatter().parse(item) if piece[1] is not None]
        except ValueError as error:
            raise refused(key, f"has braces that do not match ({error}).", "write {{ and }} for braces.") from error
        for name, form, conversion in pieces:
            if name not in PLACEHOLDERS or form or conversion or (place == 0 and name != "study"):
                valid = ["study"] if place == 0 else PLACEHOLDERS
                names = ", ".join(f"{{{one}}}" for one in valid)
                raise refused(key, f"{{{name}}} stands for nothing here.", f"use {names}, or {{{{ and }}}} for braces.")
            if name == "seed" and not stochastic:
                raise refused(key, "the program is given no seed.", "write `stochastic: true` beside it.")
        if place and (folder / item).is_file() and not Path(item).is_absolute():
            remedy = f"write {{study}}/{item.removeprefix('./')}: the program runs in a folder of its own."
            raise refused(key, "this file of the study would not be found.", remedy)


def find_program(argument: str, folder: Path) -> str:
    """Path of the program: relative to the study where it holds a slash, else looked for as a shell would.

    Raises
    ------
    ComponentError
        If it is not there or cannot be executed.
    """
    name = argument.format(study=folder)
    if "/" in name:
        path = folder / name
        if not path.is_file():
            raise ComponentError(f"there is no program {name}.", "compile it, or correct the path.")
        if not os.access(path, os.X_OK):
            raise ComponentError(f"{name} cannot be executed.", f"chmod +x {name}, or name its interpreter first.")
        return str(path)
    found = shutil.which(name)
    if found is None:
        remedy = f"write ./{name}: it lies beside the study file." if (folder / name).is_file() else "install it."
        raise ComponentError(f"there is no program {name!r} in PATH.", remedy)
    return found


def named_in(arguments: Sequence[str]) -> list[str]:
    """Files of the study among the arguments: the program, if named with a slash, and what follows on ``{study}/``."""
    program = arguments[0].removeprefix("{study}/")
    named = [program] if "/" in arguments[0] else []
    return named + [name for item in arguments[1:] for name in _OF_THE_STUDY.findall(item)]


def read_template(path: Path) -> tuple[Callable[[Mapping[str, Any]], str], tuple[str, ...]]:
    """A Jinja template as a function from the inputs of a run to text, and the names of the inputs that it wants.

    Raises
    ------
    PydanticCustomError
        If it is missing or is no template.
    """
    from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, meta

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # no loader: it includes no other
    try:
        text = path.read_text(encoding="utf-8")
        names = meta.find_undeclared_variables(environment.parse(text)) - set(environment.globals)
        template = environment.from_string(text)
    except TemplateSyntaxError as error:
        raise refused("template", f"line {error.lineno} is no Jinja ({error.message}).", "correct it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise refused("template", f"cannot be read ({error}).", "name a text file, relative to the study.") from error

    def render(inputs: Mapping[str, Any]) -> str:
        try:
            return template.render(inputs)
        except Exception as error:  # an expression in a template may raise anything
            raise SimulationError(f"the template gives no input file: {type(error).__name__}: {error}") from error

    return render, tuple(sorted(names))


def read_by_function(name: str, function: Callable[[Path], Any], folder: Path) -> Mapping[Any, Any]:
    """What the user's function makes of a scratch folder.

    Raises
    ------
    SimulationError
        If it raises, or returns no mapping.
    """
    try:
        found = function(folder)
    except Exception as error:  # whatever a user's code raises is a failed run with that message
        raise SimulationError(f"{name} raised {type(error).__name__}: {error}") from error
    if not isinstance(found, Mapping):
        raise SimulationError(f"{name} returned {type(found).__name__}, no mapping of names to values")
    return found
