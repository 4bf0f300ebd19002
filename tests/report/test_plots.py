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
    return estimate({"kind": "sobol", "of": "y"}, known.simulator, known.law, "polynomial_chaos", runs=512)


def test_convergence_and_bars_of_sobol_indices(drivers):
    figures = plot(drivers)
    assert "sobol-question-y" in list(figures)
    assert "convergence-question-y-first-x1" in list(figures)
    shown = figures["sobol-question-y"]._repr_html_()
    assert shown.count("<svg") == 1
    assert "var(--" not in shown
    assert PALETTE["series-1"] in shown
    assert "x3" in shown


def test_figures_are_files_that_stand_alone(drivers, tmp_path):
    for path in plot(drivers)["sobol-question-y"].save(tmp_path / "new"):
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "Sobol indices of y" in root.attrib["aria-label"]
    (path,) = plot(drivers)["sobol-question-y"].save(tmp_path, "pdf")
    assert path.read_bytes().startswith(b"%PDF")
    with pytest.raises(DataError, match=r"'png' is no kind of figure.*svg or pdf"):
        plot(drivers).save(tmp_path, "png")


def test_a_file_of_estimates_gives_the_same_figures(drivers, tmp_path):
    write_dataset(tmp_path / "drivers.nc", drivers)
    assert plot(tmp_path / "drivers.nc")._repr_html_() == plot(drivers)._repr_html_()


def test_what_holds_no_estimates_is_refused(drivers):
    with pytest.raises(DataError, match="holds no estimates"):
        plot(drivers[["value"]])
    with pytest.raises(AttributeError, match="no attribute 'plots_of'"):
        _ = surecast.report.plots_of
