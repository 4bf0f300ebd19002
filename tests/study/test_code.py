"""Digests of code: what counts, what does not, what is followed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from surecast.study import code
from surecast.study.code import code_digest, code_files
from surecast.study.errors import ComponentError


def write(path: Path, text: str) -> None:
    """Write with a new time stamp, as an editor a second later would."""
    earlier = path.stat().st_mtime_ns if path.exists() else 0
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    stamp = max(path.stat().st_mtime_ns, earlier + 1_000_000)
    os.utime(path, ns=(stamp, stamp))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path / "model.py", '"""Doc."""\nimport helper\nimport numpy\n\n\ndef flow(x):\n    return helper.twice(x)\n'
    )
    write(tmp_path / "helper.py", "def twice(x):\n    return 2 * x\n")
    write(tmp_path / "other.py", "x = 1\n")
    return tmp_path


def test_comments_and_docstrings_do_not_count(folder: Path) -> None:
    """Words and layout may change, and where the files lie."""
    before = code_digest(["model:flow"], folder)
    text = '"""Other."""\nimport helper  # why\nimport numpy\n\ndef flow(x):\n'
    write(folder / "model.py", text + '    """What."""\n    return (helper\n        .twice(x))\n')
    assert code_digest(["model:flow"], folder) == before


def test_statements_count_also_in_what_is_imported(folder: Path) -> None:
    """An edited helper changes the digest; a file that nobody imports does not."""
    before = code_digest(["model:flow"], folder)
    write(folder / "other.py", "x = 2\n")
    assert code_digest(["model:flow"], folder) == before
    write(folder / "helper.py", "def twice(x):\n    return 2.1 * x\n")
    assert code_digest(["model:flow"], folder) != before


@pytest.mark.parametrize(
    ("statement", "followed"),
    [
        ("import inner.deep", ["inner", "inner.deep"]),
        ("from inner import deep", ["inner", "inner.deep"]),
        ("from inner.deep import name", ["inner", "inner.deep"]),
        ("def f():\n    from inner import deep\n    return deep", ["inner", "inner.deep"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from inner import deep", []),
    ],
)
def test_imports_are_followed(folder: Path, statement: str, followed: list[str]) -> None:
    """In each form, inside functions too, but not those for type checkers."""
    write(folder / "inner/__init__.py", "")
    write(folder / "inner/deep.py", "from . import near\nname = 1\n")
    write(folder / "inner/near.py", "")
    write(folder / "model.py", statement + "\n")
    expected = ["model", *followed, *(["inner.near"] if followed else [])]
    assert sorted(code_files(["model"], folder)) == sorted(expected)


def test_surecast_itself_is_followed_but_not_what_only_words_things() -> None:
    """The field's law uses the expansion; errors and the table of kinds cannot change a number."""
    files = code_files(["surecast.study.laws.gaussian_field:GaussianField"])
    assert "surecast.study.laws.karhunen_loeve" in files
    assert not {"surecast.study.errors", "surecast.study.kinds"} & set(files)
    assert not any(name.startswith("numpy") for name in files)


def test_what_a_package_offers_late_is_no_code_of_who_imports_it() -> None:
    """`surecast.citation` belongs to the report: a figure's file must not re-make a simulation."""
    files = code_files(["surecast.design.make"])
    assert "surecast" in files
    assert not [name for name in files if name.startswith("surecast.report.")]


def test_what_is_known_of_a_file_holds_until_it_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept for the next process, which parses what has changed and nothing else."""
    before = code_digest(["model:flow"], folder)
    code.write_known(folder / "known.json")
    write(folder / "helper.py", "def twice(x):\n    return x + x\n")
    monkeypatch.setattr(code, "_known", {})
    code.read_known(folder / "known.json")
    read: list[str] = []
    parse = code._parse
    monkeypatch.setattr(code, "_parse", lambda path: (read.append(path.name), parse(path))[1])
    after = code_digest(["model:flow"], folder)
    assert read == ["helper.py"]
    assert after != before
    code.write_known(folder / "known.json")
    kept = [Path(entry[0]) for entry in json.loads((folder / "known.json").read_text())["files"]]
    held = [path.name for path in kept if path.parent == folder.resolve()]
    assert sorted(held) == ["helper.py", "model.py"], "what has changed is not kept twice"
    monkeypatch.setattr(code, "_known", {})
    assert code_digest(["model:flow"], folder) == after


@pytest.mark.parametrize("text", ["", "{", '{"python": "2.7", "files": [["x"]]}', '{"files": []}', "[]"])
def test_what_is_known_is_left_where_it_cannot_be_used(folder: Path, text: str) -> None:
    """Torn, or of another Python, whose syntax trees differ."""
    (folder / "known.json").write_text(text)
    code.read_known(folder / "known.json")
    assert code_digest(["model:flow"], folder)


def test_a_file_may_be_named(folder: Path) -> None:
    """Scripts are files."""
    assert list(code_files([folder / "helper.py"])) == ["helper.py"]


def test_what_is_missing_or_no_python(folder: Path) -> None:
    """Errors with a remedy."""
    with pytest.raises(ComponentError, match="beside the study file"):
        code_digest(["nowhere_at_all:f"], folder)
    write(folder / "model.py", "def flow(:\n")
    with pytest.raises(ComponentError, match="is not Python"):
        code_digest(["model"], folder)
    with pytest.raises(ComponentError, match="check the path"):
        code_digest([folder / "none.py"])
