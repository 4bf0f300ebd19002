"""Build a component from its place in the study file; whatever goes wrong becomes a `StudyError` there."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from surecast.study import kinds
from surecast.study.component import Component
from surecast.study.errors import ComponentError, StudyError, SurecastError
from surecast.study.settings import Spec
from surecast.study.source import Location, Source
from surecast.study.translate import translate


def validated(model: type[BaseModel], content: Any, source: Source, location: Location, folder: Path) -> Any:
    """Validate plain values as a model.

    JSON rules in strict mode: a number is a number, never text or a truth value, but a list may
    become a tuple. Validators find the study's folder in their context, ``{"folder": Path}``.

    Raises
    ------
    StudyError
        One error for each setting at fault.
    """
    try:
        return model.model_validate_json(json.dumps(content), strict=True, context={"folder": folder})
    except ValidationError as error:
        raise StudyError.of(translate(error, model, source, location)) from error
    except StudyError as error:
        raise located(error, source, location) from error
    except SurecastError as error:
        raise source.error(location, error.message, error.remedy) from error


def located(error: StudyError, source: Source, location: Sequence[str | int]) -> StudyError:
    """A component's own `StudyError` with file and line, where it did not know them."""
    if error.file is not None or len(error.errors) > 1:
        return error
    inner = [] if error.key is None else str(error.key).split(".")
    place = (*location, *inner)
    if not source.value(place)[0] and source.value(tuple(inner))[0] and inner:
        place = tuple(inner)  # the component gave the key from the top of the file
    return source.error(place, error.reason, error.remedy)


def build(table: str, spec: Spec, source: Source, location: Location, folder: Path, **given: Any) -> Any:
    """The component of a table that `spec` names.

    Parameters
    ----------
    table : str
        Key of `surecast.study.kinds.TABLES`.
    spec : Spec
        Kind and settings.
    source, location
        Where it stands.
    folder : Path
        Folder of the study, for the user's modules and tables.
    **given
        Settings that follow from the place in the file, used where the component has such a field and
        the file does not give it.

    Raises
    ------
    StudyError
        If the kind is unknown or cannot be imported, or settings are refused.
    """
    settings = spec.settings
    try:
        found = kinds.resolve(table, spec.kind, folder)
    except ComponentError as error:
        raise source.error((*location, "kind"), error.message, error.remedy) from error
    except ImportError as error:
        raise source.error(
            (*location, "kind"), f"the component cannot be imported ({error}).", "install what it needs."
        ) from error
    if table == "simulator" and callable(found) and not inspect.isclass(found):
        # The user's function: its settings are its keyword arguments beside the inputs.
        found = kinds.resolve_target(kinds.USER_FUNCTION)
        seeded = {"seeded": settings.pop("stochastic")} if "stochastic" in settings else {}
        settings = {"function": spec.kind, "arguments": settings, **seeded}
    elif not (inspect.isclass(found) and issubclass(found, Component)):
        raise source.error(
            (*location, "kind"),
            f"{spec.kind!r} is no component of surecast.",
            f"name a class derived from Component that can stand as {table}"
            + (", or a function from an xarray Dataset of inputs to one of outputs." if table == "simulator" else "."),
        )
    for key, value in given.items():
        if key in found.model_fields and key not in settings:
            settings[key] = value
    return validated(found, settings, source, location, folder)
