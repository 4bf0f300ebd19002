"""Mean beyond a quantile: closed forms, both sides, few runs, ties, wrong surrogates, coverage."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy import stats

from surecast.quantify.answer import ask
from surecast.quantify.estimators.cross_fitting import coefficients, worthwhile
from surecast.quantify.tail import LEAST_BEYOND, Tail

SEEDS = range(100)
LEVEL = 0.9
KINDS = ["monte_carlo", "scrambled_sobol", "latin_hypercube", "control_variates"]


def asked(known, truth, surrogates=(), seed=0, bounds=None, **settings):
    question = Tail(surrogate="best" if surrogates else "none", **{"of": "g", "levels": [LEVEL], **settings})
    return ask(
        question,
        question.integrand(known.normals(2)),
        truth,
        surrogates,
        lambda _: np.random.SeedSequence([seed, 41]),
        steps=0,
        bounds=bounds,
    )


def test_a_side_is_upper_or_lower():
    with pytest.raises(ValidationError, match="'upper' or 'lower'"):
        Tail(of="g", levels=[0.9], side="both")


@pytest.mark.parametrize("kind", KINDS)
def test_the_lower_side_is_the_upper_side_of_the_negative_output(known, kind):
    truth, negative = known.model(lambda u: np.exp(u[:, 0])), known.model(lambda u: -np.exp(u[:, 0]))
    upper = asked(known, negative, [negative], levels=[0.75], estimators=[kind])
    lower = asked(known, truth, [truth], levels=[0.25], side="lower", estimators=[kind])
    assert [e.statistic.name for e in lower] == ["cvar[0.25]", "quantile[0.25]"]
    for a, b in zip(upper, lower, strict=True):
        assert (a.value, a.low, a.high) == (-b.value, -b.high, -b.low)
        assert a.standard_error == b.standard_error
    assert lower[0].high < lower[1].low


def test_few_runs_beyond_the_quantile_are_not_certified(known):
    truth = known.model(lambda u: u[:, 0])
    for runs, enough in ((10 * LEAST_BEYOND, True), (10 * LEAST_BEYOND - 10, False)):
        cvar, quantile = asked(known, truth, runs=runs)
        assert (cvar.verdict == "certified") == enough
        assert quantile.verdict == "certified"
    assert "only 39 runs are expected beyond the quantile" in cvar.verdict


def test_ties_at_the_quantile_are_covered(known):
    """P(y = 1) = 0.105 and 0 otherwise: at level 0.9 the sample's quantile jumps, and CVaR = 1; for 0.095, 0.95."""
    for share, cvar in ((0.105, 1.0), (0.095, 0.95)):
        truth = known.model(lambda u, share=share: (stats.norm.cdf(u[:, 0]) < share).astype(float))
        covered = 0
        for seed in SEEDS:
            found = asked(known, truth, runs=1000, seed=seed)[0]
            covered += found.low - 1e-12 <= cvar <= found.high + 1e-12
        assert covered >= known.least_covered(len(SEEDS))


def test_failed_runs_within_bounds_are_certified_and_covered(known):
    def truth(inputs: xr.Dataset) -> xr.Dataset:
        values = stats.norm.cdf(inputs["u1"].values)
        return xr.Dataset({"g": ("run", np.where(values > 0.98, np.nan, values))})

    cvar, quantile = asked(known, truth, runs=1000, bounds={"g": (0.0, 1.0)})
    assert cvar.failed_runs > 5
    assert cvar.low <= 0.95 <= cvar.high
    assert cvar.verdict == "certified"
    assert quantile.low <= 0.9 <= quantile.high
    cvar, quantile = asked(known, truth, runs=1000)
    assert "runs failed and are left out" in cvar.verdict
    assert quantile.verdict == "certified"


