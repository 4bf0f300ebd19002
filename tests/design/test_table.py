"""Table designs: splits, units, values outside the laws, and outputs that are imported."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surecast.design.imported import imported_outputs
from surecast.design.make import make_design
from surecast.design.parts import find_part, parts, select
from surecast.study.errors import StudyError

ROWS = 12
HEADER = "head [cm], well, field.0, field.1, field.2"


def rows(count=ROWS, extra=lambda row: ""):
    stream = np.random.default_rng(0)
    heads, wells, fields = stream.uniform(50, 150, count), stream.uniform(0.2, 1, count), stream.normal(size=(count, 3))
    lines = [
        ", ".join(map(repr, [float(heads[row]), float(wells[row]), *fields[row].tolist()])) + extra(row)
        for row in range(count)
    ]
    return heads, lines


def write_csv(folder, header=HEADER, lines=None):
    (folder / "table.csv").write_text("\n".join([header, *(rows()[1] if lines is None else lines)]) + "\n")


def table(make_study, **design):
    return make_study(**({"kind": "table", "file": "table.csv", "train": 6, "validation": 2, "test": 3} | design))


def test_rows_are_assigned_once_and_units_converted(make_study, tmp_path):
    write_csv(tmp_path)
    design = make_design(table(make_study))
    heads = rows()[0] / 100
    assert design.sizes["run"] == 11
    assert len(np.unique(design["head"].values)) == 11
    assert np.isin(np.round(design["head"].values, 12), np.round(heads, 12)).all()
    assert design["head"].attrs["units"] == "m"
    assert design["field"].shape == (11, 3)


def test_raising_train_takes_more_rows_and_moves_none(make_study, tmp_path):
    write_csv(tmp_path)
    before, after = make_design(table(make_study)), make_design(table(make_study, train=7))
    assert before["head"].values.tobytes() == after["head"].values[:11].tobytes()


def test_a_split_column_decides(make_study, tmp_path):
    labels = ["train"] * 6 + ["validation"] * 2 + ["test"] * 4
    heads, lines = rows(extra=lambda row: f", {labels[row]}")
    write_csv(tmp_path, HEADER + ", split", lines)
    design = make_design(table(make_study))
    train = design["head"].values[design["split"].values == "train"]
    np.testing.assert_allclose(train, heads[:6] / 100, rtol=1e-15)


def test_outputs_in_the_table_are_imported_with_holes_marked(make_study, tmp_path):
    heads, lines = rows(extra=lambda row: ", " if row == 4 else f", {row}")
    write_csv(tmp_path, HEADER + ", outflow [km]", lines)
    study = table(make_study, runs_per_part=4)
    design = make_design(study)
    seen = 0
    for part in parts(study.build_design()):
        runs = select(design, find_part(study.build_design(), part.name))
        found = imported_outputs(study, runs, {"outflow": "m"})
        for place in range(part.runs):
            row = int(np.argmin(abs(heads / 100 - runs["head"].values[place])))
            assert found["computed"].values[place] == (row != 4)
            if row != 4:
                assert found["outflow"].values[place] == 1000 * row
                seen += 1
    assert seen >= 10


def test_a_drawn_design_imports_nothing(make_study):
    study = make_study()
    assert imported_outputs(study, select(make_design(study), parts(study.build_design())[0]), {}) is None


def test_a_netcdf_table_is_read_as_the_same_design(make_study, tmp_path):
    write_csv(tmp_path)
    wanted = make_design(table(make_study))
    _, lines = rows()
    numbers = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    content = xr.Dataset(
        {
            "head": ("run", numbers[:, 0] / 100, {"units": "m"}),
            "well": ("run", numbers[:, 1]),
            "field": (("run", "term"), numbers[:, 2:]),
        }
    )
    content.to_netcdf(tmp_path / "table.nc", engine="netcdf4")
    found = make_design(table(make_study, file="table.nc"))
    np.testing.assert_allclose(found["head"], wanted["head"], rtol=1e-15)
    assert np.array_equal(found["field"].values, wanted["field"].values)


def replaced(line_number, cell, value):
    lines = rows()[1]
    cells = lines[line_number].split(", ")
    cells[cell] = value
    lines[line_number] = ", ".join(cells)
    return lines


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        (HEADER, replaced(3, 0, "170"), r"'head' has 1.7 in row 3, which its law cannot take \(1 such rows\)"),
        (HEADER, replaced(2, 1, "-0.1"), "'well' has -0.1 in row 2, which its law cannot take"),
        (HEADER, replaced(2, 1, ""), "'well' has no finite value in row 2"),
        (HEADER, replaced(2, 1, "much"), r"'well' holds text \('much'\)"),
        (HEADER.replace("cm", "day"), None, "'head' is in 'day', the study has 'm'"),
        (HEADER.replace("well", "wel"), None, "no column 'well'"),
        (HEADER.replace("well", "field.4"), None, "not numbered from 0"),
        (HEADER.replace("well", "head"), None, "two columns 'head'"),
        (HEADER.replace("well", "[m]"), None, r"a column '.m.'"),
        ("", [], "is empty"),
        (HEADER, [], "no rows"),
        (HEADER, rows(5)[1], "has .* rows for train, the design asks for 7"),
        (HEADER + ", split", rows(extra=lambda row: ", training")[1], "split says 'training'"),
        (HEADER, ["1, 2, 3, 4, 5, 6, 7"], "has 7 cells in row 0, the header 5"),
    ],
)
def test_bad_tables_are_refused(make_study, tmp_path, header, lines, message):
    write_csv(tmp_path, header, lines)
    with pytest.raises(StudyError, match=message) as raised:
        make_design(table(make_study, train=7))  # every row is used
    assert "Remedy: " in str(raised.value)


def test_a_file_that_is_no_netcdf_is_refused(make_study, tmp_path):
    (tmp_path / "table.nc").write_bytes(b"no netcdf")
    with pytest.raises(StudyError, match="cannot be read as NetCDF"):
        make_design(table(make_study, file="table.nc"))


def test_a_file_of_another_type_is_refused(make_study, tmp_path):
    (tmp_path / "table.xlsx").write_bytes(b"")
    with pytest.raises(StudyError, match=r"is a \.xlsx file"):
        make_design(table(make_study, file="table.xlsx"))
