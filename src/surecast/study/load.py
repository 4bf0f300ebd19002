"""Read a study file: safe YAML (1.2 core schema), lines kept, duplicate keys and tags refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from surecast.study.errors import StudyError
from surecast.study.model import Study
from surecast.study.nearest import suggestion
from surecast.study.source import Location, Source, dotted

LARGEST_FILE = 4 << 20
MOST_VALUES = 100_000
DEEPEST = 30
SUFFIXES = (".yaml", ".yml")


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2: `1e-3` is a number; `no`, `on` and dates are text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$", "-+."),
):
    _letters: list[str | None] = ["" if letter == "\0" else letter for letter in _first]
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _letters)

_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


def find_study(study: str | Path, config_dir: str | Path = "config/studies") -> Path:
    """The file of a study given by name (``burgers``) or by path (``/any/path/mine.yaml``).

    Raises
    ------
    StudyError
        If there is no such file; the nearest name is given.
    """
    text = str(study)
    path = Path(text) if text.endswith(SUFFIXES) or "/" in text else Path(config_dir) / f"{text}.yaml"
    if path.is_file():
        return path
    known = [item.stem for item in sorted(Path(config_dir).glob("*.yaml"))]
    raise StudyError(
        "there is no such study file.", suggestion(path.stem, known), file=path, line=1, key="study", value=text
    )


def load_study(path: str | Path) -> Study:
    """Read and validate a study file; components are built, and checked, when asked for or by `Study.check`.

    Parameters
    ----------
    path : str or Path
        A YAML file, UTF-8. The study is named after it.

    Raises
    ------
    StudyError
        Every error found, each with file, line, key, value and remedy.
    """
    return Study.from_source(read_source(path))


def read_source(path: str | Path) -> Source:
    """The plain content of a study file with the lines of its keys.

    Raises
    ------
    StudyError
        If it is missing, empty, too large, not UTF-8, not YAML, or holds duplicate keys or tags.
    """
    path = Path(path)

    def fault(message: str, remedy: str, line: int = 1, key: str = "study", value: object = None) -> StudyError:
        return StudyError(message, remedy, file=path, line=line, key=key, value=value)

    try:
        data = path.read_bytes()
    except OSError as error:
        raise fault(f"the file cannot be read ({error.strerror}).", "check its path.", value=str(path)) from error
    if len(data) > LARGEST_FILE:
        raise fault(f"the file has {len(data)} bytes.", f"a study has at most {LARGEST_FILE}.", value=path.name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fault(
            "the file is not UTF-8 text.", "save it as UTF-8.", line, value=data[error.start : error.start + 4]
        ) from error
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = 1 if mark is None else mark.line + 1
        written = text.splitlines()[line - 1].strip() if line <= len(text.splitlines()) else "end of file"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise fault(
            f"this is not YAML ({problem}).",
            "check indentation, quotes and brackets here and on the line before.",
            line,
            value=written,
        ) from error
    if node is None:
        raise fault("the file is empty.", "start from one in config/studies.", value="")
    if not isinstance(node, yaml.MappingNode):
        raise fault(
            "a study is a mapping of keys to values.",
            "write `simulator:`, `inputs:`, ... at the left margin.",
            node.start_mark.line + 1,
            value=str(node.value)[:60],
        )
    reader = _Reader(path)
    content = reader.value(node, ())
    if reader.errors:
        raise StudyError.of(reader.errors)
    return Source(path, content, reader.lines)


class _Reader:
    """Turns YAML nodes into plain values, collecting lines and errors."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[Location, int] = {(): 1}
        self.errors: list[StudyError] = []
        self.count = 0
        self.constructor = yaml.constructor.SafeConstructor()

    def value(self, node: yaml.Node, location: Location) -> Any:
        self.count += 1
        # Aliases can make a small file enormous, or endless where one names itself.
        if self.count > MOST_VALUES or len(location) > DEEPEST:
            raise StudyError.of(
                [*self.errors, self._error(node, location[:1], "it holds too many values.", "use fewer aliases.", "")]
            )
        self.lines.setdefault(location, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(item, (*location, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _PLAIN_TAGS:
            try:
                # PyYAML would read 010 as octal.
                return int(node.value) if node.tag.endswith(":int") else self.constructor.construct_object(node)
            except (yaml.YAMLError, ValueError, KeyError):
                pass  # for example `!!int three`: refused like any other tag
        message = f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed."
        self._note(node, location, message, "remove the tag: a study holds plain values only.", _text(node))
        return None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                self._note(key_node, location, "a key must be text.", "put it between quotes.", _text(key_node))
                continue
            key = str(key_node.value)
            inner = (*location, key)
            if key in content:
                first = self.lines[inner]
                self._note(
                    key_node, inner, f"the key stands twice (first on line {first}).", "remove one.", _text(value_node)
                )
                continue
            self.lines[inner] = key_node.start_mark.line + 1
            content[key] = self.value(value_node, inner)
        return content

    def _note(self, node: yaml.Node, location: Location, message: str, remedy: str, value: str) -> None:
        self.errors.append(self._error(node, location, message, remedy, value))

    def _error(self, node: yaml.Node, location: Location, message: str, remedy: str, value: str) -> StudyError:
        key = dotted(location) or "study"
        return StudyError(message, remedy, file=self.file, line=node.start_mark.line + 1, key=key, value=value)


def _text(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)[:60]
    return "{...}" if isinstance(node, yaml.MappingNode) else "[...]"
