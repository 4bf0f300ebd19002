import numpy as np
import pytest
from scipy.stats import qmc

from surecast.study.bases import Family, evaluate, index_set
from surecast.train.models.chaos import Expansion, fit_expansion, select

SETTINGS = {"degree": 12, "norm": 0.75, "most": 4000, "selection": "lars"}
LEGENDRE: tuple[Family, ...] = ("legendre",) * 3


def ishigami(u: np.ndarray, a: float = 7.0, b: float = 0.1) -> np.ndarray:
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize("selection", ["lars", "omp"])
@pytest.mark.parametrize("family", ["hermite", "legendre"])
def test_a_sparse_polynomial_is_found_exactly(selection: str, family: Family) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(80, 4)) if family == "legendre" else rng.normal(size=(80, 4))
    indices = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 3, 0, 0], [1, 0, 1, 0]], dtype=np.int16)
    truth = Expansion(indices, np.array([2.0, 1.0, -0.5, 0.25]), (family,) * 4)
    found, _ = fit_expansion(points, truth(points), (family,) * 4, **{**SETTINGS, "selection": selection})
    assert found.mean == pytest.approx(2.0, rel=1e-10)
    assert found.variance == pytest.approx(1.0 + 0.25 + 0.0625, rel=1e-10)
    np.testing.assert_allclose(found.sobol([0]), (1 / 1.3125, 1.0625 / 1.3125), rtol=1e-9)
    np.testing.assert_allclose(found.sobol([1]), (0.25 / 1.3125, 0.25 / 1.3125), rtol=1e-9)
    np.testing.assert_allclose(found.sobol([0, 2]), (1.0625 / 1.3125,) * 2, rtol=1e-9)
    np.testing.assert_allclose(found.sobol([3]), 0.0, atol=1e-18)
    assert found.sobol([0, 1, 2, 3]) == pytest.approx((1.0, 1.0))


def test_moments_and_sobol_indices_of_the_ishigami_function() -> None:
    """Closed forms: Ishigami, Homma (1990); variance a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2."""
    a, b = 7.0, 0.1
    points = qmc.Sobol(3, seed=1).random(512)
    found, course = fit_expansion(points, ishigami(points), LEGENDRE, **SETTINGS)
    first = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    second, third = a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = first + second + third
    assert found.mean == pytest.approx(a / 2, rel=2e-3)
    assert found.variance == pytest.approx(variance, rel=5e-3)
    np.testing.assert_allclose(found.sobol([0]), (first / variance, (first + third) / variance), atol=5e-3)
    np.testing.assert_allclose(found.sobol([1]), (second / variance, second / variance), atol=5e-3)
    np.testing.assert_allclose(found.sobol([2]), (0.0, third / variance), atol=5e-3)
    assert min(course.errors) < 1e-3
    new = np.random.default_rng(2).uniform(size=(2000, 3))
    assert np.mean((found(new) - ishigami(new)) ** 2) < 2e-3 * variance


def test_the_leave_one_out_error_is_that_of_leaving_one_out() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(25, 2))
    indices = index_set(2, 2)
    assert indices is not None
    matrix = np.stack(list(evaluate(indices, ("hermite", "hermite"), points)), axis=1)
    values = rng.normal(size=25)
    order = list(range(4))
    errors = []
    for out in range(25):
        rest = np.arange(25) != out
        coefficients = np.linalg.lstsq(matrix[rest][:, order], values[rest], rcond=None)[0]
        errors.append((values[out] - matrix[out, order] @ coefficients) ** 2)
    correction = 25 / 21 * (1 + np.trace(np.linalg.inv(matrix[:, order].T @ matrix[:, order])))
    # With one length only to choose from, the error reported is that of all four terms.
    trials = [select(matrix, values, order[:length])[1] for length in (1, 2, 3, 4)]
    assert min(trials) == trials[-1] or trials[-1] == select(matrix, values, order)[1]
    full = np.mean(errors) / values.var() * correction
    assert select(matrix, 1e6 * matrix[:, 3] + values, order)[1] * (1e6 * matrix[:, 3] + values).var() == pytest.approx(
        full * values.var(), rel=1e-6
    )


def test_a_term_that_repeats_another_is_left_out() -> None:
    rng = np.random.default_rng(4)
    column = rng.normal(size=30)
    matrix = np.stack((np.ones(30), column, column), axis=1)
    kept, error = select(matrix, 1 + 2 * column, [0, 1, 2])
    assert kept == [0, 1]
    assert error < 1e-20


def test_a_constant_has_no_variance() -> None:
    points = np.random.default_rng(0).uniform(size=(30, 3))
    found, _ = fit_expansion(points, np.full(30, 4.0), LEGENDRE, **SETTINGS)
    assert found.mean == pytest.approx(4.0)
    assert found.variance < 1e-25
    assert found(points) == pytest.approx(4.0)


def test_noise_is_not_fitted() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal(size=(60, 10))
    found, _ = fit_expansion(points, rng.normal(size=60), ("hermite",) * 10, **SETTINGS)
    assert len(found.coefficients) < 15


def test_a_run_has_the_same_bits_whatever_its_neighbours() -> None:
    points = qmc.Sobol(3, seed=1).random(64)
    found, _ = fit_expansion(points, ishigami(points), LEGENDRE, **SETTINGS)
    together = found(points)
    assert all(found(points[i : i + 1])[0] == together[i] for i in range(64))
