"""The same rows as CSV (every digit), LaTeX and cells."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from surecast.report.tables import Column, Table

COLUMNS = [Column("name", "name & co"), Column("value", "value", lambda value: f"{value:.1f}", numeric=True)]


@given(st.lists(st.floats(allow_nan=False), max_size=5))
def test_csv_gives_every_float_back(values: list[float]) -> None:
    table = Table("t", "A caption", COLUMNS, [{"name": 'a,"b"', "value": value} for value in values])
    read = list(csv.DictReader(table.csv().splitlines()))
    assert [float(row["value"]) for row in read] == values
    assert all(row["name"] == 'a,"b"' for row in read)


def test_missing_values_are_empty_in_csv_and_dashes_elsewhere() -> None:
    table = Table("t", "A caption", [Column("a", "a"), Column("b", "b", numeric=True)], [{"a": None, "b": math.nan}])
    assert table.csv() == "a,b\n,\n"
    assert table.cells() == [["–", "–"]]
    assert r"    -- & -- \\" in table.latex()


def test_latex_is_a_booktabs_table_with_escaped_text(tmp_path: Path) -> None:
    table = Table("t", "100 % of it", COLUMNS, [{"name": "a_b", "value": 2.5}])
    table.write(tmp_path)
    text = (tmp_path / "t.tex").read_text()
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lr}", r"\caption{100 \% of it}"):
        assert part in text
    assert r"    name \& co & value \\" in text
    assert r"    a\_b & $2.5$ \\" in text
    assert (tmp_path / "t.csv").read_text() == "name,value\na_b,2.5\n"
