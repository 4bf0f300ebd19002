"""Scores against values by hand; batches change no bit; examples; digests without times."""

import numpy as np
import pytest
import xarray as xr

from surecast.evaluate import metrics
from surecast.evaluate.cost import NOT_REPRODUCIBLE, cpu_seconds_per_run, scores_digest
from surecast.evaluate.examples import example_runs, examples
from surecast.evaluate.scores import score
from surecast.evaluate.split import good_runs, in_split
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset

RUNS = 11


def dataset() -> xr.Dataset:
    """A field u = a cos(2 pi x) + 1 and its mean square root a as scalar; run 3 failed."""
    x = (np.arange(16) + 0.5) / 16
    a = np.linspace(0.5, 1.5, RUNS)
    failed = np.zeros(RUNS, dtype=np.int8)
    failed[3] = 1
    flags = {"flag_values": [0, 1, 2], "flag_meanings": "train validation test"}
    return xr.Dataset(
        {
            "a": ("run", a),
            "u": (("run", "x"), a[:, None] * np.cos(2 * np.pi * x) + 1, {"units": "m", "long_name": "level"}),
            "size": ("run", a**2, {"units": "m2"}),
            "failed": ("run", failed),
        },
        coords={"run": np.arange(RUNS) + 100, "x": x, "split": ("run", [0, 1] + [2] * (RUNS - 2), flags)},
    )


def surrogate(bias: float):
    """Adds ``bias`` everywhere, so that every error is known."""

    def predict(inputs: xr.Dataset) -> xr.Dataset:
        x = (np.arange(16) + 0.5) / 16
        a = inputs["a"].values
        fields = (a[:, None] * np.cos(2 * np.pi * x) + 1 + bias).astype(np.float32)
        return xr.Dataset({"u": (("x", "run"), fields.T), "size": ("run", a**2 + bias)})

    return predict


def scored(batch: int = 4) -> tuple[xr.Dataset, xr.Dataset]:
    test, failed = good_runs(dataset(), "test")
    assert failed == 1
    return score({0: surrogate(0.1), 5: surrogate(-0.3)}, test, ["a"], batch=batch), test


def test_the_split_leaves_failed_runs_out_and_counts_them():
    test, failed = good_runs(dataset(), "test")
    assert test["run"].values.tolist() == [102, *range(104, 111)]
    assert failed == 1
    assert in_split(dataset(), "train", "validation").sum() == 2


def test_a_split_without_good_runs_is_refused():
    broken = dataset().assign(failed=("run", np.ones(RUNS, dtype=np.int8)))
    with pytest.raises(DataError, match=r"no test run that did not fail \(9 runs"):
        good_runs(broken, "test")


