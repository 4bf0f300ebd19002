"""Figures of one answer: drawn from what `estimate` returns, written as files that stand alone."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import surecast.report
from surecast.quantify import estimate
from surecast.report import plot
from surecast.report.figures.canvas import PALETTE
from surecast.simulate.problems import problem
from surecast.study.errors import DataError
from surecast.study.files import write_dataset


@pytest.fixture(scope="module")
def drivers():
    known = problem("ishigami")
    question = {"kind": "sobol", "of": "y", "groups": {"both": ["x1", "x2"]}, "estimators": ["monte_carlo"]}
    return estimate(question, known.simulator, known.law, runs=256)


@pytest.fixture(scope="module")
def figures(drivers):
    return plot(drivers)


def test_convergence_and_bars_of_sobol_indices(figures):
    assert "sobol-question-y" in list(figures)
    assert "convergence-question-y-first-both" in list(figures)
    shown = figures["sobol-question-y"]._repr_html_()
    assert shown.count("<svg") == 1
    assert "var(--" not in shown
    assert PALETTE["series-1"] in shown
    assert "x3" in shown


def test_figures_are_files_that_stand_alone(figures, tmp_path):
    for path in figures["sobol-question-y"].save(tmp_path / "new"):
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "Sobol indices of y" in root.attrib["aria-label"]
    (path,) = figures["sobol-question-y"].save(tmp_path, "pdf")
    assert path.read_bytes().startswith(b"%PDF")
    with pytest.raises(DataError, match=r"'png' is no kind of figure.*svg or pdf"):
        figures.save(tmp_path, "png")


def test_a_file_of_estimates_gives_the_same_figures(figures, drivers, tmp_path):
    write_dataset(tmp_path / "drivers.nc", drivers)
    assert plot(tmp_path / "drivers.nc")._repr_html_() == figures._repr_html_()


def test_what_holds_no_estimates_is_refused(drivers):
    with pytest.raises(DataError, match="holds no estimates"):
        plot(drivers[["value"]])
    with pytest.raises(AttributeError, match="no attribute 'plots_of'"):
        _ = surecast.report.plots_of


def test_where_a_rare_event_lies_with_its_weights_and_the_agreement():
    known = problem("fourbranch")
    question = {"kind": "exceedance", "event": "g < 0", "estimators": ["importance_sampling"]}
    answer = estimate(question, known.simulator, known.law, "gaussian_process", runs=400, training_runs=60, seed=1)
    figures = plot(answer)
    assert {"modes-question-g-0-importance-sampling", "weights-question-g-0-importance-sampling", "agreement-g"} <= set(
        figures
    )
    assert "aims at" in figures["modes-question-g-0-importance-sampling"]._repr_html_()
    assert "squared correlation" in figures["agreement-g"]._repr_html_()


def test_without_a_surrogate_there_is_no_agreement():
    known = problem("RP22")
    answer = estimate({"kind": "exceedance", "event": "g < 0"}, known.simulator, known.law, runs=200)
    assert list(plot(answer)) == ["convergence-question-g-0-probability"]
