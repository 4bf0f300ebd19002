"""The JSON schema is current, valid, accepts the studies that ship and refuses what pydantic refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from surecast.cli.schema import FILE, PLACES, as_text, full_schema
from surecast.study.kinds import names
from surecast.study.load import read_source

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return full_schema()


def test_the_file_is_current() -> None:
    """config/study.schema.json is what the models say."""
    current = (ROOT / FILE).read_text(encoding="utf-8")
    assert current == as_text(), "run `python -m surecast.cli.schema`"


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    """By the rules of draft 2020-12, with every reference defined."""
    Draft202012Validator.check_schema(schema)
    references = {reference.removeprefix("#/$defs/") for reference in _values(schema, "$ref")}
    assert references <= set(schema["$defs"])


def test_every_kind_is_in_it(schema: dict[str, Any]) -> None:
    """One definition for each kind of each table."""
    for table in PLACES.values():
        for kind in names(table):
            assert schema["$defs"][f"{table}.{kind}"]["properties"]["kind"]["const"] == kind


def test_every_setting_is_described(schema: dict[str, Any]) -> None:
    """No field without a description."""
    bare = []
    for owner, definition in {"study": schema, **schema["$defs"]}.items():
        for name, described in definition.get("properties", {}).items():
            reference = described.get("$ref", "").removeprefix("#/$defs/")
            if reference.startswith("laws-"):  # a setting that many laws have is written once
                described = schema["$defs"][reference]
            if not described.get("description"):
                bare.append(f"{owner}.{name}")
    assert not bare


@pytest.mark.parametrize("path", sorted((ROOT / "config/studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_ship_are_valid(schema: dict[str, Any], path: Path) -> None:
    """An editor shows no error in them."""
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(read_source(path).content)]
    assert not errors


@pytest.mark.parametrize(
    "change",
    [
        {"sead": 1},
        {"seed": "1"},
        {"design": {"kind": "sobol", "train": 0, "validation": 1, "test": 1}},
        {"inputs": {"a": {"kind": "uniform", "low": 0, "hihg": 1}}},
        {"inputs": {"a": {"kind": "lognorm"}}},
        {"inputs": {"a b": {"kind": "norm"}}},
        {"outputs": {"y": {"kind": "varable"}}},
        {"simulator": {"kind": "groundwatr"}},
        {"training": {"seeds": []}},
    ],
)
def test_mistakes_are_seen_by_an_editor(schema: dict[str, Any], change: dict[str, Any]) -> None:
    """A valid study with one mistake."""
    study = {
        "simulator": {"kind": "my_model:flow", "anything": [1, 2]},
        "inputs": {"a": {"kind": "uniform", "low": 0, "high": 1}},
        "outputs": {"y": {}},
        "design": {"kind": "sobol", "train": 8, "validation": 1, "test": 1},
    }
    validator = Draft202012Validator(schema)
    assert validator.is_valid(study)
    assert not validator.is_valid(study | change)


def test_json_is_stable() -> None:
    """The text reads back as the schema."""
    assert json.loads(as_text()) == full_schema()


def _values(item: Any, key: str) -> Iterator[str]:
    if isinstance(item, dict):
        for name, value in item.items():
            if name == key and isinstance(value, str):
                yield value
            yield from _values(value, key)
    elif isinstance(item, list):
        for value in item:
            yield from _values(value, key)
