"""The frame of papers: what it refuses, how it judges, what it writes, and what the page shows."""

from __future__ import annotations

import json
import math
import re

import pytest

from surecast.papers.frame import catalogue
from surecast.papers.frame.page import render, write_page
from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.papers.frame.run import judged, run_paper
from surecast.report.citations import publications
from surecast.study.errors import ComponentError, SurecastError
from surecast.study.files import read_json

CRITERIA = {"error": Criterion("error <of> the fit", at_most=2.0), "gain": Criterion("gain", at_least=10.0)}


def stated(values=None, control=None, **more) -> Paper:
    found = Measured(values or {"error": [1.0, 2.0], "gain": [20.0]}, control or {"gain": [1.0]}, {"baseline": 3.0})
    settings = {
        "slug": "a-paper", "title": "A title", "reference": "nouy2023", "claim": "It works.", "check": "Measured.",
        "criteria": CRITERIA, "control": "Without it.", "measure": lambda: found,
    }  # fmt: skip
    return Paper(**{**settings, **more})


def test_a_claim_that_holds_is_replicated(tmp_path):
    content = run_paper(stated(), tmp_path / "a-paper.json", {"code": "abc"})
    assert read_json(tmp_path / "a-paper.json") == json.loads(json.dumps(content)) | {
        "digest": read_json(tmp_path / "a-paper.json")["digest"]
    }
    keys = {"slug", "title", "reference", "claim", "check", "measured", "spread", "threshold", "control", "replicated"}
    assert keys | {"seconds"} <= set(content)
    assert content["replicated"] is True
    assert content["measured"] == {"error": 1.5, "gain": 20.0}
    assert content["spread"] == {"error": pytest.approx(math.sqrt(0.5)), "gain": None}
    assert content["threshold"] == {"error": {"at_most": 2.0}, "gain": {"at_least": 10.0}}
    assert content["control"] == {"description": "Without it.", "measured": {"gain": 1.0}, "held": {"gain": False}}


def test_a_claim_that_fails_is_reported_as_failed():
    found = judged(*_pair({"error": [2.5], "gain": [20.0]}, {"gain": [1.0]}))
    assert not found["replicated"]
    assert found["reasons"] == ["error is 2.5, not at most 2"]
    assert found["held"] == {"error": False, "gain": True}


def test_a_control_that_keeps_the_bound_shows_nothing():
    found = judged(*_pair({"error": [1.0], "gain": [20.0]}, {"gain": [11.0]}))
    assert not found["replicated"]
    assert "negative control keeps the bound of gain" in found["reasons"][0]


def _pair(values, control):
    paper = stated(values, control)
    return paper, paper.measure()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"error": [1.0]}, "state every one that is measured"),
        ({"error": [math.nan], "gain": [20.0]}, "look at its measure function"),
        ({"error": [], "gain": [20.0]}, "measured as nothing"),
    ],
)
def test_what_is_no_measurement_is_a_defect(values, message):
    with pytest.raises(SurecastError, match=message):
        judged(*_pair(values, {"gain": [1.0]}))


@pytest.mark.parametrize("bounds", [{}, {"at_most": 1.0, "at_least": 0.0}])
def test_a_criterion_has_one_bound(bounds):
    with pytest.raises(ValueError, match="one of them"):
        Criterion("x", **bounds)


@pytest.mark.parametrize(("settings", "message"), [({"slug": "A_paper"}, "slug"), ({"criteria": {}}, "cannot fail")])
def test_bad_papers_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        stated(**settings)


def test_every_file_states_the_paper_of_its_name():
    assert {"aiscv", "wls-dpp"} <= set(catalogue.slugs())
    for slug in catalogue.slugs():
        paper = catalogue.paper(slug)
        assert paper.slug == slug
        assert paper.reference in publications()
    with pytest.raises(ComponentError, match="aiscv"):
        catalogue.paper("aiscw")


def test_fingerprints_follow_a_papers_own_code():
    first, second = (catalogue.fingerprint(slug, "lock", "script") for slug in ("aiscv", "wls-dpp"))
    assert first["code"] != second["code"]
    assert first["lock"] == "lock"
    assert catalogue.fingerprint("aiscv", "other", "script") != first
    assert catalogue.fingerprint("aiscv", "lock", "other") != first
    assert catalogue.page_code("other") != catalogue.page_code("script")


def test_the_page_shows_claim_and_measurement(tmp_path):
    run_paper(stated(), tmp_path / "good.json")
    run_paper(stated({"error": [2.5], "gain": [20.0]}, slug="b-paper", claim="It <fails>."), tmp_path / "bad.json")
    write_page([tmp_path / "bad.json", tmp_path / "good.json"], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.index('id="a-paper"') < page.index('id="b-paper"')
    assert "It &lt;fails&gt;." in page
    assert "error is 2.5, not at most 2" in page
    assert page.count("not replicated</span>") == 1
    assert "≤ 2.00" in page or "≤ 2" in page
    assert not re.search(r'(src|href)="(?!#|data:)', page), "the page needs nothing beside it"
    assert "prefers-color-scheme: dark" in page


def test_a_page_without_papers_is_a_page():
    assert "replicated" in render([])
