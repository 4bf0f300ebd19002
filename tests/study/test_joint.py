"""The joint law: Gaussian copula, round trips, densities, datasets, fields on grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from surecast.study.errors import EstimationError, StudyError
from surecast.study.kinds import resolve
from surecast.study.laws.joint import JointLaw
from surecast.study.settings import Correlation


def law(kind: str, **settings: Any) -> Any:
    return resolve("laws", kind)(**settings)


def joint(*correlations: tuple[str, str, float]) -> JointLaw:
    laws = {
        "field": law("gaussian_field", variance=1.0, length=0.3, terms=5),
        "a": law("uniform", low=0.0, high=2.0, units="m", long_name="first length"),
        "b": law("lognorm", s=0.5),
        "c": law("norm", loc=1.0, scale=3.0),
        "d": law("expon"),
    }
    return JointLaw(laws, [Correlation(between=[i, j], value=value) for i, j, value in correlations])


LINKED = (("a", "b", 0.6), ("c", "b", -0.3))


def normals(count: int, dimension: int, seed: int = 1) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((count, dimension))


def test_shape_of_the_inputs() -> None:
    """One variable per input, dimension run, columns in order, units and law in attributes."""
    one = joint(*LINKED)
    inputs = one.from_normal(normals(7, one.dimension))
    assert one.dimension == 9
    assert one.columns["field"] == slice(0, 5)
    assert one.columns["d"] == slice(8, 9)
    assert inputs["field"].dims == ("run", "field_term")
    assert inputs["a"].dims == ("run",)
    assert inputs["a"].attrs["units"] == "m"
    assert inputs["a"].attrs["long_name"] == "first length"
    assert '"kind":"lognorm"' in inputs["b"].attrs["law"]
    assert all({"units", "long_name", "law"} <= set(variable.attrs) for variable in inputs.values())
    assert one.dependent == [{"a", "b", "c"}]


@pytest.mark.parametrize("correlations", [(), LINKED])
def test_round_trips(correlations: tuple[tuple[str, str, float], ...]) -> None:
    """Normals and uniforms come back through the inputs, correlated or not."""
    one = joint(*correlations)
    z = normals(200, one.dimension)
    np.testing.assert_allclose(one.to_normal(one.from_normal(z)), z, atol=1e-9)
    u = stats.norm.cdf(z)
    np.testing.assert_allclose(one.to_uniform(one.from_uniform(u)), u, atol=1e-9)
    np.testing.assert_allclose(one.from_uniform(u)["b"], one.from_normal(z)["b"], rtol=1e-9)


def test_correlations_recovered() -> None:
    """The normals behind the inputs correlate as asked; those not named do not."""
    one = joint(*LINKED)
    inputs = one.from_normal(normals(40_000, one.dimension))
    behind = np.concatenate([one.laws[name].to_normal(inputs[name].values) for name in "abcd"], axis=1)
    expected = [[1, 0.6, 0, 0], [0.6, 1, -0.3, 0], [0, -0.3, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(np.corrcoef(behind.T), expected, atol=0.02)


def test_marginals_stay() -> None:
    """A copula changes no marginal law."""
    one = joint(*LINKED)
    inputs = one.from_normal(normals(4000, one.dimension, seed=4))
    for name, parent in {"a": stats.uniform(0, 2), "b": stats.lognorm(0.5), "c": stats.norm(1, 3)}.items():
        assert stats.kstest(inputs[name].values, parent.cdf).pvalue > 1e-3


def test_density_of_correlated_normals_is_the_multivariate_one() -> None:
    """For normal marginals the copula is the multivariate normal law."""
    laws = {"a": law("norm", loc=1.0, scale=2.0), "b": law("normal", mean=-1.0, standard_deviation=0.5)}
    one = JointLaw(laws, [Correlation(between=["a", "b"], value=0.7)])
    inputs = one.from_normal(normals(50, 2))
    covariance = np.array([[4, 0.7], [0.7, 0.25]])
    expected = stats.multivariate_normal([1, -1], covariance).logpdf(np.stack([inputs["a"], inputs["b"]], axis=1))
    np.testing.assert_allclose(one.log_density(inputs), expected, rtol=1e-10)


def test_density_of_a_copula_integrates_to_one() -> None:
    """Two correlated inputs of other laws."""
    one = JointLaw(
        {"a": law("uniform", low=0.0, high=2.0), "b": law("expon")}, [Correlation(between=["b", "a"], value=-0.5)]
    )
    import xarray as xr

    def density(b: float, a: float) -> float:
        return float(np.exp(one.log_density(xr.Dataset({"a": ("run", [a]), "b": ("run", [b])}))[0]))

    total, _ = integrate.dblquad(density, 0.05, 1.95, 0.05, 3, epsabs=1e-3)
    u = stats.norm.cdf(normals(100_000, 2, seed=9))
    inside = one.from_uniform(u)
    share = ((inside["a"] > 0.05) & (inside["a"] < 1.95) & (inside["b"] > 0.05) & (inside["b"] < 3)).mean()
    assert total == pytest.approx(float(share), abs=0.005)


def test_bits_do_not_depend_on_neighbours() -> None:
    """Each run alone, in any company and order, has the same inputs and fields."""
    one = joint(*LINKED)
    z = normals(33, one.dimension)
    x = (np.arange(8) + 0.5) / 8
    grids = {"field": {"y": x, "x": x}}
    together = one.realise(one.from_normal(z), grids)
    for run in (0, 17, 32):
        alone = one.realise(one.from_normal(z[run : run + 1]), grids)
        for name in together.data_vars:
            assert alone[name].values.tobytes() == together[name].isel(run=[run]).values.tobytes()


def test_realise() -> None:
    """Fields take their coordinates and keep their name; the other inputs are as they were."""
    one = joint()
    inputs = one.from_normal(normals(3, one.dimension))
    grid = {"y": np.array([0.1, 0.9]), "x": np.array([0.2, 0.5, 0.7])}
    realised = one.realise(inputs, {"field": grid})
    assert realised["field"].dims == ("run", "y", "x")
    np.testing.assert_array_equal(realised["field"]["x"], grid["x"])
    np.testing.assert_array_equal(realised["a"], inputs["a"])
    assert inputs["field"].dims == ("run", "field_term")
    with pytest.raises(StudyError, match="wants 'a' as a field"):
        one.realise(inputs, {"a": grid})
    with pytest.raises(StudyError, match="set dimensions: 1"):
        one.realise(inputs, {"field": {"x": grid["x"]}})


def test_discrete_laws_are_refused_by_name() -> None:
    """An estimator that needs normals says which input it cannot treat."""
    one = JointLaw({"a": law("norm"), "die": law("integer", low=1, high=6)})
    assert not one.continuous
    with pytest.raises(EstimationError, match="importance_sampling cannot treat input 'die', whose law 'integer'"):
        one.require_continuous("importance_sampling")
    with pytest.raises(EstimationError, match="'die'"):
        one.from_normal(normals(2, 2))
    inputs = one.from_uniform(stats.norm.cdf(normals(10, 2)))
    np.testing.assert_allclose(one.log_density(inputs), stats.norm.logpdf(inputs["a"]) - np.log(6))


@pytest.mark.parametrize(
    ("correlations", "words"),
    [
        ([("a", "z", 0.5)], "there is no input 'z'"),
        ([("a", "field", 0.5)], "cannot be correlated"),
        ([("a", "b", 0.5), ("b", "a", 0.4)], "correlated twice"),
        ([("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.9)], "not positive definite"),
    ],
)
def test_impossible_correlations(correlations: list[tuple[str, str, float]], words: str) -> None:
    """Each is refused in words."""
    with pytest.raises(StudyError, match=words):
        joint(*correlations)
