"""Pydantic's errors in the words of the study file: one message for each key, with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from surecast.study.errors import StudyError
from surecast.study.nearest import suggestion
from surecast.study.source import Location, Source


def translate(
    error: ValidationError, model: type[BaseModel], source: Source, location: Location = ()
) -> list[StudyError]:
    """One `StudyError` for each key that pydantic refuses.

    Parameters
    ----------
    error : pydantic.ValidationError
        What was raised.
    model : type
        The model that was validated.
    source : Source
        The study file.
    location : tuple
        Where the model stands in it.
    """
    by_key: dict[Location, list[tuple[str, str]]] = {}
    for item in error.errors(include_url=False):
        inner = _inside(source, location, item["loc"], missing=item["type"] == "missing")
        context: Mapping[str, Any] = item.get("ctx", {})
        if item["type"] == "refused":
            place = (*location, *inner, *(step for step in str(context["key"]).split(".") if step))
            by_key.setdefault(place, []).append((context["reason"], context["remedy"] or _describe(model, inner)))
            continue
        by_key.setdefault((*location, *inner), []).append(_words(item, model, inner))
    return [source.error(place, *_one(found)) for place, found in by_key.items()]


def _inside(source: Source, location: Location, steps: tuple[str | int, ...], missing: bool) -> Location:
    """Pydantic's location without the names of union members, which stand in no file."""
    kept: Location = ()
    for index, step in enumerate(steps):
        if source.value((*location, *kept, step))[0] or (missing and index == len(steps) - 1):
            kept = (*kept, step)
    return kept


def _one(found: list[tuple[str, str]]) -> tuple[str, str]:
    """One message where several members of a union refuse the same value."""
    reasons = list(dict.fromkeys(reason.removesuffix(".") for reason, _ in found))
    return " or ".join(reasons) + ".", found[0][1]


def _words(item: Any, model: type[BaseModel], inner: Location) -> tuple[str, str]:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        parent = _named(model, item["loc"][:-1]) or _model_at(model, inner[:-1])
        return "unknown key.", suggestion(str(inner[-1]), _settings(parent) if parent else [])
    if kind == "missing":
        return "a setting is missing.", "add it: " + _describe(model, inner)
    if kind == "union_tag_invalid":
        tags = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
        return f"there is no such kind as {context['tag']!r}.", suggestion(str(context["tag"]), tags)
    if kind == "union_tag_not_found":
        return "it names no kind.", _describe(model, inner)
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", item["msg"])).rstrip(".") + ".", _describe(model, inner)
    message = item["msg"].removeprefix("Input should be ").rstrip(".")
    if message != item["msg"].rstrip("."):
        message = f"must be {message}"
    elif message.startswith("Input "):
        message = message[6:]
    message = message.replace("a valid array", "a list")
    if kind in ("model_type", "dict_type", "dataclass_type"):
        message = "must be a mapping of keys to values"
    elif kind == "int_type" and isinstance(item["input"], float) and item["input"].is_integer():
        return "must be a whole number written without point or exponent.", f"write {int(item['input'])}."
    return message + ".", _describe(model, inner)


def _describe(model: type[BaseModel], inner: Location) -> str:
    """The description of the field at a location, or of the nearest one above it."""
    for stop in range(len(inner), 0, -1):
        parent, name = _model_at(model, inner[: stop - 1]), inner[stop - 1]
        if parent is not None and isinstance(name, str) and name in _settings(parent):
            return f"{name} is: {_settings(parent)[name].description or 'see config/README.md'}"
    return "see config/README.md for what can be written here."


def _model_at(model: type[BaseModel], inner: Location) -> type[BaseModel] | None:
    """The model that a location inside `model` belongs to, followed through containers and unions."""
    annotation: Any = model
    for step in inner:
        holder = _as_model(annotation)
        if holder is not None:
            field = _settings(holder).get(str(step))
            if field is None:
                return None
            annotation = field.annotation
        else:
            annotation = next((item for item in reversed(get_args(annotation)) if item is not type(None)), None)
        while annotation is not None and get_origin(annotation) is Union:
            annotation = next((item for item in get_args(annotation) if item is not type(None)), None)
    return _as_model(annotation)


def _named(model: type[BaseModel], steps: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model at pydantic's location, in which the kind of a union's member is a step; None where there is none."""
    here: type[BaseModel] | None = model
    members: tuple[Any, ...] = ()
    for step in steps:
        if here is None:
            here = next((one for one in members if _kind(one) == step), None)
            if here is None:
                return None
        else:
            field = _settings(here).get(str(step))
            if field is None:
                return None
            members, here = get_args(field.annotation), None
    return here


def _kind(member: Any) -> Any:
    """The kind that a member of a union stands for."""
    if isinstance(member, type) and issubclass(member, BaseModel) and "kind" in member.model_fields:
        return member.model_fields["kind"].default
    return None


def _settings(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the names that a study file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _as_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for item in get_args(annotation):
        if isinstance(item, type) and issubclass(item, BaseModel) and get_origin(annotation) not in (dict, list, tuple):
            return item
    return None
