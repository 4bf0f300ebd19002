"""Laws of one number: round trips, densities against scipy, moments, bits that do not depend on neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from surecast.study.errors import EstimationError
from surecast.study.kinds import names, resolve
from surecast.study.laws.law import Law

PARAMETERS: dict[str, dict[str, Any]] = {
    "uniform": {"low": -1.0, "high": 3.0},
    "normal": {"mean": 2.0, "standard_deviation": 0.5},
    "norm": {"loc": -1.0, "scale": 3.0},
    "lognorm": {"s": 0.4, "scale": 0.5},
    "gamma": {"a": 2.5},
    "beta": {"a": 2.0, "b": 3.0},
    "weibull_min": {"c": 1.5, "scale": 2.0},
    "gumbel_r": {"loc": 1.0},
    "expon": {"scale": 0.1},
    "loguniform": {"a": 0.01, "b": 0.05},
    "t": {"df": 5.0},
    "triang": {"c": 0.3},
    "cauchy": {},
}
UNBOUNDED_ABOVE = ("normal", "norm", "lognorm", "gamma", "weibull_min", "gumbel_r", "expon", "t", "cauchy")
SCIPY = {"uniform": stats.uniform(-1, 4), "normal": stats.norm(2, 0.5)}


def law(kind: str, **extra: Any) -> Law:
    made = resolve("laws", kind)(**(PARAMETERS.get(kind, {}) | extra))
    assert isinstance(made, Law)
    return made


def frozen(kind: str) -> Any:
    return SCIPY.get(kind) or getattr(stats, kind)(**PARAMETERS[kind])


@pytest.mark.parametrize("kind", PARAMETERS)
@given(u=st.floats(1e-12, 1 - 1e-12))
@settings(max_examples=40, deadline=None)
def test_uniform_round_trip(kind: str, u: float) -> None:
    """to_uniform undoes from_uniform, up to the spacing of the values."""
    values = law(kind).from_uniform(np.array([[u]]))
    spacing = np.spacing(np.abs(values)) * np.exp(law(kind).log_density(values))
    np.testing.assert_allclose(law(kind).to_uniform(values)[0, 0], u, rtol=1e-9, atol=4 * float(spacing[0]) + 1e-15)


@pytest.mark.parametrize("kind", UNBOUNDED_ABOVE)
def test_normal_round_trip_into_the_tails(kind: str) -> None:
    """Standard normals come back from 8 standard deviations on either side."""
    z = np.linspace(-8, 8, 65)
    if kind == "expon":  # its lower end is 0, where floats are dense; the others' too
        assert law(kind).from_normal(np.array([[-8.0]]))[0] > 0
    np.testing.assert_allclose(law(kind).to_normal(law(kind).from_normal(z[:, None]))[:, 0], z, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("kind", PARAMETERS)
def test_normals_stay_finite(kind: str) -> None:
    """Values rounded onto the end of a bounded support have large, finite normals of the right sign."""
    z = np.array([-8.0, -3.0, 0.0, 3.0, 8.0])
    back = law(kind).to_normal(law(kind).from_normal(z[:, None]))[:, 0]
    assert np.isfinite(back).all()
    np.testing.assert_allclose(back[1:4], z[1:4], atol=1e-7)
    assert back[0] < -7
    assert back[4] > 7


@pytest.mark.parametrize("kind", PARAMETERS)
def test_density_and_map_are_scipys(kind: str) -> None:
    """Without truncation the law is scipy's."""
    u = np.linspace(0.01, 0.99, 31)
    values = law(kind).from_uniform(u[:, None])
    np.testing.assert_allclose(values, frozen(kind).ppf(u), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(law(kind).log_density(values), frozen(kind).logpdf(values), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["norm", "lognorm", "gamma", "cauchy"])
@pytest.mark.parametrize("ends", [(0.2, 0.6), (0.7, 0.999), (0.5, 1.0), (0.0, 0.3)])
def test_truncation(kind: str, ends: tuple[float, float]) -> None:
    """A truncated law has the density of its parent over the mass kept, integrates to one, and inverts exactly."""
    parent = frozen(kind)
    lower, upper = (float(end) for end in parent.ppf(ends))
    bounds = ({"lower": lower} if ends[0] > 0 else {}) | ({"upper": upper} if ends[1] < 1 else {})
    cut = law(kind, **bounds)
    u = np.linspace(0.001, 0.999, 41)
    values = cut.from_uniform(u[:, None])
    np.testing.assert_allclose(parent.cdf(values), ends[0] + u * (ends[1] - ends[0]), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(cut.to_uniform(values)[:, 0], u, rtol=1e-9)
    np.testing.assert_allclose(cut.log_density(values), parent.logpdf(values) - np.log(ends[1] - ends[0]), rtol=1e-9)
    outside = np.array([end for end in (lower - 1, upper + 1) if np.isfinite(end)])
    assert np.isneginf(cut.log_density(outside)).all()
    if np.isfinite([lower, upper]).all():
        total, _ = integrate.quad(lambda x: np.exp(cut.log_density(np.array([x]))[0]), lower, upper)
        np.testing.assert_allclose(total, 1, rtol=1e-8)


def test_truncation_far_in_a_tail_keeps_its_digits() -> None:
    """Normal above 8: x - 8 is nearly exponential with rate 8; a plain inverse would be all zeros and infinities."""
    cut = law("norm", loc=0.0, scale=1.0, lower=8.0)
    values = cut.from_uniform(np.array([[0.5], [0.9]]))
    expected = stats.norm.isf(stats.norm.sf(8) * np.array([0.5, 0.1]))
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_allclose(cut.to_uniform(values)[:, 0], [0.5, 0.9], rtol=1e-9)


def test_moments() -> None:
    """Mean and variance of 2^14 midpoints are the law's."""
    u = ((np.arange(2**14) + 0.5) / 2**14)[:, None]
    for kind in ("uniform", "normal", "lognorm", "gamma", "beta", "weibull_min"):
        values = law(kind).from_uniform(u)
        np.testing.assert_allclose(values.mean(), frozen(kind).mean(), rtol=1e-3)
        np.testing.assert_allclose(values.var(), frozen(kind).var(), rtol=1e-2)


@pytest.mark.parametrize("kind", PARAMETERS)
def test_bits_do_not_depend_on_neighbours(kind: str) -> None:
    """Each value alone, in any company and order: the same bytes."""
    one = law(kind)
    z = np.random.Generator(np.random.PCG64(1)).standard_normal((101, 1))
    together = one.from_normal(z)
    alone = np.concatenate([one.from_normal(row[None]) for row in z])
    assert together.tobytes() == alone.tobytes()
    assert one.from_normal(z[::-1]).tobytes() == together[::-1].tobytes()
    densities = np.concatenate([one.log_density(together[i : i + 1]) for i in range(101)])
    assert one.log_density(together).tobytes() == densities.tobytes()


def test_every_scipy_distribution_is_a_kind() -> None:
    """All have a class with their own shape parameters."""
    every = {name for name in dir(stats) if isinstance(getattr(stats, name), stats.rv_continuous)}
    assert len(every) > 100
    assert every <= set(names("laws"))
    assert {"a", "b", "loc", "scale", "lower", "upper"} <= set(resolve("laws", "beta").model_fields)


def test_integer() -> None:
    """Every whole number has its share of the uniforms."""
    die = resolve("laws", "integer")(low=1, high=6)
    u = ((np.arange(6000) + 0.5) / 6000)[:, None]
    values = die.from_uniform(u)
    assert values.dtype == np.int64
    assert np.bincount(values).tolist() == [0, *[1000] * 6]
    assert (die.from_uniform(die.to_uniform(values)) == values).all()
    np.testing.assert_allclose(die.log_density(np.array([1, 6, 7, 0])), [-np.log(6)] * 2 + [-np.inf] * 2)
    with pytest.raises(EstimationError, match="'integer' is discrete"):
        die.from_normal(np.zeros((1, 1)))


def test_categorical() -> None:
    """Words become their place in the list, numbers stay; probabilities hold."""
    words = resolve("laws", "categorical")(values=["sand", "clay", "rock"], probabilities=[0.5, 0.3, 0.2])
    u = ((np.arange(1000) + 0.5) / 1000)[:, None]
    values = words.from_uniform(u)
    assert np.bincount(values).tolist() == [500, 300, 200]
    assert words.attributes()["flag_meanings"] == "sand clay rock"
    assert (words.from_uniform(words.to_uniform(values)) == values).all()
    np.testing.assert_allclose(np.exp(words.log_density(np.array([0, 2, 5]))), [0.5, 0.2, 0])
    numbers = resolve("laws", "categorical")(values=[3.0, 1.0])
    np.testing.assert_array_equal(numbers.from_uniform(np.array([[0.2], [0.7]])), [3.0, 1.0])
    np.testing.assert_allclose(numbers.to_uniform(np.array([3.0, 1.0]))[:, 0], [0.25, 0.75])


def empirical(folder: Path, **extra: Any) -> Any:
    kind = resolve("laws", "empirical")
    return kind.model_validate({"table": "rain.csv", "column": "depth"} | extra, context={"folder": folder})


def test_empirical(tmp_path: Path) -> None:
    """Values of the column with their frequencies; an edited table changes the settings' digest."""
    (tmp_path / "rain.csv").write_text("day, depth\n1, 2.5\n2, 1.0\n3, 2.5\n4, 4.0\n")
    rain = empirical(tmp_path)
    u = ((np.arange(400) + 0.5) / 400)[:, None]
    values, counts = np.unique(rain.from_uniform(u), return_counts=True)
    assert values.tolist() == [1.0, 2.5, 4.0]
    assert counts.tolist() == [100, 200, 100]
    np.testing.assert_allclose(np.exp(rain.log_density(np.array([2.5, 3.0]))), [0.5, 0.0])
    assert not rain.continuous
    before = rain.label()
    (tmp_path / "rain.csv").write_text("day, depth\n1, 2.5\n2, 1.0\n3, 2.5\n4, 4.5\n")
    assert empirical(tmp_path).label() != before


def test_empirical_interpolated(tmp_path: Path) -> None:
    """Piecewise linear between sorted values: a density that integrates to one, and normals."""
    (tmp_path / "rain.csv").write_text("depth\n4\n1\n2\n")
    rain = empirical(tmp_path, interpolate=True)
    np.testing.assert_allclose(rain.from_uniform(np.array([[0.25], [0.5], [0.75]])), [1.5, 2.0, 3.0])
    np.testing.assert_allclose(np.exp(rain.log_density(np.array([1.5, 3.0, 5.0]))), [0.5, 0.25, 0.0])
    z = np.array([[-1.0], [0.3], [2.0]])
    np.testing.assert_allclose(rain.to_normal(rain.from_normal(z)), z, rtol=1e-9)
