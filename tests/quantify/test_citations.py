"""Every method that an estimator names has a reference."""

from __future__ import annotations

import pytest

from surecast.quantify.citations import citation, citations, reference
from surecast.quantify.sobol import SobolIntegrand
from surecast.study import kinds


def test_every_key_of_every_estimator_is_known():
    keys = {key for kind in kinds.TABLES["estimator"] for key in kinds.resolve("estimator", kind).methods}
    for key in [*sorted(keys), *SobolIntegrand.methods, "clopper1934"]:
        entry = citation(key)
        assert entry.startswith("@")
        assert entry.count("{") == entry.count("}")
        assert "\\" not in reference(key)


def test_each_is_cited_once_in_order():
    found = citations(["owen1997", "janon2014", "owen1997"])
    assert [entry.split("{")[1].split(",")[0] for entry in found] == ["owen1997", "janon2014"]
    line = reference("owen1997")
    assert line.startswith("Owen, Art B. (1997). Scrambled Net Variance for Integrals of Smooth Functions. ")
    assert line.endswith("The Annals of Statistics 25, 1541-1562.")
    with pytest.raises(KeyError):
        citation("nobody1900")
