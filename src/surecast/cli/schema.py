"""JSON schema of study files, put together from the study's own models and every component's settings.

    python -m surecast.cli.schema            # writes config/study.schema.json

Editors that know the YAML language server complete and check studies with it: see the first line of
the studies in config/studies.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from surecast.study import kinds
from surecast.study.component import Component
from surecast.study.errors import ComponentError
from surecast.study.files import write_text
from surecast.study.model import Study
from surecast.study.resources import SimulatorSpec
from surecast.study.settings import OutputSpec

FILE = Path("config/study.schema.json")
PLACES = {
    "simulator": "simulator",
    "inputs": "laws",
    "outputs": "output",
    "design": "design",
    "surrogates": "surrogate",
    "questions": "question",
}
"""Key of the study file to table of kinds."""

Schema = dict[str, Any]


def full_schema() -> Schema:
    """The schema, with one alternative for every kind and one for the user's own.

    Raises
    ------
    ComponentError
        If two components define different settings models of one name.
    """
    schema = Study.model_json_schema(ref_template="#/$defs/{model}")
    definitions: Schema = schema.pop("$defs")
    for name, field in Study.model_fields.items():
        # pydantic leaves the description of a section out where its class has one.
        schema["properties"][name].setdefault("description", field.description)
    for unused in ("Spec", "OutputSpec", "SimulatorSpec"):
        definitions.pop(unused, None)
    for key, table in PLACES.items():
        definitions[table] = {"anyOf": [*_kinds(table, definitions), _own(table)]}
        reference = {"$ref": f"#/$defs/{table}"}
        place = schema["properties"][key]
        place.pop("$ref", None)
        if "additionalProperties" in place:
            place["additionalProperties"] = reference
            place["propertyNames"] = {"pattern": "^[A-Za-z][A-Za-z0-9_]*$"}
        else:
            place.update(reference)
    # Only a problem states the laws of its inputs itself.
    schema["required"].remove("inputs")
    named = {"properties": {"simulator": {"properties": {"kind": {"const": "problem"}}}}}
    schema["anyOf"] = [{"required": ["inputs"]}, named]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "surecast study",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": dict(sorted(definitions.items())),
    }


def as_text() -> str:
    """The schema as it stands in its file."""
    return json.dumps(full_schema(), indent=1, ensure_ascii=False) + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `surecast schema`."""
    parser.add_argument("--output", type=Path, help="file to write instead of printing")


def run(options: argparse.Namespace) -> int:
    """Print the schema, or write it to a file."""
    if options.output is None:
        sys.stdout.write(as_text())
    else:
        write_text(options.output, as_text())
    return 0


def _kinds(table: str, definitions: Schema) -> list[Schema]:
    references = []
    for kind in kinds.names(table):
        name = f"{table}.{kind}"
        definitions[name] = _component(table, kind, definitions)
        references.append({"$ref": f"#/$defs/{name}"})
    return references


def _component(table: str, kind: str, definitions: Schema) -> Schema:
    """Settings of one kind, with `kind` itself."""
    component: type[Component] = kinds.resolve(table, kind)
    schema = component.model_json_schema(ref_template="#/$defs/{model}")
    for name, definition in schema.pop("$defs", {}).items():
        if definitions.setdefault(name, definition) != definition:
            raise ComponentError(f"two settings models are called {name}.", "rename one of them.")
    properties = {"kind": {"const": kind, "description": f"{table}: {kind}"}}
    for name, described in schema.get("properties", {}).items():
        properties[name] = _shared(table, name, described, definitions)
    if table == "output":  # of outputs of every kind, and no setting of their own
        properties["bounds"] = OutputSpec.model_json_schema()["properties"]["bounds"]
    if table == "simulator":
        properties["resources"] = _resources()
    required = ["kind", *schema.get("required", [])]
    if (table, kind) == ("output", "variable"):  # the kind of an output that names none, of the output's own name
        required = [name for name in required if name not in ("kind", "of")]
    return {
        "type": "object",
        "description": (component.__doc__ or "").strip().split("\n\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _shared(table: str, name: str, described: Schema, definitions: Schema) -> Schema:
    """A setting that many laws have is written once."""
    if table != "laws" or name not in ("units", "long_name", "role", "lower", "upper", "loc", "scale"):
        return described
    key = f"{table}/{name}".replace("/", "-")
    return {"$ref": f"#/$defs/{key}"} if definitions.setdefault(key, described) == described else described


def _own(table: str) -> Schema:
    properties: Schema = {"kind": {"type": "string", "pattern": r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"}}
    if table == "simulator":
        properties["resources"] = _resources()
    return {
        "type": "object",
        "description": f"The user's own {table}, module:name, looked for beside the study file first.",
        "properties": properties,
        "required": ["kind"],
    }


def _resources() -> Schema:
    """What a run of a simulator needs, whatever its kind."""
    return {"$ref": "#/$defs/Resources", "description": SimulatorSpec.model_fields["resources"].description}


if __name__ == "__main__":
    write_text(FILE, as_text())
