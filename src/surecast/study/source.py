"""Where each setting of a study stands: file, line, key and the value as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surecast.study.errors import StudyError

Location = tuple[str | int, ...]
"""Path of keys from the top of the file, for example ``("inputs", "head", "low")``."""


class Written(str):
    """Text shown in a message as it stands, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def as_written(value: Any, longest: int = 80) -> Written:
    """A value as the study file would show it, on one line, shortened."""
    import yaml

    text = " ".join(
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9)
        .removesuffix("...\n")
        .split()
    )
    return Written(text if len(text) <= longest else text[: longest - 3] + "...")


@dataclass(frozen=True)
class Source:
    """The plain content of a study file and the lines of its keys.

    Attributes
    ----------
    file : Path
        The study file.
    content : dict
        What it says, as plain values.
    lines : dict
        Line number (from 1) of each location.
    """

    file: Path
    content: dict[str, Any]
    lines: dict[Location, int] = field(default_factory=dict)

    def line(self, location: Location) -> int | None:
        """Line of a location, or of the nearest level above it that the file holds."""
        for stop in range(len(location), -1, -1):
            if location[:stop] in self.lines:
                return self.lines[location[:stop]]
        return None

    def value(self, location: Location) -> tuple[bool, Any]:
        """Whether the file holds the location, and its value."""
        item: Any = self.content
        for step in location:
            if isinstance(item, str):
                return False, None  # a letter of a text is no setting
            try:
                item = item[step]
            except (KeyError, IndexError, TypeError):
                return False, None
        return True, item

    def error(self, location: Sequence[str | int], message: str, remedy: str) -> StudyError:
        """A `StudyError` that names file, line, key and value of a location."""
        location = tuple(location)
        held, value = self.value(location)
        return StudyError(
            message,
            remedy,
            file=self.file,
            line=self.line(location),
            key=dotted(location) or "study",
            value=as_written(value) if held else Written("(not given)"),
        )


def dotted(location: Sequence[str | int]) -> str:
    """A location as text: ``inputs.head.low``, ``training.seeds[1]``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
