"""Generalised indices of fields against those of their points."""

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.build import build_estimator
from surecast.quantify.field_indices import FieldSobolIntegrand
from surecast.study.errors import EstimationError

WAVES = np.linspace(0, 1, 7)


@pytest.fixture
def model(known):
    """A field of a constant far from 0, x1 times a wave and x2 x3 times another, and its exact indices."""

    def call(inputs):
        x1, x2, x3 = (inputs[name].values[:, None] / np.pi for name in ("x1", "x2", "x3"))
        field = 50 + x1 * np.sin(5 * WAVES) + 3 * x2 * x3 * WAVES
        return xr.Dataset({"y": (("run", "x"), field.astype(np.float32))})

    return call


def exact():
    one, two = np.square(np.sin(5 * WAVES)).sum() / 3, 9 * np.square(WAVES).sum() / 9
    s, t = one / (one + two), two / (one + two)
    values = {"first[x1]": s, "first[x2]": 0.0, "first[x3]": 0.0, "total[x1]": s, "total[x2]": t, "total[x3]": t}
    values |= {"second[x1,x2]": 0.0, "second[x1,x3]": 0.0, "second[x2,x3]": t}
    return values | {"shapley[x1]": s, "shapley[x2]": t / 2, "shapley[x3]": t / 2}


@pytest.mark.parametrize("kind", ["monte_carlo", "scrambled_sobol"])
def test_intervals_hold_the_exact_indices(known, model, kind):
    hits, widths = [], []
    for seed in range(12):
        integrand = FieldSobolIntegrand(
            known.law, ["y"], {n: (n,) for n in known.law.names}, ("first", "total", "second", "shapley")
        )
        for found in build_estimator({"kind": kind}).estimate(integrand, known.task(model, runs=4000, seed=seed)):
            hits.append(found.low <= exact()[found.statistic.name] <= found.high)
            widths.append(found.high - found.low)
    assert sum(hits) >= known.least_covered(len(hits))
    assert np.median(widths) < 0.3


def test_only_inner_products_of_a_row_are_kept(known, model):
    integrand = FieldSobolIntegrand(known.law, ["y"], {n: (n,) for n in known.law.names})
    observed = np.random.default_rng(0).random((8, 5, 1000))
    integrand.ends = np.array([], dtype=int)
    kept = integrand.settled(np.zeros((8, 6)), observed)
    assert kept.shape == (8, 5, 1 + 1 + 3 + 3)


def test_failed_runs_are_counted_once(known, model):
    def failing(inputs):
        return model(inputs).assign(failed=("run", (inputs["x1"].values > 3.0).astype(np.int8)))

    integrand = FieldSobolIntegrand(known.law, ["y"], {n: (n,) for n in known.law.names})
    drawn = []

    def counted(inputs):
        outputs = failing(inputs)
        drawn.append(int(outputs["failed"].sum()))
        return outputs

    found = build_estimator({"kind": "monte_carlo"}).estimate(integrand, known.task(counted, runs=1000))
    assert found[0].failed_runs == sum(drawn)
    assert "failed" in found[0].verdict


def test_a_field_that_no_run_has_shown(known):
    integrand = FieldSobolIntegrand(known.law, ["y"], {n: (n,) for n in known.law.names})
    with pytest.raises(EstimationError, match=r"all of the first .* runs failed"):
        build_estimator({"kind": "monte_carlo"}).estimate(
            integrand, known.task(lambda inputs: xr.Dataset({"failed": xr.ones_like(inputs["x1"])}), runs=1000)
        )


def test_single_runs_cannot_answer_fields(known, model):
    integrand = FieldSobolIntegrand(known.law, ["y"], {n: (n,) for n in known.law.names})
    with pytest.raises(EstimationError, match="scalars only"):
        build_estimator({"kind": "surrogate_decomposition"}).estimate(integrand, known.task(model, runs=1000))
