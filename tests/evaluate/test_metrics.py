"""Metrics against values by hand, against scikit-learn, and against Parseval's identity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_squared_error, r2_score

from surecast.evaluate import metrics
from surecast.study.errors import DataError


def fields(runs: int = 6, shape: tuple[int, ...] = (8, 10), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.standard_normal((runs, *shape))
    return truth, truth + 0.1 * generator.standard_normal((runs, *shape))


def test_relative_l2_by_hand():
    truth = np.array([[3.0, 4.0], [0.0, 2.0]])
    prediction = np.array([[3.0, 5.0], [0.5, 2.0]])
    np.testing.assert_allclose(metrics.relative_l2(truth, prediction), [1 / 5, 0.5 / 2], rtol=1e-15)


def test_relative_l2_is_the_mean_of_ratios_and_not_the_ratio_of_means():
    truth = np.array([[1.0, 0.0], [100.0, 0.0]])
    prediction = np.array([[2.0, 0.0], [100.0, 0.0]])
    assert np.mean(metrics.relative_l2(truth, prediction)) == pytest.approx(0.5)


def test_relative_l2_of_a_truth_that_is_zero_is_undefined():
    assert np.isnan(metrics.relative_l2(np.zeros((1, 3)), np.ones((1, 3))))[0]


def test_rmse_and_maximum_error_by_hand_and_as_scikit_learn():
    truth = np.array([[1.0, 2.0], [3.0, 4.0]])
    prediction = np.array([[1.0, 2.0], [3.0, 0.0]])
    assert metrics.rmse(truth, prediction) == pytest.approx(2.0)
    assert metrics.maximum_error(truth, prediction) == 4.0
    truth, prediction = fields()
    assert metrics.rmse(truth, prediction) == pytest.approx(
        mean_squared_error(truth.ravel(), prediction.ravel()) ** 0.5
    )


def test_scalar_metrics_by_hand_and_as_scikit_learn():
    truth, prediction = np.array([1.0, 2.0, 2.0]), np.array([1.0, 2.0, 5.0])
    assert metrics.relative_rmse(truth, prediction) == pytest.approx(1.0)
    generator = np.random.default_rng(3)
    truth = generator.standard_normal(50)
    prediction = truth + 0.3 * generator.standard_normal(50)
    slope, intercept = np.polyfit(prediction, truth, 1)
    # r^2 of the regression of the truth on the prediction is the squared correlation.
    expected = r2_score(truth, slope * prediction + intercept)
    assert metrics.squared_correlation(truth, prediction) == pytest.approx(expected, rel=1e-12)
    assert metrics.squared_correlation(truth, 7 - 2 * truth) == pytest.approx(1.0)
    assert np.isnan(metrics.squared_correlation(truth, np.ones(50)))


@pytest.mark.parametrize(
    ("shape", "periodic"),
    [
        ((31,), [True]),
        ((32,), [False]),
        ((30, 33), [False, False]),
        ((30, 32), [True, False]),
        ((9, 8, 10), [False] * 3),
    ],
)
def test_band_errors_add_up_to_the_relative_l2(shape, periodic):
    truth, prediction = fields(3, shape)
    bands = metrics.band_error(truth, prediction, periodic)
    total = np.sqrt(np.nansum(bands**2, axis=1))
    np.testing.assert_allclose(total, metrics.relative_l2(truth, prediction), rtol=1e-12)


@pytest.mark.parametrize(("wave", "band"), [(2, 0), (4, 0), (5, 1), (12, 1), (13, 2), (20, 2)])
@pytest.mark.parametrize("periodic", [True, False])
def test_one_wave_lies_in_its_band(wave, band, periodic):
    n = 64
    x = (np.arange(n) + 0.5) / n
    error = np.cos(2 * np.pi * wave * x)  # cosine mode 2 * wave, Fourier mode wave
    truth = np.full((1, n), 2.0)
    found = metrics.band_error(truth, truth + error, [periodic])[0]
    expected = np.zeros(3)
    expected[band] = np.sqrt(0.5) / 2  # ||cos|| = sqrt(n / 2), ||2|| = 2 sqrt(n)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_radial_wave_numbers_join_two_dimensions():
    n = 64
    x = (np.arange(n) + 0.5) / n
    mode = np.cos(np.pi * 6 * x)[None, :, None] * np.cos(np.pi * 8 * x)[None, None, :]  # 3 and 4 cycles: radius 5
    found = metrics.band_relative_error(mode, 0.75 * mode, [False, False])[0]
    assert found[1] == pytest.approx(0.25)
    radius = metrics.wave_numbers((n, n), [False, False])
    assert radius[6, 8] == 5.0
    assert metrics.wave_numbers((8,), [True]).tolist() == [0, 1, 2, 3, 4, 3, 2, 1]


def test_a_ramp_has_no_high_waves_under_the_cosine_transform():
    """A Fourier transform would see a jump at the border: the reason for the cosine transform."""
    ramp = np.linspace(0.0, 1.0, 128)[None]
    cosine, fourier = (metrics.band_energy(ramp, [periodic])[0] for periodic in (False, True))
    assert cosine.sum() == pytest.approx(fourier.sum())
    assert cosine[2] < fourier[2] / 500


def test_a_band_above_the_grid_is_not_a_number():
    truth, prediction = fields(2, (16,))
    assert np.isnan(metrics.band_error(truth, prediction, [False])[:, 2]).all()
    assert np.isfinite(metrics.band_error(truth, prediction, [False])[:, :2]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))
def test_batches_change_no_bit(runs, batch, seed):
    truth, prediction = fields(runs, (7, 9), seed)
    for metric in (
        metrics.relative_l2,
        lambda u, v: metrics.band_error(u, v, [False, True]),
        lambda u, v: metrics.band_relative_error(u, v, [False, False]),
    ):
        pieces = [metric(truth[i : i + batch], prediction[i : i + batch]) for i in range(0, runs, batch)]
        assert np.concatenate(pieces).tobytes() == metric(truth, prediction).tobytes()


def test_memory_layout_and_precision_of_the_arrays_do_not_matter():
    truth, prediction = (array.astype(np.float32) for array in fields())
    expected = metrics.relative_l2(truth, prediction)
    assert metrics.relative_l2(np.asfortranarray(truth), np.asfortranarray(prediction)).tobytes() == expected.tobytes()
    assert metrics.relative_l2(truth.astype(float), prediction.astype(float)).tobytes() == expected.tobytes()


def test_over_seeds_is_the_sample_standard_deviation():
    mean, spread = metrics.over_seeds([[1.0, 2.0], [3.0, 2.0]])
    np.testing.assert_allclose(mean, [2.0, 2.0])
    np.testing.assert_allclose(spread, [np.sqrt(2.0), 0.0])
    mean, spread = metrics.over_seeds([[1.0, 2.0]])
    np.testing.assert_allclose(mean, [1.0, 2.0])
    assert np.isnan(spread).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.relative_l2(np.ones((2, 3)), np.ones((2, 4))), r"shape \(2, 3\) and prediction \(2, 4\)"),
        (lambda: metrics.rmse(np.ones((0, 3)), np.ones((0, 3))), "nothing to compare"),
        (lambda: metrics.squared_correlation(np.ones((2, 3)), np.ones((2, 3))), "nothing to compare"),
        (
            lambda: metrics.band_error(np.ones((2, 3)), np.ones((2, 3)), [True, True]),
            "1 dimensions beside the runs, not 2",
        ),
    ],
)
def test_arrays_that_cannot_be_compared(call, message):
    with pytest.raises(DataError, match=message):
        call()
