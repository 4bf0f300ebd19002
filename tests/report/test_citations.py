"""The bibliography is complete for every built-in component, and well-formed."""

from __future__ import annotations

import importlib
import re

import numpy as np
import pytest

import surecast
from surecast.quantify import estimate
from surecast.report.citations import REFERENCES, USES, publications, references
from surecast.simulate.problems import problem
from surecast.study import kinds
from surecast.study.errors import DataError
from surecast.study.files import write_dataset


def test_every_entry_has_what_a_reference_needs() -> None:
    for key, one in publications().items():
        assert re.fullmatch(r"[a-z]+\d{4}", key)
        assert {"author", "title", "year"} <= set(one.fields)
        assert key.endswith(one.fields["year"])
        assert {"journal", "booktitle", "publisher"} & set(one.fields)
        assert one.bibtex.count("{") == one.bibtex.count("}")
        assert one.fields["title"] in one.text
    assert len(publications()) == REFERENCES.read_text(encoding="utf-8").count("\n}")


def test_uses_name_publications_and_kinds_that_exist() -> None:
    tables = {"input": "laws", "simulator": "simulator", "design": "design", "surrogate": "surrogate"}
    for (what, kind), (_, keys) in USES.items():
        assert set(keys) <= set(publications())
        if what not in ("house", "training"):
            assert kind in kinds.TABLES[tables[what]]


def test_every_surrogate_has_a_publication() -> None:
    assert {kind for what, kind in USES if what == "surrogate"} == set(kinds.TABLES["surrogate"])


@pytest.mark.parametrize("table", ["estimator", "question"])
def test_every_key_that_an_estimator_names_is_in_the_bibliography(table: str) -> None:
    for kind, target in kinds.TABLES[table].items():
        source = importlib.util.find_spec(target.partition(":")[0])
        assert source is not None
        assert source.origin is not None
        with open(source.origin, encoding="utf-8") as file:
            text = file.read()
        named = set(re.findall(r'"([a-z]+(?:19|20)\d\d)"', text))
        assert named <= set(publications()), kind
        assert named or table == "question"


def test_text_of_a_reference() -> None:
    assert publications()["janon2014"].text == (
        "A. Janon, T. Klein, A. Lagnoux, M. Nodet and C. Prieur (2014). Asymptotic normality and efficiency of two "
        "Sobol index estimators. ESAIM: Probability and Statistics 18, 342–364. doi:10.1051/ps/2013040"
    )
    assert publications()["molder2021"].text.startswith("F. Mölder, K. P. Jablonski, B. Letcher, M. B. Hall,")
    assert " and others (2021)" in publications()["molder2021"].text
    assert publications()["li2021"].text.endswith("arXiv:2010.08895")


def test_the_references_of_a_result(tmp_path, capsys) -> None:
    known = problem("ishigami")
    question = {"kind": "moments", "of": "y", "estimators": ["control_variates"]}
    answer = estimate(question, known.simulator, known.law, "polynomial_chaos", runs=100)
    named = {one.key: purposes for one, purposes in references(answer)}
    assert {"surecast2026", "blatman2011", "glynn2002", "hoyer2017"} <= set(named)
    assert named["blatman2011"] == ["sparse polynomial chaos expansion"]
    assert "estimates by control variates" in named["glynn2002"]
    assert "janon2014" not in named
    surecast.citation(answer)
    printed = capsys.readouterr().out
    for key in named:
        assert publications()[key].text in printed
        assert publications()[key].bibtex in printed
    write_dataset(tmp_path / "answer.nc", answer)
    surecast.citation(tmp_path / "answer.nc")
    assert capsys.readouterr().out == printed


def test_the_reference_of_surecast_itself(capsys) -> None:
    from importlib import metadata

    assert surecast.citation() is None
    printed = capsys.readouterr().out
    assert f"surecast {metadata.version('surecast')}; please cite:" in printed
    assert printed.count("@") == 1
    with pytest.raises(AttributeError, match="no attribute 'citations'"):
        _ = surecast.citations


def test_what_holds_no_estimates_is_refused() -> None:
    known = problem("ishigami")
    with pytest.raises(DataError, match="holds no estimates"):
        references(known.law.from_uniform(np.full((1, 3), 0.5)))
