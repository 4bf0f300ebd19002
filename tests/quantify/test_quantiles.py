"""Quantiles: exact intervals, ties, failed runs, useless surrogates, coverage against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy import stats

from surecast.quantify.answer import ask
from surecast.quantify.inversion import Replicated, Stratified, strata_of
from surecast.quantify.quantiles import Quantiles, least_runs, random_sample
from surecast.study.errors import EstimationError

LEVELS = [0.05, 0.5, 0.95]
SEEDS = range(100)


def asked(known, truth, surrogates=(), seed=0, steps=0, law=None, **settings):
    question = Quantiles(surrogate="best" if surrogates else "none", **{"of": "g", "levels": LEVELS, **settings})
    law = known.normals(2) if law is None else law
    return ask(
        question, question.integrand(law), truth, surrogates, lambda _: np.random.SeedSequence([seed, 31]), steps=steps
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"levels": [0.5, 1.0]}, "1 is no level of a quantile"),
        ({"levels": []}, "at least 1"),
        ({"levels": [0.5, 0.5]}, "a level is named twice"),
        ({"of": ["g", "g"]}, "an output is named twice"),
        ({"estimators": ["subset_simulation"]}, "cannot answer this question"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValidationError) as error:
        Quantiles(**{"of": "g", "levels": [0.5], **settings})
    assert words in str(error.value)


def test_order_statistics_are_the_classical_ones():
    """n = 100, median: the 40th and 61st order statistics (Conover 1999, section 3.2)."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    found = random_sample(values, 0.95).quantile(0.5, 0.95)
    assert (found.value, found.low, found.high) == (50.0, 40.0, 61.0)


def test_the_least_number_of_runs_is_exact():
    for level in (0.5, 0.05, 0.99):
        least = least_runs(level, 0.95)
        for runs, bounded in ((least, True), (least - 1, False)):
            found = random_sample(np.arange(float(runs)), 0.95).quantile(level, 0.95)
            assert np.isfinite([found.low, found.high]).all() == bounded


def test_too_few_runs_leave_a_side_unbounded_and_say_so(known):
    (found,) = asked(known, known.model(lambda u: u[:, 0]), levels=[0.999], runs=500, estimators=["monte_carlo"])
    assert found.high == np.inf
    assert np.isfinite([found.value, found.low, found.standard_error]).all()
    assert "do not bound the quantile 0.999 from above" in found.verdict


@pytest.mark.parametrize("kind", ["monte_carlo", "control_variates", "scrambled_sobol", "latin_hypercube"])
def test_ties_are_covered(known, kind):
    """A die: q_a = ceil(6 a), and the interval is one number unless a is near a step."""
    truth = known.model(lambda u: np.ceil(6 * stats.norm.cdf(u[:, 0])))
    found = asked(known, truth, [truth], levels=[0.25, 0.5, 0.9], runs=1000, estimators=[kind])
    assert [(e.low, e.high) for e in found[::2]] == [(2, 2), (6, 6)]
    assert found[1].low <= 3 <= found[1].high <= 4


def test_failed_runs_are_counted_both_ways(known):
    """Whatever the failed runs were, the interval holds the truth: here the largest ones failed, or the smallest."""
    for sign in (1, -1):

        def truth(inputs: xr.Dataset, sign=sign) -> xr.Dataset:
            outputs = known.model(lambda u: u[:, 0])(inputs)
            failed = sign * inputs["u1"].values > 1.75
            return outputs.where(xr.DataArray(~failed, dims="run")).assign(failed=("run", failed.astype(np.int8)))

        for kind in ("monte_carlo", "control_variates", "scrambled_sobol", "latin_hypercube"):
            found = asked(
                known, truth, [known.model(lambda u: u[:, 0])], levels=[0.1, 0.5], runs=1000, estimators=[kind]
            )
            for estimate, level in zip(found, (0.1, 0.5), strict=True):
                assert estimate.failed_runs > 20
                assert estimate.verdict == "certified"
                assert estimate.low <= stats.norm.ppf(level) <= estimate.high
                assert estimate.low <= estimate.value <= estimate.high