OUTPUTS = {
    "normal": (lambda x, y: 0.8 * x + 0.6 * y, stats.norm()),
    "exponential": (lambda x, y: 0.5 * (x * x + y * y), stats.expon()),
    "lognormal": (lambda x, y: np.exp(0.5 * (0.8 * x + 0.6 * y)), stats.lognorm(0.5)),
}
SURROGATES = {
    "good": lambda f: lambda u: f(u[:, 0] + 0.05 * np.sin(9 * u[:, 0]), u[:, 1]),
    "linear": lambda f: lambda u: u[:, 0],
    "shuffled": lambda f: lambda u: f(u[::-1, 0], u[::-1, 1]),
}
CELLS = [
    *(("normal", kind, "none") for kind in KINDS[:3]),
    ("exponential", "monte_carlo", "none"),
    ("lognormal", "scrambled_sobol", "none"),
    ("lognormal", "control_variates", "good"),
    *(
        pytest.param(*cell, marks=pytest.mark.counted)
        for cell in (
            ("normal", "control_variates", "linear"),
            ("exponential", "control_variates", "good"),
            ("lognormal", "control_variates", "shuffled"),
        )
    ),
]


@pytest.fixture(scope="module")
def plain_width(known):
    width = {}
    for name, (function, _) in OUTPUTS.items():
        truth = known.model(lambda u, f=function: f(u[:, 0], u[:, 1]))
        found = [asked(known, truth, runs=1000, seed=seed)[0] for seed in SEEDS]
        width[name] = np.mean([e.high - e.low for e in found])
    return width


@pytest.mark.parametrize(("output", "kind", "surrogate"), CELLS)
def test_the_mean_beyond_is_covered_and_certified(known, plain_width, output, kind, surrogate):
    function, law = OUTPUTS[output]
    truth = known.model(lambda u: function(u[:, 0], u[:, 1]))
    aid = [] if surrogate == "none" else [known.model(SURROGATES[surrogate](function))]
    quantile = law.ppf(LEVEL)
    values = (law.expect(lambda y: y, lb=quantile) / (1 - LEVEL), quantile)
    covered, certified, widths, found_values = np.zeros(2), np.zeros(2), [], []
    for seed in SEEDS:
        found = asked(known, truth, aid, seed=seed, runs=1000, estimators=[kind], surrogate_runs=4096)
        covered += [e.low <= value <= e.high for e, value in zip(found, values, strict=True)]
        certified += [e.verdict == "certified" for e in found]
        widths.append(found[0].high - found[0].low)
        found_values.append(found[0].value)
    ratio = np.mean(widths) / plain_width[output]
    bias = (np.mean(found_values) - values[0]) / np.std(found_values, ddof=1)
    print(f"{output} {kind} {surrogate}: covers {covered} of {len(SEEDS)}, width {ratio:.3f}, bias/sd {bias:.2f}")
    assert covered.min() >= known.least_covered(len(SEEDS))
    assert certified.min() >= 0.9 * len(SEEDS)
    assert ratio <= {"good": 0.3, "none": 1.001}.get(surrogate, 1.1)
    assert abs(bias) < 4 / np.sqrt(len(SEEDS))


def test_controls_with_a_heavy_tail_are_left_out():
    rng = np.random.default_rng(3)
    response = rng.normal(size=2000)
    useful = (response + 0.1 * rng.normal(size=2000))[:, None]
    heavy = np.exp(3 * rng.normal(size=(2000, 1))) * (1 + 0.1 * response[:, None])
    assert worthwhile(response, useful, 10, np.zeros((1, 1))).all()
    unknown = np.array([[10.0]])  # the control's own mean is hardly known: its best coefficient is nearly 0
    assert np.abs(coefficients(response, useful, 10, unknown)[0]).max() < 1e-3
    kept = worthwhile(response, heavy, 10, np.zeros((1, 1)))
    chosen = coefficients(response, heavy, 10, np.zeros((1, 1)))[0][:, 0] * kept
    residuals = response - chosen * (heavy[:, 0] - np.exp(4.5))
    assert residuals.var() < 1.02 * response.var()


def test_no_run_decides_whether_its_own_controls_are_worthwhile():
    rng = np.random.default_rng(4)
    controls, response = rng.normal(size=(200, 1)), rng.normal(size=200)
    before = worthwhile(response, controls, 10, np.zeros((1, 1)))
    response[7] += 1000 * controls[7, 0]
    after = worthwhile(response, controls, 10, np.zeros((1, 1)))
    same = np.arange(200) % 10 == 7
    assert np.array_equal(before[same], after[same])
