"""The page as a whole: complete, self-contained, escaped, the same bytes again; and its files beside it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from html_page import Page

from surecast.study.errors import DataError
from surecast.study.files import read_dataset


def test_page_is_well_formed_and_its_identifiers_are_unique(written: Any) -> None:
    page = Page(written.page.read_text(encoding="utf-8"))
    assert len(page.identifiers) == len(set(page.identifiers))
    assert {anchor[1:] for anchor in page.anchors} <= set(page.identifiers)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.labels) > 10
    assert all(len(label) > 20 for label in page.labels)


def test_page_loads_nothing(written: Any) -> None:
    text = written.page.read_text(encoding="utf-8")
    page = Page(text)
    # The card of the dataset is a page beside this one, for who asks for it.
    assert {address for address in page.loaded if not address.startswith("data:")} == {"card.html"}
    assert re.search(r"https?://|@import|@font-face", text) is None
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", text))
    assert "script" not in page.tags
    assert len(text.encode()) < 6e6


def test_page_opens_with_every_answer(written: Any) -> None:
    page = Page(written.page.read_text(encoding="utf-8"))
    start, end = page.text.index("Answers Values"), page.text.index("Sensitivities The share")
    answers = page.text[start:end]
    for name in written.study.questions:
        assert name in answers
    for words in (
        "mean of outflow 1.2474 m²/day 95 %: 1.2453 to 1.2495 certified 2,000 + 80",
        # 392,000 over 2,000 + 80:
        "control variates + surrogates about 390,000 188 times as many 0.082 % outflow, 8 runs",
        "and the 80 for training and choosing the surrogates",
        "variance of outflow 0.5155 (m²/day)²",
        "probability that peak > 3.47 1.061 × 10⁻³ 95 %: 1.000 to 1.122 × 10⁻³",
        "not certified",
        "Why not: the half-width 0.34 of the value is wider than the tolerance 0.1 <b>.",
        "first-order index of permeability for outflow 0.617",
        "outflow: surrogate fno, seed 2 (squared correlation 0.9986 on the validation runs), runner-up gp",
        "This page shows 20 intervals: 20 at the 95 % level",
    ):
        assert words in answers
    assert "10 of 11" in page.text
    assert "not known" not in answers


def test_sections_tell_the_rest(written: Any) -> None:
    text = Page(written.page.read_text(encoding="utf-8")).text
    for words in (
        "What is left, 7 %",
        "pressure fno FNO 3 2.44 % ± 0.18 %",
        "outflow gp Gaussian process 1 5.00 % –",
        "Relative L2 error on the validation runs as the trainings went",
        "the 80 that its surrogates learnt from come on top",
        "seeds of the trainings fno 0, 1, 2; unet 0, 1, 2; gp 0",
        "cells 16 (its own)",
        "never on this machine at this grid",
        "-div(k grad p) = f",
        "test runs 16, 1 of them failed",
        "variance 1, length 0.5, terms 4, covariance squared_exponential (",
        " % of the variance kept)",
        "1 failed run: kept with inputs and message, never averaged in",
        "no <convergence>",
        "snakemake --cores all --config studies=path/to/aquifer.yaml",
        "Fourier neural operator",
        "A. Author, A book & its 100 % truths, 1999.",
    ):
        assert words in text
    for path in [*written.estimates, *written.evaluations, *written.histories]:
        assert str(read_dataset(path).attrs["digest"]) in text


def test_text_of_the_study_is_escaped(build: Any) -> None:
    made = build(title="<script>alert(1)</script> & 'more'", surrogates=False, questions=False)
    text = made.write().read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<script>alert(1)</script> & 'more'" in Page(text).text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Mean and variance of y, z"),
        ({"statistics": "mean"}, "Mean of y, z"),
        ({"statistics": ["standard_deviation", "correlation"]}, "Standard deviation, correlation of y, z"),
    ],
)
def test_moments_are_told_by_what_is_asked(settings: Any, words: str) -> None:
    from surecast.report.report import asked

    question = SimpleNamespace(kind="moments", settings={"of": ["y", "z"], **settings})
    assert asked(cast(Any, SimpleNamespace(questions={"q": question}))) == {"q": words}


def test_same_inputs_same_bytes_by_any_number_of_processes(written: Any) -> None:
    first, second = written.page.parent, written.write("again", processes=1).parent
    files = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert files == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert {path.suffix for path in files} == {".html", ".pdf", ".csv", ".tex", ".bib"}
    for path in files:
        assert (first / path).read_bytes() == (second / path).read_bytes(), path


def test_tables_hold_the_numbers_of_the_inputs(written: Any) -> None:
    tables = written.page.parent / "tables"
    for path in written.estimates:
        dataset = read_dataset(path)
        with (tables / f"estimates-{path.stem}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == dataset.sizes["estimate"]
        order = {(str(o), str(s), str(e)): i for i, (o, s, e) in enumerate(_keys(dataset))}
        for row in rows:
            index = order[row["output"], row["statistic"], row["estimator"]]
            for name in ("value", "low", "high", "standard_error", "level", "simulator_runs"):
                assert float(row[name]) == float(dataset[name].values[index])
            assert row["verdict"] == str(dataset["verdict"].values[index])
    fno = read_dataset(written.evaluations[0])
    with (tables / "accuracy-fields.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["surrogate"] == "fno"]
    assert [float(row["relative_l2"]) for row in rows] == fno["relative_l2_mean"].values.tolist()
    assert [float(row["relative_l2_spread"]) for row in rows] == fno["relative_l2_spread"].values.tolist()


def _keys(dataset: Any) -> zip[tuple[Any, ...]]:
    return zip(*(dataset[name].values for name in ("output", "statistic", "estimator")), strict=True)


@pytest.mark.parametrize(
    ("options", "missing", "present"),
    [
        ({"surrogates": False}, ("accuracy", "costs"), ("answers", "sensitivities", "convergence")),
        ({"questions": False}, ("sensitivities", "convergence"), ("answers", "accuracy", "costs")),
        (
            {"questions": False, "surrogates": False, "manifest": False},
            ("accuracy", "costs"),
            ("dataset", "provenance"),
        ),
    ],
)
def test_stages_that_are_missing_leave_a_sensible_page(build: Any, options: Any, missing: Any, present: Any) -> None:
    page = Page(build(**options).write().read_text(encoding="utf-8"))
    assert not set(missing) & set(page.identifiers)
    assert set(present) <= set(page.identifiers)
    if not options.get("questions", True):
        assert "The study asks no question yet." in page.text
    if not options.get("manifest", True):
        assert "No dataset was assembled for this study." in page.text


def test_a_changed_file_is_noticed(full: Any) -> None:
    path = Path(full.estimates[0])
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="run snakemake again"):
        full.write()


def test_figures_are_one_page_pdf_files_without_dates(written: Any) -> None:
    figures = sorted((written.page.parent / "figures").glob("*.pdf"))
    assert {
        "convergence-averages-outflow-mean.pdf",
        "fields-typical.pdf",
        "sobol-drivers-outflow.pdf",
        "training-pressure.pdf",
        "training-flux-x.pdf",
    } <= {figure.name for figure in figures}
    for figure in figures:
        content = figure.read_bytes()
        assert content.startswith(b"%PDF")
        assert b"CreationDate" not in content
        assert content.count(b"/Type /Page ") + content.count(b"/Type /Page\n") == 1


def test_training_runs_count_where_a_surrogate_helped_and_nowhere_else(written: Any) -> None:
    from surecast.report.estimates import read_answers

    for estimate in read_answers(written.estimates[0]).estimates:
        helped = estimate.estimator == "control_variates"
        assert estimate.learnt_runs == (64 + 16 if helped else 0)
        spent = 2080 if helped else 2000
        assert estimate.gain == pytest.approx(estimate.equivalent_monte_carlo_runs / spent, rel=1e-15)


def test_the_figure_of_trainings_says_where_they_ended() -> None:
    from surecast.report.figures.training import training

    courses = {"unet": (np.array([100, 200]), np.array([[0.2, 0.03], [0.3, 0.05]]))}
    drawing = training("course", "Error of u in training", courses, ["fno", "unet"])
    assert "unet ends at 4 % after 200 steps" in drawing.description


@pytest.mark.parametrize(
    ("output", "names"),
    [
        ("peak", ["peak"]),
        ("peak>3.47", ["peak"]),
        ("(outflow < 0.2 or peak > 3) and outflow > 0.1", ["outflow", "peak"]),
    ],
)
def test_the_discretisation_error_is_that_of_every_output_asked_about(output: str, names: list[str]) -> None:
    from surecast.report.sections.answers import outputs_named

    assert outputs_named(output) == names


@pytest.mark.parametrize(
    ("file", "named"),
    [("/a/config/studies/burgers.yaml", "[burgers]"), ("/a/studies/mine.yaml", "path/to/mine.yaml")],
)
def test_the_command_names_studies_that_live_elsewhere_by_their_file(file: str, named: str) -> None:
    from surecast.report.sections.provenance import asked_for

    assert asked_for(Path(file)) == named


def test_one_dimensional_fields_are_drawn_as_lines(tmp_path: Path) -> None:
    from surecast.report.figures.fields import Example, fields

    x = np.linspace(0, 1, 8)
    drawing = fields("lines", "A run", [Example("u", "m/s", np.sin(x), np.sin(x) + 0.01, x, None, 0.02)])
    assert "<image" not in drawing.svg
    assert "u in m/s · relative L2 error 2 %" in drawing.svg


def test_names_in_figures_are_text_and_nothing_else() -> None:
    from surecast.report.figures.sensitivity import sensitivity

    group = r"a $\frac{1 <b> & \1 #0b62a4"
    drawing = sensitivity("odd", "Indices", [group], {"first order": {group: (0.5, 0.4, 0.6)}})
    assert r"a $\frac{1 &lt;b&gt; &amp; \1" in drawing.svg
    assert "<b>" not in drawing.svg
