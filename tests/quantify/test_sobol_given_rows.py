"""Sufficient statistics and the delta method against the jackknife over all rows."""

import numpy as np
import pytest

from surecast.quantify.estimators.monte_carlo import figures
from surecast.quantify.given_rows import indices_of_rows
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import observe_rows, uniforms
from surecast.study.errors import EstimationError


@pytest.mark.parametrize("measures", [("first", "total"), ("first", "second")])
def test_it_is_the_jackknife_at_a_fraction_of_the_work(known, measures):
    names = known.law.names
    integrand = SobolIntegrand(known.law, ["y"], {name: (name,) for name in names}, measures)
    drawn = uniforms(np.random.SeedSequence(5), 0, 6000, integrand.row_dimension)
    rows = observe_rows(known.ishigami, integrand, drawn, label="", chunk=1 << 16)
    slow = figures(integrand, rows, 0.95)
    fast = indices_of_rows(1e3 + rows[:, :, 0], names, measures)
    for one, two in zip(slow, fast.values(), strict=True):
        assert two.value == pytest.approx(one.figure.value, abs=2e-3)
        assert two.standard_error == pytest.approx(one.figure.standard_error, rel=0.02)


def test_bad_rows_are_refused():
    rows = np.random.default_rng(0).random((100, 4))
    with pytest.raises(EstimationError, match="rows of 5 values"):
        indices_of_rows(rows, ["a", "b", "c"])
    with pytest.raises(EstimationError, match="too few"):
        indices_of_rows(rows[:10], ["a", "b"])
    with pytest.raises(EstimationError, match="equal"):
        indices_of_rows(np.ones((100, 4)), ["a", "b"])
    with pytest.raises(EstimationError, match="not finite"):
        indices_of_rows(np.where(rows > 0.99, np.nan, rows), ["a", "b"])
    with pytest.raises(EstimationError, match="Shapley"):
        indices_of_rows(rows, ["a", "b"], ["shapley"])