def test_strata_are_of_the_surrogates_own_quantiles():
    rng = np.random.default_rng(2)
    own, seen = rng.normal(size=(8, 512)), rng.normal(size=400)
    place, shares = strata_of(np.exp(seen), np.exp(own), [0.3])
    assert shares.mean(axis=0) == pytest.approx([0.3, 0.7], abs=0.001)
    assert np.array_equal(place, strata_of(seen, own, [0.3])[0])  # an increasing function changes nothing
    assert strata_of(seen, own, [0.01])[1].shape == (8, 1)  # too few runs beyond: one stratum
    assert strata_of(np.ones(400), np.ones((8, 512)), [0.3])[1].shape == (8, 1)  # a constant parts nothing


def test_an_unknown_share_of_the_strata_is_in_the_interval():
    values = np.concatenate([np.zeros(50), np.ones(50)])
    strata = np.repeat([0, 1], 50)
    known_well, known_ill = np.full((8, 2), 0.5), np.stack([0.5 + 0.1 * np.linspace(-1, 1, 8)] * 2, axis=1)
    known_ill[:, 1] = 1 - known_ill[:, 0]
    well = Stratified(values, strata, known_well, 0.95).at(0.5)[1]
    ill = Stratified(values, strata, known_ill, 0.95).at(0.5)[1]
    assert ill[0] < well[0] < 0.5 < well[1] < ill[1]


def test_replicates_that_agree_by_chance_keep_a_spread():
    rows = np.tile(np.arange(1.0, 17.0), (12, 1))
    low, high = Replicated(rows, 0.95).at(8.5)[1]
    assert high - low == pytest.approx(2 * 2.201 * 0.5 / 16 / np.sqrt(12), rel=1e-3)


