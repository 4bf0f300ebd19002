import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from surecast.study.errors import TrainingError
from surecast.train.models.gaussian_process_fit import fit_process, wants_logarithm
from surecast.train.models.likelihood import NegativeLikelihood
from surecast.train.models.process import Process

KERNELS = {"matern52": Matern([1.0, 2.0, 3.0], nu=2.5), "squared_exponential": RBF([1.0, 2.0, 3.0])}
both = pytest.mark.parametrize("covariance", KERNELS)


def samples(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    points = np.random.default_rng(0).normal(size=(n, 3))
    return points, np.sin(points[:, 0]) + 0.5 * points[:, 1] ** 2


@both
def test_likelihood_and_gradient_are_those_of_scikit_learn(covariance: str) -> None:
    points, values = samples(30)
    kernel = ConstantKernel(1.3) * KERNELS[covariance] + WhiteKernel(1e-3)
    model = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(points, values)
    theirs, slope = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    ours, gradient = NegativeLikelihood(points, values, covariance)(model.kernel_.theta)
    assert ours == pytest.approx(-theirs, rel=1e-12)
    np.testing.assert_allclose(gradient, -slope, rtol=1e-8, atol=1e-8)


@both
def test_predictions_are_those_of_scikit_learn(covariance: str) -> None:
    points, values = samples()
    values = values + 0.1 * np.random.default_rng(2).normal(size=len(values))  # keeps the matrix well conditioned
    process, _ = fit_process(points, values, covariance, False, 20)
    kernel = ConstantKernel(process.amplitude) * KERNELS[covariance] + WhiteKernel(process.noise)
    theta = np.log([process.amplitude, *process.lengths, process.noise])
    model = GaussianProcessRegressor(kernel.clone_with_theta(theta), alpha=0.0, optimizer=None)
    model.fit(points, (values - values.mean()) / values.std())
    new = np.random.default_rng(1).normal(size=(50, 3))
    mean, deviation = model.predict(new, return_std=True)
    np.testing.assert_allclose(process.mean(new), values.mean() + values.std() * mean, rtol=1e-9)
    latent = np.sqrt(np.maximum(deviation**2 - process.noise, 0.0)) * values.std()  # theirs is of a noisy observation
    np.testing.assert_allclose(process.deviation(new), latent, rtol=1e-4, atol=1e-7)


def test_one_point_has_the_closed_form() -> None:
    lengths, c, v, y = np.array([2.0]), 1.5, 0.25, 0.7
    process = Process("squared_exponential", np.zeros((1, 1)), np.array([y / (c + v)]), lengths, c, v, 0.0, 1.0, False)
    z = np.array([[0.0], [1.0], [3.0]])
    k = c * np.exp(-0.5 * (z[:, 0] / 2.0) ** 2)
    np.testing.assert_allclose(process.mean(z), k * y / (c + v), rtol=1e-14)
    np.testing.assert_allclose(process.deviation(z), np.sqrt(c - k**2 / (c + v)), rtol=1e-14)


def test_a_smooth_function_is_learnt_and_the_error_is_as_large_as_stated() -> None:
    points, values = samples(200)
    process, course = fit_process(points, values, "matern52", False, 50)
    new = np.random.default_rng(1).normal(size=(500, 3))
    error = process.mean(new) - (np.sin(new[:, 0]) + 0.5 * new[:, 1] ** 2)
    assert np.sqrt(np.mean(error**2)) < 0.03 * values.std()
    assert np.mean(np.abs(error) < 3 * process.deviation(new)) > 0.95
    assert course == sorted(course, reverse=True)
    assert process.lengths[2] > 5 * process.lengths[:2].max()  # the third variable does not matter


def test_logarithms_give_the_moments_of_the_log_normal_law() -> None:
    points, values = samples()
    process, _ = fit_process(points, np.exp(values), "matern52", True, 20)
    new = np.random.default_rng(1).normal(size=(5, 3))
    draws = np.random.default_rng(2).normal(size=400_000)
    for row in range(5):
        point = new[row : row + 1]
        sample = np.exp(process.latent(point) + process.latent_deviation(point) * draws)
        assert process.mean(point)[0] == pytest.approx(np.median(sample), rel=0.01)
        assert process.deviation(point)[0] == pytest.approx(sample.std(), rel=0.02)


def test_a_run_has_the_same_bits_whatever_its_neighbours() -> None:
    points, values = samples()
    process, _ = fit_process(points, values, "matern52", False, 5)
    new = np.random.default_rng(1).normal(size=(37, 3))
    together = process.mean(new)
    assert all(process.mean(new[i : i + 1])[0] == together[i] for i in range(len(new)))
    assert (process.mean(new[::-1])[::-1] == together).all()


def test_the_fit_is_the_same_every_time() -> None:
    first, second = (fit_process(*samples(), "matern52", False, 20)[0] for _ in range(2))
    assert (first.weights == second.weights).all()
    assert (first.lengths == second.lengths).all()


def test_a_constant_output_is_predicted_as_constant() -> None:
    points, _ = samples(20)
    process, _ = fit_process(points, np.full(20, 3.0), "matern52", False, 5)
    np.testing.assert_allclose(process.mean(points + 1.0), 3.0)


def test_the_logarithm_is_taken_where_it_is_less_skewed() -> None:
    normal = np.random.default_rng(0).normal(size=300)
    assert wants_logarithm(np.exp(normal), "auto", "y")
    assert not wants_logarithm(normal + 20, "never", "y")
    assert not wants_logarithm(normal, "auto", "y")
    assert not wants_logarithm(10 + np.linspace(0, 9, 300), "auto", "y")
    with pytest.raises(TrainingError, match=r"y has training values that are not positive.*logarithm: auto"):
        wants_logarithm(normal, "always", "y")
