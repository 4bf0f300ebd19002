"""The table of kinds: every row resolves to a component, names are suggested, users' modules are found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surecast.study import kinds
from surecast.study.component import Component
from surecast.study.errors import ComponentError
from surecast.study.nearest import nearest, suggestion


@pytest.mark.parametrize(("table", "kind"), [(table, kind) for table, rows in kinds.TABLES.items() for kind in rows])
def test_every_row_is_a_component(table: str, kind: str) -> None:
    """Imported when used, with a docstring and described settings."""
    found = kinds.resolve(table, kind)
    assert issubclass(found, Component)
    assert found.__doc__
    assert all(field.description for field in found.model_fields.values())
    assert kinds.target(table, kind) == f"{found.__module__}:{found.__qualname__}"


def test_unknown_names() -> None:
    """The nearest valid name comes first."""
    with pytest.raises(ComponentError, match="did you mean 'sobol'"):
        kinds.target("design", "sobel")
    with pytest.raises(ComponentError, match="did you mean 'lognorm'"):
        kinds.resolve("laws", "lognrom")
    assert kinds.target("laws", "lognorm") == kinds.SCIPY_LAW


def test_users_modules_of_one_name_in_two_folders(tmp_path: Path) -> None:
    """Each study finds its own, whichever was imported before."""
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_name.py").write_text(f"def f():\n    return {value}\n")
    try:
        for folder, value in (("one", 1), ("two", 2), ("one", 1)):
            assert kinds.resolve("simulator", "same_name:f", tmp_path / folder)() == value
    finally:
        sys.modules.pop("same_name", None)


def test_nearest() -> None:
    """Like spelling, whatever the case; None where nothing is like it."""
    assert nearest("Vairance", ["variance", "length"]) == "variance"
    assert nearest("zzz", ["variance", "length"]) is None
    assert suggestion("lenght", ["variance", "length"]) == "did you mean 'length'? Valid: length, variance."
