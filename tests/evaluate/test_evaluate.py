"""The whole evaluation of a small study, against its files: accuracy, baselines and break-even."""

import math
import shutil

import numpy as np
import pytest
import xarray as xr

from surecast.assemble.dataset import assemble
from surecast.assemble.open import open_dataset
from surecast.design.make import make_design
from surecast.evaluate import metrics
from surecast.evaluate.baselines import baselines
from surecast.evaluate.break_even import break_even
from surecast.evaluate.cost import scores_digest
from surecast.evaluate.evaluate import evaluate, seed_of
from surecast.evaluate.scores import score
from surecast.evaluate.split import good_runs
from surecast.simulate.part import simulate_part
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths
from surecast.train.surrogate import load_surrogate


@pytest.fixture(scope="module")
def pod(trained) -> xr.Dataset:
    path = trained.paths.scores("pod")
    evaluate(trained.study, "pod", trained.paths.manifest, [trained.paths.surrogate("pod", 0)], path)
    return read_dataset(path)


@pytest.fixture(scope="module")
def grids(trained) -> xr.Dataset:
    path = trained.paths.scores("baselines")
    baselines(trained.study, trained.paths.manifest, path)
    return read_dataset(path)


def predicted(trained, name: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Test runs that did not fail, and all of them predicted at once."""
    test, _ = good_runs(open_dataset(trained.paths.manifest), "test")
    surrogate = load_surrogate(trained.paths.surrogate(name, 0), trained.study)
    return test.load(), surrogate(test[trained.study.joint_law().names].load())


def test_the_scores_are_those_of_the_predictions(trained, pod):
    test, prediction = predicted(trained, "pod")
    for output in ("pressure", "flux_x"):
        expected = metrics.relative_l2(test[output], prediction[output])
        assert pod["relative_l2_run"].sel(seed=0, output=output).values.tobytes() == expected.tobytes()
        assert float(pod["relative_l2"].sel(seed=0, output=output)) == float(np.mean(expected))
    for scalar in ("outflow", "peak"):
        expected = metrics.squared_correlation(test[scalar], prediction[scalar])
        assert float(pod["squared_correlation"].sel(seed=0, scalar=scalar)) == pytest.approx(expected, rel=1e-12)
    assert float(pod["relative_l2_mean"].sel(output="pressure")) < 0.2
    assert float(pod["squared_correlation_mean"].sel(scalar="outflow")) > 0.8


def test_failed_runs_are_counted_and_left_out(pod):
    assert pod.attrs["failed_runs"] == 1
    assert pod.attrs["test_runs"] == pod.sizes["run"] == 19
    assert np.isfinite(pod["relative_l2_run"].values).all()


def test_one_seed_has_no_spread(pod):
    assert pod["seed"].values.tolist() == [0]
    assert np.isnan(pod["relative_l2_spread"].values).all()


def test_costs_are_measured_and_marked(pod):
    assert float(pod["prediction_cpu_seconds"][0]) > 0
    assert float(pod["training_cpu_seconds"][0]) > 0
    for name in ("prediction_cpu_seconds", "training_cpu_seconds"):
        assert pod[name].attrs["reproducible"] == "no"
        assert pod[name].attrs["units"] == "s"


def test_examples_carry_the_grid(pod):
    assert pod["pressure_truth"].dims == ("example", "y", "x")
    assert pod["example"].values.tolist() == ["typical", "best", "worst"]
    difference = pod["pressure_prediction"] - pod["pressure_truth"]
    np.testing.assert_allclose(pod["pressure_error"], difference, atol=1e-6)
    assert pod["pressure_truth"].attrs["units"] == "m"
    assert pod["x"].attrs["units"] == "m"


@pytest.mark.parametrize("name", ["pod", "gp"])
def test_the_batch_changes_no_bit_of_a_score(trained, name):
    study = trained.study
    test, _ = good_runs(open_dataset(trained.paths.manifest), "test")
    surrogate = load_surrogate(trained.paths.surrogate(name, 0), study)
    digests = {scores_digest(score({0: surrogate}, test, study.joint_law().names, batch=batch)) for batch in (1, 7, 64)}
    assert len(digests) == 1


def test_a_surrogate_of_scalars_is_judged_by_scalars_alone(trained, tmp_path):
    path = tmp_path / "gp.nc"
    scores = evaluate(trained.study, "gp", trained.paths.manifest, [trained.paths.surrogate("gp", 0)], path)
    assert "relative_l2" not in scores
    assert set(scores["scalar"].values) == {"outflow", "peak"}
    assert float(scores["squared_correlation_mean"].min()) > 0.8
    again = evaluate(trained.study, "gp", trained.paths.manifest, [trained.paths.surrogate("gp", 0)], path)
    assert read_dataset(path).attrs["scores_digest"] == again.attrs["scores_digest"] == scores.attrs["scores_digest"]


def test_changed_weights_are_noticed(trained, tmp_path):
    folder = shutil.copytree(trained.paths.surrogate("gp", 0).parent, tmp_path / "gp")
    weights = folder / "seed0.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DataError, match="weights have changed"):
        evaluate(trained.study, "gp", trained.paths.manifest, [folder / "seed0.json"], tmp_path / "gp.nc")
    assert not (tmp_path / "gp.nc").exists()


def test_the_name_of_a_surrogates_file_states_its_seed():
    assert seed_of("some/folder/seed12.json") == 12
    with pytest.raises(DataError, match=r"seed<k>\.json"):
        seed_of("fno.json")


def test_coarser_grids_have_larger_errors(grids):
    assert grids["grid"].values.tolist() == ["cells 8", "cells 4"]
    assert grids.attrs["dataset_grid"] == "cells 16"
    assert grids.attrs["runs_for_training"] == 60
    assert grids.sizes["run"] == 14
    errors = grids["relative_l2"].sel(output="pressure").values
    assert 0 < errors[0] < errors[1] < 0.5
    # Second order: four times the error on half the cells, less what the truth's own error hides.
    assert 2.5 < errors[1] / errors[0] < 8
    assert (grids["run_cpu_seconds"].values > 0).all()
    assert (
        grids["run_cpu_seconds"].attrs["reproducible"] == grids["simulator_cpu_seconds"].attrs["reproducible"] == "no"
    )


def test_the_break_even_follows_from_the_files(trained, pod, grids):
    table = break_even(pod, grids)
    assert set(table["target"].values) == {"pressure", "flux_x", "outflow", "peak"}
    own, training = float(grids["simulator_cpu_seconds"]), float(pod["training_cpu_seconds"][0])
    prediction = float(pod["prediction_cpu_seconds"][0])
    row = table.sel(target="pressure")
    error = float(pod["relative_l2_run"].sel(output="pressure", run=grids["run"]).mean())
    assert float(row["surrogate_error"]) == pytest.approx(error)
    assert float(row["equal_error"]) <= error
    equal = float(row["equal_cpu_seconds"])
    expected = math.ceil((60 * own + training) / (equal - prediction)) if prediction < equal else math.inf
    assert float(row["solves"]) == expected
    assert str(row["verdict"].values).startswith("never" if math.isinf(expected) else "after")


def test_without_test_runs_there_is_the_cost_alone(trained, tmp_path):
    design = {"kind": "sobol", "train": 8, "validation": 0, "test": 0}
    study = Study.from_content(
        {**trained.study.content, "design": design, "surrogates": {}}, tmp_path / "untested.yaml"
    )
    study.check()
    paths = Paths(study.name, tmp_path)
    write_dataset(paths.design, make_design(study))
    simulate_part(study, "train-0000", paths.design, paths.part("train-0000"), paths.store)
    assemble(study, paths.design, [paths.part("train-0000")], paths.dataset, paths.manifest)
    found = baselines(study, paths.manifest, tmp_path / "baselines.nc")
    assert set(found.data_vars) == {"simulator_cpu_seconds"}
    assert float(found["simulator_cpu_seconds"]) > 0
    assert found.attrs["test_runs"] == 0