def test_scores_of_known_errors():
    scores, test = scored()
    norms = np.sqrt(np.mean(test["u"].values ** 2, axis=1))
    expected = np.array([np.mean(0.1 / norms), np.mean(0.3 / norms)])
    np.testing.assert_allclose(scores["relative_l2"].sel(output="u"), expected, rtol=1e-6)
    np.testing.assert_allclose(scores["relative_l2_run"].sel(output="u", seed=5), 0.3 / norms, rtol=1e-6)
    np.testing.assert_allclose(scores["rmse"].sel(output="u"), [0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(scores["maximum_error"].sel(output="u"), [0.1, 0.3], rtol=1e-5)
    np.testing.assert_allclose(scores["band_error"].sel(output="u", band="low"), expected, rtol=1e-6)
    assert float(scores["band_error"].sel(output="u", band="middle").max()) < 1e-6
    np.testing.assert_allclose(scores["relative_l2_mean"].sel(output="u"), expected.mean(), rtol=1e-6)
    np.testing.assert_allclose(scores["relative_l2_spread"].sel(output="u"), np.std(expected, ddof=1), rtol=1e-6)
    size = np.sqrt(np.mean(test["size"].values ** 2))
    np.testing.assert_allclose(scores["scalar_relative_rmse"].sel(scalar="size"), np.array([0.1, 0.3]) / size)
    np.testing.assert_allclose(scores["squared_correlation"], 1.0)
    assert scores["output_units"].values.tolist() == ["m"]
    assert scores["scalar_units"].values.tolist() == ["m2"]
    assert scores["runs_not_finite"].values.tolist() == [0, 0]


@pytest.mark.parametrize("batch", [1, 3, 8, 1000])
def test_batches_change_no_bit(batch):
    expected, found = scored(batch=5)[0], scored(batch)[0]
    assert scores_digest(found) == scores_digest(expected)


def test_every_variable_says_its_unit_and_name():
    scores, test = scored()
    scores = scores.merge(examples(surrogate(0.1), test, ["a"], scores))
    for name, variable in scores.data_vars.items():
        assert {"units", "long_name"} <= set(variable.attrs), name


def test_a_prediction_that_is_no_number_is_counted_and_not_averaged_away():
    test, _ = good_runs(dataset(), "test")

    def broken(inputs: xr.Dataset) -> xr.Dataset:
        predicted = surrogate(0.1)(inputs)
        return predicted.assign(size=predicted["size"].where(inputs["a"] != test["a"].values[2]))

    scores = score({0: broken}, test, ["a"])
    assert scores["runs_not_finite"].values.tolist() == [1]
    assert np.isnan(scores["scalar_rmse"].values).all()
    assert np.isfinite(scores["rmse"].values).all()


def test_an_output_that_the_dataset_lacks_is_refused():
    test, _ = good_runs(dataset(), "test")
    with pytest.raises(DataError, match="predicts 'u', which the dataset does not hold"):
        score({0: surrogate(0.0)}, test.drop_vars("u"), ["a"])


def test_examples_are_the_median_the_best_and_the_worst_run():
    assert example_runs(np.array([0.3, 0.1, 0.2, 0.5, 0.4])) == [0, 1, 3]
    assert example_runs(np.array([0.3, np.nan, 0.2])) == [0, 2, 1]
    assert example_runs(np.array([0.3])) == [0, 0, 0]
    scores, test = scored()
    shown = examples(surrogate(0.1), test, ["a"], scores)
    errors = metrics.relative_l2(shown["u_truth"], shown["u_prediction"])
    per_run = scores["relative_l2_run"].sel(output="u", seed=0)
    np.testing.assert_allclose(errors, per_run.sel(run=shown["u_example_run"]), rtol=1e-5)
    assert errors[1] == pytest.approx(float(per_run.min()), rel=1e-5)
    assert errors[2] == pytest.approx(float(per_run.max()), rel=1e-5)
    np.testing.assert_allclose(shown["u_error"], shown["u_prediction"] - shown["u_truth"], atol=1e-6)
    assert shown["u_truth"].attrs["units"] == "m"


def test_a_surrogate_of_scalars_has_no_examples_of_fields():
    test, _ = good_runs(dataset(), "test")
    scores = score({0: lambda inputs: surrogate(0.1)(inputs)[["size"]]}, test, ["a"])
    assert "relative_l2" not in scores
    assert not examples(surrogate(0.1), test, ["a"], scores).data_vars


def test_times_stay_out_of_the_digest(tmp_path):
    scores, _ = scored()
    slow, fast = (scores.assign(cost=("seed", [t, t], NOT_REPRODUCIBLE)) for t in (1.0, 2.0))
    assert scores_digest(slow) == scores_digest(fast)
    other = slow.assign(rmse=slow["rmse"] * 1.1)
    assert scores_digest(other) != scores_digest(slow)
    slow.attrs["scores_digest"] = scores_digest(slow)
    write_dataset(tmp_path / "scores.nc", slow)
    read = read_dataset(tmp_path / "scores.nc")
    assert scores_digest(read) == read.attrs["scores_digest"]


def test_the_cost_of_a_run_is_measured_in_batches_that_grow():
    calls = []

    def work(inputs: xr.Dataset) -> None:
        calls.append(inputs.sizes["run"])
        total = np.zeros(1000)
        for _ in range(200 * inputs.sizes["run"]):
            total += np.sqrt(total + 1.0)

    inputs = xr.Dataset({"a": ("run", np.zeros(64))})
    seconds = cpu_seconds_per_run(work, inputs, enough=0.02)
    assert calls[0] == 1
    assert calls[-1] == max(calls) > 1
    assert 1e-5 < seconds < 0.05


def test_a_costly_simulator_is_called_once():
    calls = []

    def costly(inputs: xr.Dataset) -> None:
        calls.append(inputs.sizes["run"])
        np.linalg.svd(np.ones((120, 120)))

    assert cpu_seconds_per_run(costly, xr.Dataset({"a": ("run", np.zeros(9))}), enough=1e-6) > 0
    assert calls == [1]
