"""Input laws that a simulator states itself, where a study file gives none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surecast.study.build import build
from surecast.study.settings import Spec
from surecast.study.source import Source


def with_stated_inputs(source: Source) -> Source:
    """The study's content with the simulator's own laws under `inputs`, if it has none and the simulator some.

    Raises
    ------
    StudyError
        If the simulator cannot be built.
    """
    named = source.content.get("simulator")
    if "inputs" in source.content or not isinstance(named, dict) or not isinstance(named.get("kind"), str):
        return source
    own = {key: value for key, value in named.items() if key != "resources"}
    simulator = build("simulator", Spec(**own), source, ("simulator",), source.file.parent)
    laws: dict[str, Any] = getattr(simulator, "input_laws", dict)()
    return replace(source, content=source.content | {"inputs": laws}) if laws else source