def test_two_outputs_and_convergence(known):
    def truth(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({name: ("run", k * inputs["u1"].values) for k, name in enumerate(("h", "g"), 1)})

    found = asked(known, truth, of=["g", "h"], levels=[0.5, 0.9], runs=400, steps=5)
    assert [(e.statistic.output, e.statistic.name) for e in found] == [
        (o, f"quantile[{a}]") for o in "gh" for a in (0.5, 0.9)
    ]
    assert found[0].value == pytest.approx(2 * found[2].value)
    for estimate in found:
        last = estimate.convergence[-1]
        assert (last.value, last.low, last.high) == (estimate.value, estimate.low, estimate.high)


def test_a_tolerance_stops_early_and_is_covered(known):
    truth = known.model(lambda u: 10 + u[:, 0])
    covered = early = 0
    for seed in SEEDS:
        (found,) = asked(known, truth, levels=[0.9], runs=2000, tolerance=0.012, seed=seed)
        covered += found.low <= 10 + stats.norm.ppf(0.9) <= found.high
        early += found.simulator_runs < 2000
    assert early > 20
    assert covered >= known.least_covered(len(SEEDS))


def lognormal(known):
    def exponent(u: np.ndarray) -> np.ndarray:
        return 0.8 * u[:, 0] + 0.6 * u[:, 1]

    surrogates = {
        "none": None,
        "good": known.model(lambda u: np.exp(exponent(u) + 0.04 * np.sin(9 * u[:, 0]))),
        "constant": known.model(lambda u: np.full(len(u), 2.0)),
        "shuffled": known.model(lambda u: np.exp(exponent(u[::-1]))),
    }
    return known.model(lambda u: np.exp(exponent(u))), surrogates, stats.lognorm(1).ppf(LEVELS)


CELLS = [
    ("monte_carlo", "none", 1.0), ("scrambled_sobol", "none", 0.9),
    pytest.param("latin_hypercube", "none", 0.95, marks=pytest.mark.counted),
    ("control_variates", "good", 0.5), pytest.param("control_variates", "shuffled", 1.1, marks=pytest.mark.counted),
]  # fmt: skip


@pytest.fixture(scope="module")
def plain_width(known):
    truth, _, _ = lognormal(known)
    found = [asked(known, truth, seed=seed, runs=1000, estimators=["monte_carlo"]) for seed in SEEDS]
    return np.mean([[e.high - e.low for e in one] for one in found], axis=0)


@pytest.mark.parametrize(("kind", "surrogate", "widest"), CELLS, ids=lambda x: str(x))
def test_lognormal_quantiles_are_covered_certified_and_narrow(known, plain_width, kind, surrogate, widest):
    """Width beside that of Monte Carlo with as many runs; a wrong surrogate may not make it wider than by a tenth."""
    truth, surrogates, values = lognormal(known)
    aid = [] if surrogates[surrogate] is None else [surrogates[surrogate]]
    covered, certified, width = np.zeros(3), np.zeros(3), np.zeros(3)
    for seed in SEEDS:
        found = asked(known, truth, aid, seed=seed, runs=1000, estimators=[kind], surrogate_runs=8192)
        covered += [e.low <= value <= e.high for e, value in zip(found, values, strict=True)]
        certified += [e.verdict == "certified" for e in found]
        width += [(e.high - e.low) / len(SEEDS) for e in found]
    print(f"{kind} {surrogate}: covers {covered} of {len(SEEDS)}, width {width / plain_width}")
    assert covered.min() >= known.least_covered(len(SEEDS))
    assert certified.min() >= 0.9 * len(SEEDS)
    assert (width / plain_width).max() <= widest + 1e-9


def test_a_constant_surrogate_costs_nothing(known):
    truth, surrogates, _ = lognormal(known)
    aided = asked(known, truth, [surrogates["constant"]], runs=500, estimators=["control_variates"])
    plain = asked(known, truth, runs=500, estimators=["monte_carlo"])
    assert [(e.value, e.low, e.high) for e in aided] == [(e.value, e.low, e.high) for e in plain]


def ishigami_quantile(level: float, points: int = 500) -> float:
    """q with P(y <= q) = level: x2 integrated in closed form, x1 and x3 by the midpoint rule, q by bisection.

    Given a = sin(x1) (1 + x3^4/10), P(a + 7 sin^2 x2 <= q) = 2/pi asin(sqrt(c)), c = (q - a)/7 clipped to [0, 1].
    """
    middle = (np.arange(points) + 0.5) / points * np.pi
    a = np.sin(middle - np.pi / 2)[:, None] * (1 + 0.1 * middle**4)
    low, high = -11.0, 18.0
    while high - low > 1e-9:
        q = 0.5 * (low + high)
        below = 2 / np.pi * np.arcsin(np.sqrt(np.clip((q - a) / 7, 0, 1)))
        low, high = (q, high) if below.mean() < level else (low, q)
    return 0.5 * (low + high)


@pytest.mark.counted
def test_ishigami_quantiles_are_covered(known, chaos):
    truths = [ishigami_quantile(level) for level in LEVELS]
    assert truths == pytest.approx([ishigami_quantile(level, 250) for level in LEVELS], abs=2e-3)  # its stated error
    covered = np.zeros(3)
    for seed in SEEDS:
        found = asked(
            known,
            known.ishigami,
            [chaos],
            seed=seed,
            law=known.law,
            of="y",
            runs=1000,
            surrogate_runs=8192,
        )
        covered += [e.low <= value <= e.high for e, value in zip(found, truths, strict=True)]
    assert covered.min() >= known.least_covered(len(SEEDS))


def test_everything_failed_is_an_error(known):
    with pytest.raises(EstimationError, match="nothing can be said"):
        asked(known, known.model(lambda u: np.nan * u[:, 0]), runs=100)
