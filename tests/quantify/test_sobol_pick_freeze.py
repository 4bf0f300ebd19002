"""Indices of every kind from pick-freeze rows against closed forms."""

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.monte_carlo import sample_pseudo_values
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import observe_rows, run_seeds, uniforms
from surecast.quantify.sobol import Sobol
from surecast.study.errors import EstimationError
from surecast.study.laws.continuous import Normal
from surecast.study.laws.joint import JointLaw
from surecast.study.settings import Correlation

SEED = np.random.SeedSequence(20240)


def values_of(integrand, model, rows, noisy=False):
    seeds = run_seeds(SEED, 0, rows, integrand.runs_per_row) if noisy else None
    drawn = uniforms(SEED, 0, rows, integrand.row_dimension)
    observed = observe_rows(model, integrand, drawn, label="", chunk=1 << 15, seeds=seeds)
    summands, function = integrand.summands(observed)
    return dict(zip([s.name for s in integrand.statistics], function(summands.mean(axis=0)), strict=True)), observed


def single(law):
    return {name: (name,) for name in law.names}


def gaussians(correlation=0.0):
    laws = {name: Normal(mean=0, standard_deviation=s) for name, s in (("x1", 1.0), ("x2", 1.0), ("x3", 2.0))}
    return JointLaw(laws, [Correlation(between=["x2", "x3"], value=correlation)] if correlation else [])


def total(inputs):
    return xr.Dataset({"y": ("run", sum(inputs[name].values for name in ("x1", "x2", "x3")))})


@pytest.mark.parametrize("formula", ["adaptive", "saltelli", "jansen", "janon"])
def test_every_formula_finds_the_indices_of_ishigami(known, formula):
    integrand = SobolIntegrand(known.law, ["y"], single(known.law), formula=formula)
    found, _ = values_of(integrand, known.ishigami, 20000)
    assert all(abs(found[name] - known.values[name]) < 0.04 for name in found)


def test_second_order_indices_and_shapley_effects_of_ishigami(known):
    measures = ("first", "total", "second", "shapley")
    integrand = SobolIntegrand(known.law, ["y"], single(known.law), measures)
    assert integrand.runs_per_row == 2 + 3 + 3 + 2
    found, _ = values_of(integrand, known.ishigami, 20000)
    interaction = known.values["total[x3]"]
    assert abs(found["second[x1,x3]"] - interaction) < 0.02
    assert abs(found["second[x1,x2]"]) < 0.02
    assert abs(found["second[x2,x3]"]) < 0.02
    effects = [known.values["first[x1]"] + interaction / 2, known.values["first[x2]"], interaction / 2]
    shares = [found[f"shapley[{name}]"] for name in known.law.names]
    assert np.allclose(shares, effects, atol=0.02)
    assert abs(sum(shares) - 1) < 0.02


def test_pairs_without_interaction_are_exactly_zero_row_by_row():
    law = gaussians()
    integrand = SobolIntegrand(law, ["y"], single(law), ("second",))
    model = lambda inputs: xr.Dataset({"y": inputs["x1"] ** 2})  # noqa: E731
    found, _ = values_of(integrand, model, 50)
    assert abs(found["second[x2,x3]"]) < 1e-12


def test_total_indices_of_inputs_that_do_next_to_nothing_are_seen_in_every_row():
    # y = x1 + 1e-4 x2: T_2 = 1e-8/(1 + 1e-8), a mean of squared differences, whatever x1's noise says of S_2.
    law = gaussians()
    integrand = SobolIntegrand(law, ["y"], single(law), ("first", "total"))
    model = lambda inputs: xr.Dataset({"y": inputs["x1"] + 1e-4 * inputs["x2"]})  # noqa: E731
    misses = []
    for seed in range(200):
        drawn = uniforms(np.random.SeedSequence([20240, seed]), 0, 100, integrand.row_dimension)
        observed = observe_rows(model, integrand, drawn, label="", chunk=1 << 15)
        one, none = (sample_pseudo_values(integrand, observed)[:, place] for place in (4, 5))
        assert np.abs(none).max() < 1e-12
        assert one.std() < 1e-7
        misses.append(abs(one.mean() - 1e-8) > 2 * one.std(ddof=1) / 10)
    assert np.mean(misses) < 0.12


def test_shapley_effects_of_dependent_inputs():
    # A sum of Gaussians, two of them correlated: Iooss and Prieur 2019, section 3.2.
    rho, s2, s3 = 0.7, 1.0, 2.0
    law = gaussians(rho)
    found, _ = values_of(SobolIntegrand(law, ["y"], single(law), ("shapley",)), total, 60000)
    variance = 1 + s2**2 + s3**2 + 2 * rho * s2 * s3
    effects = [
        1.0,
        s2**2 * (1 - rho**2 / 2) + rho * s2 * s3 + s3**2 * rho**2 / 2,
        s3**2 * (1 - rho**2 / 2) + rho * s2 * s3 + s2**2 * rho**2 / 2,
    ]
    assert np.allclose(list(found.values()), np.array(effects) / variance, atol=0.012)


def test_chains_follow_the_conditional_law():
    law = gaussians(0.7)
    integrand = SobolIntegrand(law, ["y"], single(law), ("shapley",))
    runs = integrand.runs(uniforms(SEED, 0, 4000, integrand.row_dimension))
    for slot in range(integrand.runs_per_row):
        inputs = law.from_uniform(runs[:, slot])
        assert abs(np.corrcoef(inputs["x2"].values, inputs["x3"].values)[0, 1] - 0.7) < 0.03
        assert abs(inputs["x3"].values.std() - 2) < 0.1


def test_noise_is_a_group_and_leaves_the_shares_of_the_inputs():
    law = gaussians()

    def noisy(inputs):
        noise = np.array([np.random.default_rng(int(seed)).standard_normal() for seed in inputs["seed"].values])
        return xr.Dataset({"y": ("run", total(inputs)["y"].values + 2 * noise)})

    integrand = SobolIntegrand(law, ["y"], single(law), ("first", "total", "shapley"), noisy=True)
    found, _ = values_of(integrand, noisy, 4000, noisy=True)
    for name, share in (("x1", 0.1), ("x2", 0.1), ("x3", 0.4)):
        assert all(abs(found[f"{measure}[{name}]"] - share) < 0.05 for measure in integrand.measures)
    assert abs(found["total[seed]"] - 0.4) < 0.05


def test_dependent_inputs_have_shapley_effects_and_groups_only():
    law = gaussians(0.5)
    with pytest.raises(EstimationError, match=r"dependent.*first, total.*do not exist"):
        Sobol(of="y").check_law(law)
    with pytest.raises(EstimationError, match="second"):
        Sobol(of="y", indices=["second", "shapley"]).check_law(law)
    Sobol(of="y", indices=["shapley"]).check_law(law)
    Sobol(of="y", groups={"linked": ["x2", "x3"]}).check_law(law)


def test_bad_questions_are_refused():
    with pytest.raises(ValueError, match="named twice"):
        Sobol(of="y", indices=["first", "first"])
    with pytest.raises(ValueError, match="indices"):
        Sobol(of="y", indices=["third"])
    with pytest.raises(EstimationError, match="single group"):
        Sobol(of="y", indices=["shapley"], groups={"all": ["x1", "x2", "x3"]}).check_law(gaussians())
