"""Studies of built-in simulators whose parts do not fit each other."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from surecast.study.errors import StudyError
from surecast.study.load import load_study
from surecast.study.model import Study

ROOT = Path(__file__).resolve().parents[2]

STUDY: dict[str, Any] = {
    "simulator": {"kind": "groundwater", "cells": 8},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 1.0, "length": 0.3, "terms": 4},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {
        "pressure": {"kind": "variable"},
        "outflow": {"kind": "boundary_flux", "side": "right", "units": "m2/day"},
        "peak": {"kind": "maximum", "of": "pressure", "units": "m"},
    },
    "design": {"kind": "sobol", "train": 8, "validation": 10, "test": 4},
    "surrogates": {"fno": {"kind": "fno", "fields": ["pressure"]}, "gp": {"kind": "gaussian_process"}},
    "questions": {
        "averages": {"kind": "moments", "of": ["outflow", "peak"], "surrogate": "best", "runs": 100},
        "failure": {"kind": "exceedance", "event": "peak > 2.0", "surrogate": "gp", "runs": 100},
        "drivers": {"kind": "sobol", "of": "outflow", "surrogate": "best", "runs": 200},
    },
}


def changed(place: str, value: Any) -> Study:
    content = copy.deepcopy(STUDY)
    *above, last = place.split(".")
    item = content
    for step in above:
        item = item[step]
    if value is None:
        del item[last]
    else:
        item[last] = value
    return Study.from_content(content, "aquifer.yaml")


def test_the_study_itself_fits() -> None:
    """Otherwise the cases below would prove nothing."""
    Study.from_content(STUDY).check()


@pytest.mark.parametrize("path", sorted((ROOT / "config/studies").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_studies_that_ship_fit(path: Path) -> None:
    """Each one that the repository holds."""
    load_study(path).check()


@pytest.mark.parametrize(
    ("place", "value", "key", "words"),
    [
        ("simulator.cells", 2, "simulator.cells", "greater than or equal to 4"),
        ("simulator.cels", 8, "simulator.cels", "did you mean 'cells'"),
        ("inputs.head.units", None, "inputs.head.units", "a unit is missing: the simulator takes m"),
        ("inputs.head.units", "s", "inputs.head.units", "not compatible with m"),
        ("inputs.head.units", "cm", "inputs.head.units", "write the law in m"),
        ("inputs.well", None, "inputs", "the simulator needs input 'well'"),
        ("inputs.wel", {"kind": "norm"}, "inputs.wel", "did you mean 'well'"),
        ("inputs.permeability", {"kind": "norm"}, "inputs.permeability.kind", "use kind: gaussian_field"),
        ("inputs.permeability.dimensions", 1, "inputs.permeability.dimensions", "write dimensions: 2"),
        ("outputs.outflow.units", "m", "outputs.outflow.units", "not compatible with m2/day"),
        ("outputs.outflow.side", "rigth", "outputs.outflow.side", "'left' or 'right'"),
        ("outputs.outflow.side", None, "outputs.outflow.side", "missing"),
        ("outputs.presure", {"kind": "variable"}, "outputs.presure", "did you mean 'pressure'"),
        ("outputs.peak.of", "presure", "outputs.peak.of", "did you mean 'pressure'"),
        ("outputs.x", {"kind": "maximum", "of": "pressure"}, "outputs.x", "has a dimension of this name"),
        ("surrogates.fno.fields", ["presure"], "surrogates.fno.fields", "did you mean 'pressure'"),
        ("surrogates.fno.weights", {"pressure": -2.0}, "surrogates.fno.weights.pressure", "greater than or equal to 0"),
        ("surrogates.fno.weights", {"pressure": 0.0}, "surrogates.fno.weights", "nothing is left to learn"),
        ("surrogates.fno.modes", 0, "surrogates.fno.modes", "greater than or equal to 1"),
        ("surrogates.gp.outputs", ["peek"], "surrogates.gp.outputs", "did you mean 'peak'"),
        (
            "questions.averages",
            {"kind": "quantiles", "of": ["pressure"], "levels": [0.5]},
            "questions.averages.of",
            "is a field",
        ),
        ("questions.averages.estimators", ["monte_carl"], "questions.averages.estimators", "monte_carlo"),
        ("questions.averages.tolerance", -1.0, "questions.averages.tolerance", "greater than 0"),
        ("questions.failure.event", "peek > 2.0", "questions.failure.event", "did you mean 'peak'"),
        ("questions.failure.event", "peak >", "questions.failure.event", "an output's name or a number is expected"),
        ("questions.failure.surrogate", "gq", "questions.failure.surrogate", "did you mean 'gp'"),
        ("questions.drivers.of", "outflw", "questions.drivers.of", "did you mean 'outflow'"),
        ("questions.drivers.groups", {"wells": ["wel"]}, "questions.drivers.groups", "did you mean 'well'"),
    ],
)
def test_what_does_not_fit_is_named(place: str, value: Any, key: str, words: str) -> None:
    """Key, reason and remedy."""
    study = changed(place, value)
    with pytest.raises(StudyError) as caught:
        study.check()
    about = [error for error in caught.value.errors if error.key == key]
    assert about, str(caught.value)
    assert words in str(about[0])
    assert about[0].remedy
    assert str(about[0]).startswith("aquifer.yaml")


def test_splits_that_nothing_is_asked_of_may_be_empty() -> None:
    """Runs that judge and rank surrogates are wanted where there are any."""
    content = copy.deepcopy(STUDY)
    content["design"] |= {"validation": 0, "test": 0}
    content["surrogates"] = {}
    content["questions"] = {"averages": {"kind": "moments", "of": ["outflow"], "runs": 100}}
    Study.from_content(content, "aquifer.yaml").check()


def test_no_surrogates_to_choose_from() -> None:
    """`best` of none."""
    with pytest.raises(StudyError, match="the study has no surrogates"):
        changed("surrogates", None).check()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("a\n1\n2\n3\n", "'b'"),
        ("a,b\n0.5,1\n0.5,2\n", "rows"),
        ("a [s],b\n0.5,1\n0.5,2\n0.5,3\n", "give a compatible unit"),
        ("a,b\n0.5,1\n7,2\n0.5,3\n", "7"),
        ("a,b\n0.5,one\n0.5,2\n0.5,3\n", "b"),
    ],
)
def test_tables_that_cannot_be_a_design(study_file: Path, table: str, words: str) -> None:
    """A column is missing, too few rows, another unit, outside the law, text: seen before anything runs."""
    text = (
        study_file.read_text().replace("  c: {kind: gamma, a: 2.5}\n", "").replace("surrogate: gp", "surrogate: none")
    )
    design = "{kind: table, file: runs.csv, train: 1, validation: 1, test: 1}"
    study_file.write_text(text.replace("{kind: sobol, train: 16, validation: 16, test: 8}", design))
    (study_file.parent / "runs.csv").write_text("a,b\n0.5,1\n0.5,2\n0.5,3\n")
    load_study(study_file).check()
    (study_file.parent / "runs.csv").write_text(table)
    with pytest.raises(StudyError) as caught:
        load_study(study_file).check()
    message = str(caught.value)
    assert message.startswith(f"{study_file}:11: design.file = runs.csv: ")
    assert words in message
    assert "Remedy: " in message


def test_a_table_with_some_of_the_outputs_is_refused(study_file: Path) -> None:
    """Or all of its rows would be simulated again; without outputs, or with all of them, it is a design."""
    text = (
        study_file.read_text().replace("  c: {kind: gamma, a: 2.5}\n", "").replace("surrogate: gp", "surrogate: none")
    )
    output = "  y: {kind: variable, units: m}\n"
    text = text.replace(output, output + "  z: {kind: variable, of: y, units: m}\n")
    design = "{kind: table, file: runs.csv, train: 1, validation: 1, test: 1}"
    study_file.write_text(text.replace("{kind: sobol, train: 16, validation: 16, test: 8}", design))
    for header, cells in (("a,b", ""), ("a,b,y,z", ",1,"), ("a,b,other", ",2")):
        (study_file.parent / "runs.csv").write_text(header + f"\n0.5,1{cells}" * 3 + "\n")
        load_study(study_file).check()
    (study_file.parent / "runs.csv").write_text("a,b,z\n" + "0.5,1,2\n" * 3)
    with pytest.raises(StudyError) as caught:
        load_study(study_file).check()
    message = str(caught.value)
    assert "design.file = runs.csv: the table holds 'z', but not 'y' of the study's outputs" in message
    assert "add 'y' to import the runs, or leave 'z' out to simulate every row" in message
