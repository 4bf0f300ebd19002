"""The paper's integrals against closed forms and reference values, at a hundredth of its size."""

from __future__ import annotations

import numpy as np

from surecast.papers.aiscv import estimated, hundred_laws, indices, moments, pick_freeze, saltelli
from surecast.simulate.problems.beam import BEAM
from surecast.simulate.problems.beam_laws import BEAM_LAWS
from surecast.study.seeds import generator


def test_ten_moments_with_two_thousand_points():
    true = np.array([float(np.prod(np.arange(1.0, 2.0 * j, 2.0))) for j in range(1, 11)])
    errors = np.array([estimated(moments(), 2000, seed, "test") for seed in range(3)]) / true - 1
    assert np.square(errors).mean(axis=0).sum() < 497.5 / 100


def test_indices_of_exact_means_are_the_reference():
    mean, variance = BEAM.reference["mean"], BEAM.reference["variance"]
    first = np.array([BEAM.reference[f"first[{name}]"] for name in BEAM.law.names])
    assert np.allclose(indices(np.array([*(first * variance + mean**2), mean, variance + mean**2])), first)
    z = generator(0, "tests", "aiscv").standard_normal((20_000, 12))
    assert np.abs(saltelli(np.random.default_rng(1).random((2**14, 12))) - first).max() < 0.05
    assert np.abs(pick_freeze().functions(z)[:, 6].mean() / mean - 1) < 0.02


def test_the_laws_densities_are_those_of_their_draws():
    targets = hundred_laws()
    assert targets.laws == 100
    normals = generator(1, "tests", "aiscv").standard_normal((4000, 6))
    z = targets.draw_law(4, normals)
    log_laws = targets.log_laws(z)
    # Drawn from law 4, the study's own law has the mean weight 1; the mean deflection is that of the law.
    base = -0.5 * ((z * z).sum(axis=1) + 6 * np.log(2 * np.pi))
    assert np.exp(base - log_laws[:, 4]).mean() < 1.5
    reference = BEAM_LAWS.reference["law_005"]
    assert abs(targets.functions(z).mean() / reference - 1) < 0.05
