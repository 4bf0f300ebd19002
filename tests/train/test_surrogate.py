"""What every surrogate must do: fit, predict, be saved and read with the same bits, and notice what has changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from surecast.study.errors import DataError, StudyError, TrainingError
from surecast.study.model import Study
from surecast.train.data import TrainingData
from surecast.train.loss import mean_relative_l2
from surecast.train.surrogate import Surrogate, history_path, load_surrogate, weights_path
from surecast.train.train import train

KINDS = ("fno", "unet", "gp", "chaos", "pod")
every = pytest.mark.parametrize("name", KINDS)


@pytest.fixture(scope="module")
def trained(aquifer: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Surrogate, Path]]:
    """Each kind once: the surrogate as it came from its training, and its file."""
    folder, found = tmp_path_factory.mktemp("surrogates"), {}
    for name in KINDS:
        path = folder / name / "seed0.json"
        found[name] = (train(aquifer.study, name, 0, aquifer.manifest, path, folder / "checkpoints"), path)
    assert not list((folder / "checkpoints").rglob("*.safetensors"))
    return found


@pytest.fixture(scope="module")
def test_inputs(aquifer: Any) -> xr.Dataset:
    return TrainingData(aquifer.study, aquifer.manifest).inputs("test")


def changed(study: Study, **surrogates: dict[str, Any]) -> Study:
    """The study with other settings of some surrogates."""
    content = study._source.content
    return Study.from_content({**content, "surrogates": {**content["surrogates"], **surrogates}}, study.file)


@every
def test_read_from_its_files_it_predicts_the_same_bits(
    name: str, trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, test_inputs: xr.Dataset
) -> None:
    surrogate, path = trained[name]
    assert load_surrogate(path, aquifer.study)(test_inputs).identical(surrogate(test_inputs))


@every
def test_predictions_are_labelled_as_the_dataset_is(
    name: str, trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, test_inputs: xr.Dataset
) -> None:
    surrogate, _ = trained[name]
    predicted, dataset = surrogate(test_inputs), TrainingData(aquifer.study, aquifer.manifest).dataset
    assert set(predicted.data_vars) == set(surrogate.outputs)
    assert (predicted["run"] == test_inputs["run"]).all()
    for output in surrogate.outputs:
        assert predicted[output].dims == dataset[output].dims
        assert predicted[output].attrs["units"] == dataset[output].attrs["units"]
        assert predicted[output].attrs["long_name"]
        for dim in predicted[output].dims[1:]:
            np.testing.assert_allclose(predicted[dim], dataset[dim])


@every
def test_a_run_has_the_same_bits_whatever_its_neighbours(
    name: str, trained: dict[str, tuple[Surrogate, Path]], test_inputs: xr.Dataset
) -> None:
    surrogate, _ = trained[name]
    together = surrogate(test_inputs)
    order = np.random.default_rng(0).permutation(test_inputs.sizes["run"])
    assert surrogate(test_inputs.isel(run=order)).identical(together.isel(run=order))
    for run in (0, 19, 31):
        assert surrogate(test_inputs.isel(run=[run])).identical(together.isel(run=[run]))


@every
def test_only_what_is_asked_for_is_given(
    name: str, trained: dict[str, tuple[Surrogate, Path]], test_inputs: xr.Dataset
) -> None:
    surrogate, _ = trained[name]
    assert surrogate(test_inputs, ["peak"]).identical(surrogate(test_inputs)[["peak"]])
    with pytest.raises(TrainingError, match=r"does not predict 'depth'.*it predicts"):
        surrogate(test_inputs, ["depth"])


@every
def test_a_flipped_byte_in_the_weights_is_noticed(
    name: str, trained: dict[str, tuple[Surrogate, Path]], aquifer: Any
) -> None:
    path = trained[name][1]
    weights = weights_path(path)
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
        with pytest.raises(DataError, match="weights have changed"):
            load_surrogate(path, aquifer.study)
        weights.unlink()
        with pytest.raises(DataError, match="cannot be read"):
            load_surrogate(path, aquifer.study)
    finally:
        weights.write_bytes(whole)


def test_an_edited_description_is_noticed(
    trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "seed0.json"
    path.write_text(trained["gp"][1].read_text().replace('"peak"', '"pick"'))
    with pytest.raises(DataError, match="content has changed"):
        load_surrogate(path, aquifer.study)


def test_other_settings_than_at_the_training_are_noticed(
    trained: dict[str, tuple[Surrogate, Path]], aquifer: Any
) -> None:
    study = changed(aquifer.study, fno={"kind": "fno", "cells": 8, "width": 7, "modes": 3, "layers": 2, "padding": 2})
    with pytest.raises(DataError, match="other settings than the study has now: width"):
        load_surrogate(trained["fno"][1], study)


@pytest.mark.parametrize(("name", "largest"), [("pod", 0.05), ("fno", 0.25), ("unet", 0.25)])
def test_fields_are_predicted(
    name: str, largest: float, trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, test_inputs: xr.Dataset
) -> None:
    data = TrainingData(aquifer.study, aquifer.manifest)
    truth = next(data.blocks(["pressure"], "test"))[1]
    predicted = trained[name][0](test_inputs, ["pressure"])["pressure"].values[:, None]
    assert mean_relative_l2(predicted, truth)[0] < largest


@pytest.mark.parametrize(("name", "smallest"), [("gp", 0.98), ("chaos", 0.95), ("pod", 0.95), ("fno", 0.6)])
def test_scalars_are_predicted(
    name: str, smallest: float, trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, test_inputs: xr.Dataset
) -> None:
    truth = TrainingData(aquifer.study, aquifer.manifest).scalars(["outflow", "peak"], "test")
    predicted = trained[name][0](test_inputs)
    for column, output in enumerate(("outflow", "peak")):
        assert np.corrcoef(truth[:, column], predicted[output].values)[0, 1] > smallest


def test_scalars_follow_from_the_predicted_fields(
    trained: dict[str, tuple[Surrogate, Path]], test_inputs: xr.Dataset
) -> None:
    predicted = trained["fno"][0](test_inputs)
    np.testing.assert_allclose(predicted["peak"], predicted["pressure"].max(("y", "x")), rtol=1e-6)


def test_the_gaussian_process_says_how_unsure_it_is(
    trained: dict[str, tuple[Surrogate, Path]], aquifer: Any, test_inputs: xr.Dataset
) -> None:
    gp: Any = trained["gp"][0]
    data = TrainingData(aquifer.study, aquifer.manifest)
    known, new = (gp.standard_deviation(inputs)["outflow"] for inputs in (data.inputs("train"), test_inputs))
    assert float(known.mean()) < float(new.mean())
    error = gp(test_inputs)["outflow"].values - data.scalars(["outflow"], "test")[:, 0]
    assert np.mean(np.abs(error) < 4 * new.values) > 0.9


def test_moments_of_the_chaos_are_those_of_its_predictions(
    trained: dict[str, tuple[Surrogate, Path]], aquifer: Any
) -> None:
    chaos: Any = trained["chaos"][0]
    law = aquifer.study.joint_law()
    sample = chaos(law.from_uniform(np.random.default_rng(0).uniform(size=(40_000, law.dimension))), ["outflow"])
    values = sample["outflow"].values
    assert chaos.mean("outflow") == pytest.approx(values.mean(), abs=4 * values.std() / 200)
    assert chaos.variance("outflow") == pytest.approx(values.var(), rel=0.05)
    indices = chaos.sobol("outflow", {name: [name] for name in law.names})
    assert sum(first for first, _ in indices.values()) <= 1 <= sum(total for _, total in indices.values()) + 1e-12
    assert chaos.sobol("outflow", {"all": law.names})["all"] == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("name", ["fno", "unet", "pod"])
def test_fields_on_a_periodic_line(name: str, burgers: Any, tmp_path: Path) -> None:
    surrogate = train(burgers.study, name, 0, burgers.manifest, tmp_path / "seed0.json", tmp_path / "checkpoints")
    data = TrainingData(burgers.study, burgers.manifest)
    inputs, truth = next(data.blocks(["solution"], "test"))
    predicted = surrogate(inputs)["solution"]
    assert predicted.dims == ("run", "x")
    assert all(axis.periodic for axis in surrogate.axes)  # type: ignore[attr-defined]
    error = mean_relative_l2(predicted.values[:, None], truth)[0]
    assert error < (0.2 if name == "pod" else 0.5)


@every
def test_the_history_opens_with_xarray(name: str, trained: dict[str, tuple[Surrogate, Path]]) -> None:
    with xr.open_dataset(history_path(trained[name][1])) as history:
        assert history.attrs["training_cpu_seconds"] > 0
        assert all("units" in variable.attrs for variable in history.data_vars.values())


BAD = {
    "width of zero": ({"kind": "fno", "width": 0}, "width"),
    "modes as text": ({"kind": "fno", "modes": "eight"}, "modes"),
    "an unknown setting": ({"kind": "fno", "widht": 20}, "width"),
    "an endless learning rate": ({"kind": "unet", "learning_rate": float("inf")}, "learning_rate"),
    "a negative decay": ({"kind": "unet", "weight_decay": -1.0}, "weight_decay"),
    "an unknown covariance": ({"kind": "gaussian_process", "covariance": "matern"}, "covariance"),
    "an unknown selection": ({"kind": "polynomial_chaos", "selection": "lasso"}, "selection"),
    "a norm above one": ({"kind": "polynomial_chaos", "norm": 1.5}, "norm"),
    "a degree of three": ({"kind": "pod_ridge", "degree": 3}, "degree"),
    "an unknown kind": ({"kind": "fmo"}, "fno"),
}


@pytest.mark.parametrize(("settings", "key"), BAD.values(), ids=BAD.keys())
def test_bad_settings_are_refused_by_name(settings: dict[str, Any], key: str, aquifer: Any) -> None:
    with pytest.raises(StudyError, match=key):
        changed(aquifer.study, fno=settings).build_surrogate("fno")


PROBLEMS = {
    "a scalar among fields": ({"kind": "fno", "fields": ["peak"]}, r"'peak' is no field.*use pressure, flux_x, flux_y"),
    "a field among scalars": ({"kind": "gaussian_process", "outputs": ["pressure"]}, "'pressure' is no number per run"),
    "too many modes": ({"kind": "fno", "cells": 8, "modes": 12}, "keeps 12 modes"),
    "an odd grid": ({"kind": "unet", "cells": 15, "levels": 2}, "does not come out even"),
    "weights of what is not learnt": ({"kind": "unet", "weights": {"depth": 2.0}}, "'depth' is not among the fields"),
}


@pytest.mark.parametrize(("settings", "message"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_does_not_suit_the_study_is_refused_before_anything_runs(
    settings: dict[str, Any], message: str, aquifer: Any
) -> None:
    with pytest.raises(StudyError, match=message):
        changed(aquifer.study, fno=settings).check()


def test_without_validation_runs_a_network_is_refused(aquifer: Any) -> None:
    content = aquifer.study._source.content
    study = Study.from_content({**content, "design": {**content["design"], "validation": 0}}, aquifer.study.file)
    with pytest.raises(StudyError, match=r"selected by validation runs.*raise design.validation"):
        study.check()


UNFIT = {
    "a scalar among fields": ({"kind": "fno", "fields": ["peak"]}, "'peak' is none of the study's field outputs"),
    "a field among scalars": (
        {"kind": "gaussian_process", "outputs": ["pressure"]},
        "none of the study's scalar outputs",
    ),
    "a grid finer than the dataset's": ({"kind": "fno", "cells": 32}, "grid of 32 cells along y"),
    "too many modes": ({"kind": "fno", "cells": 8, "modes": 12}, "keeps 12 modes"),
    "weights of what is not learnt": ({"kind": "fno", "weights": {"peak": 2.0}}, "'peak' is none"),
}


@pytest.mark.parametrize(("settings", "message"), UNFIT.values(), ids=UNFIT.keys())
def test_what_does_not_suit_the_dataset_is_refused(
    settings: dict[str, Any], message: str, aquifer: Any, tmp_path: Path
) -> None:
    study = changed(aquifer.study, fno=settings)
    with pytest.raises(TrainingError, match=message):
        train(study, "fno", 0, aquifer.manifest, tmp_path / "seed0.json", tmp_path / "checkpoints")
    assert not list(tmp_path.iterdir())
