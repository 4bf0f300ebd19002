"""Replicated Latin hypercubes: layout, strata, variance, coverage, looks."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.estimators.latin_hypercube import LatinHypercube, layout
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sobol import SobolIntegrand
from surecast.study.errors import EstimationError

WHOLE = 10**6


def test_layout_uses_the_runs_up():
    for rows in range(16, 5000, 37):
        replicates, points = layout(rows, 32)
        assert replicates >= 32 or points == 2
        assert replicates >= 8
        assert rows - points < replicates * points <= rows
    with pytest.raises(EstimationError, match="too few for 8 Latin hypercubes") as error:
        layout(15, 32)
    assert "`runs`" in error.value.remedy


def test_every_hypercube_has_one_run_in_each_stratum(known):
    seen = []

    def truth(inputs):
        seen.append(np.stack([inputs[name].values for name in known.law.names], axis=1))
        return known.ishigami(inputs)

    found = LatinHypercube().estimate(MomentsIntegrand(known.law, ["y"]), known.task(truth, runs=1000, chunk=100))
    assert found[0].simulator_runs == 32 * 31
    cubes = np.concatenate(seen).reshape(32, 31, 3)
    strata = np.floor((cubes / np.pi + 1) / 2 * 31).astype(int)
    assert (np.sort(strata, axis=1) == np.arange(31)[None, :, None]).all()
    assert found[0].diagnostics == {"hypercubes": 32.0, "points": 31.0}


def test_numbers_do_not_depend_on_chunks_or_on_looks(known):
    def value(**more):
        return LatinHypercube().estimate(
            MomentsIntegrand(known.law, ["y"]), known.task(known.ishigami, runs=640, **more)
        )[0]

    assert value(chunk=7) == value(chunk=640)
    assert value(tolerance=1e-9).value == value().value


def test_an_additive_output_is_found_at_once(known):
    """The mean of a sum: variance of order m^-3 instead of m^-1."""
    law, truth = known.normals(3), known.model(lambda u: u.sum(axis=1))
    task = known.task(truth, runs=1600)
    mean, plain = (e.estimate(MomentsIntegrand(law, ["g"]), task)[0] for e in (LatinHypercube(), MonteCarlo()))
    assert mean.standard_error < 0.15 * plain.standard_error
    assert mean.low <= 0 <= mean.high


def test_looks_are_at_numbers_of_hypercubes(known):
    sizes = set()
    for tolerance in (0.5, 0.2, 0.1, 1e-9):
        task = known.task(known.ishigami, runs=64 * 20, tolerance=tolerance)
        sizes.add(LatinHypercube(replicates=64).estimate(MomentsIntegrand(known.law, ["y"]), task)[0].simulator_runs)
    assert sizes <= {160, 320, 640, 1280}
    assert len(sizes) > 1


def test_ishigami_is_covered(known):
    """Mean, variance, first and total indices, 100 seeds; probability of an event beside them."""
    groups = {name: (name,) for name in known.law.names}
    integrands = [
        (MomentsIntegrand(known.law, ["y"]), 1024),
        (SobolIntegrand(known.law, ["y"], groups), 4096),
        (ExceedanceIntegrand(known.law, "y > 0"), 512),
    ]
    event = known.ishigami(known.law.from_uniform(np.random.default_rng(0).random((10**6, 3))))["y"].values > 0
    truths = {**known.values, "probability": float(event.mean())}  # +-0.0004, the intervals are 0.07 wide
    covered = dict.fromkeys(truths, 0)
    for seed in range(100):
        for integrand, runs in integrands:
            task = known.task(known.ishigami, runs=runs, seed=seed, chunk=WHOLE)
            for found in LatinHypercube().estimate(integrand, task):
                covered[found.statistic.name] += found.low <= truths[found.statistic.name] <= found.high
                assert found.verdict == "certified"
    print(covered)
    assert min(covered.values()) >= known.least_covered(100)
