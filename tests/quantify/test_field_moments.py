"""Moments of whole fields: y(x) = 2 + x + sum_k u_k sin(k pi x)/k, whose mean and variance are known at every x."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.quantify.answer import answer
from surecast.quantify.bands import simultaneous_factor
from surecast.quantify.field_moments import answer_fields
from surecast.quantify.field_sums import FieldSums
from surecast.quantify.moments import Moments
from surecast.simulate.part import simulate_part
from surecast.study.errors import EstimationError, StudyError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.laws.continuous import Normal
from surecast.study.laws.joint import JointLaw
from surecast.study.load import load_study
from surecast.study.paths import Paths
from surecast.train.train import train

MODES, POINTS = 8, 41
X = np.linspace(0.05, 0.95, POINTS)
BASIS = np.sin(np.arange(1, MODES + 1)[:, None] * np.pi * X) / np.arange(1, MODES + 1)[:, None]
MEAN, VARIANCE = 2 + X, np.square(BASIS).sum(axis=0)
LAW = JointLaw({f"u{k + 1}": Normal(mean=0, standard_deviation=1) for k in range(MODES)})


def simulator(inputs: xr.Dataset) -> xr.Dataset:
    u = np.stack([inputs[f"u{k + 1}"].values for k in range(MODES)], axis=1)
    return xr.Dataset({"y": (("run", "x"), MEAN + u @ BASIS)}, {"x": ("x", X, {"units": "m"})})


def close(inputs: xr.Dataset) -> xr.Dataset:
    """A surrogate without the last modes, and curved."""
    u = np.stack([inputs[f"u{k + 1}"].values for k in range(MODES)], axis=1)
    return xr.Dataset({"y": (("run", "x"), u[:, :4] @ BASIS[:4] + 0.05 * np.sin(3 * u[:, :1]) + X)})


def constant(inputs: xr.Dataset) -> xr.Dataset:
    return 0 * simulator(inputs) + 3.0


def answers(seed=0, surrogates=(), truth=simulator, steps=0, **settings):
    question = Moments(**{"of": "y", "runs": 256, "estimators": ["monte_carlo"], "surrogate_runs": 1024, **settings})
    return answer_fields(
        question, LAW, ["y"], {"y": "m"}, truth, surrogates, lambda kind: np.random.SeedSequence(seed), steps
    )


def runs_of(seed: int, count: int) -> np.ndarray:
    from surecast.quantify.sampling import child, uniforms

    drawn = uniforms(child(np.random.SeedSequence(seed), 0), 0, count, MODES)
    return np.asarray(simulator(LAW.from_uniform(drawn))["y"].values)


def test_sums_over_chunks_are_the_moments_of_the_sample():
    _, fields = answers(runs=200, statistics=["mean", "variance", "standard_deviation"])
    runs = runs_of(0, 200)
    assert np.allclose(fields["mean_y"], runs.mean(axis=0), rtol=1e-12)
    assert np.allclose(fields["variance_y"], runs.var(axis=0, ddof=1), rtol=1e-10)
    assert np.allclose(fields["mean_y_standard_error"], runs.std(axis=0, ddof=1) / np.sqrt(200), rtol=1e-10)
    assert fields["mean_y_low"].attrs["interval"] == "pointwise"
    assert "at each point by itself" in fields["mean_y_low"].attrs["meaning"]
    assert fields["variance_y"].attrs["units"] == "(m)**2"
    assert fields["mean_y"].dims == ("x",)


@pytest.mark.parametrize("estimator", ["monte_carlo", pytest.param("control_variates", marks=pytest.mark.counted)])
def test_pointwise_and_simultaneous_intervals_cover(known, estimator):
    seeds, aided = 120, {}
    if estimator == "control_variates":
        seeds = 60
        aided = {"surrogate": "close", "estimators": ["control_variates"]}
    everywhere = dict.fromkeys(("mean", "variance"), 0)
    at_points = {name: np.zeros(POINTS) for name in everywhere}
    averages = dict.fromkeys(everywhere, 0)
    for seed in range(seeds):
        found, fields = answers(seed, (close,) if aided else (), bands="simultaneous", **aided)
        for name, truth in (("mean", MEAN), ("variance", VARIANCE)):
            low, high, band_low, band_high = (
                fields[f"{name}_y_{end}"].values for end in ("low", "high", "band_low", "band_high")
            )
            assert (band_low <= low).all()
            assert (high <= band_high).all()
            at_points[name] += (low <= truth) & (truth <= high)
            everywhere[name] += bool(((band_low <= truth) & (truth <= band_high)).all())
        for estimate in found:
            truth = MEAN if estimate.statistic.measure == "mean" else VARIANCE
            averages[estimate.statistic.measure] += estimate.low <= truth.mean() <= estimate.high
    assert averages["mean"] >= known.least_covered(seeds), averages
    assert averages["variance"] >= known.least_covered(seeds, 0.92), averages
    assert everywhere["mean"] >= known.least_covered(seeds), everywhere
    assert everywhere["variance"] >= known.least_covered(seeds, 0.92), everywhere
    assert at_points["mean"].mean() >= 0.93 * seeds
    assert at_points["variance"].mean() >= 0.92 * seeds


def test_a_surrogate_narrows_the_field_and_a_useless_one_does_no_harm():
    plain, fields = answers(bands="simultaneous")
    aided, narrow = answers(
        surrogates=(close,), surrogate="close", estimators=["control_variates"], bands="simultaneous"
    )
    _, same = answers(surrogates=(constant,), surrogate="constant", estimators=["control_variates"])
    for name in ("mean", "variance"):
        width = (fields[f"{name}_y_high"] - fields[f"{name}_y_low"]).mean()
        assert (narrow[f"{name}_y_high"] - narrow[f"{name}_y_low"]).mean() < 0.6 * width
        assert (same[f"{name}_y_high"] - same[f"{name}_y_low"]).mean() < 1.05 * width
        assert np.isfinite(same[f"{name}_y_high"]).all()
    assert {"montielolea2019", "glynn2002"} <= set(aided[0].methods)
    assert "glynn2002" not in plain[0].methods
    assert aided[0].surrogate_runs == 1024 + 256


def test_the_band_is_no_wider_than_bonferronis_and_no_narrower_than_a_point():
    rng = np.random.default_rng(0)
    one = np.repeat(rng.standard_normal((32, 1)), 500, axis=1)
    many = rng.standard_normal((32, 500))
    weights = [np.ones(500)]
    assert simultaneous_factor([one], weights, 0.95, 1e6, rng) == pytest.approx(1.96, abs=0.15)
    assert 3.3 < simultaneous_factor([many], weights, 0.95, 1e6, rng) <= 3.9
    assert simultaneous_factor([0 * one], [np.zeros(500)], 0.95, 1e6, rng) == 0.0


def test_memory_does_not_grow_with_the_number_of_runs():
    sums = FieldSums(POINTS, controlled=True)
    size = sums.first.nbytes + sums.second.nbytes
    sums.add(0, runs_of(0, 3000), runs_of(1, 3000))
    assert sums.first.nbytes + sums.second.nbytes == size
    assert size < 400 * POINTS * 8
    largest = 0

    def watched(inputs: xr.Dataset) -> xr.Dataset:
        nonlocal largest
        largest = max(largest, inputs.sizes["run"])
        return simulator(inputs)

    answers(truth=watched, runs=3000)
    assert largest <= 256


def test_looks_stop_at_the_tolerance_of_the_widest_interval():
    found, fields = answers(tolerance=0.2, runs=4096, statistics="mean")
    assert found[0].simulator_runs < 4096
    assert found[0].verdict == "certified"
    half = 0.5 * float((fields["mean_y_high"] - fields["mean_y_low"]).max())
    assert half <= 0.2 * float(fields["mean_y"].max())
    (missed, _), _ = answers(tolerance=0.001)
    assert "is wider than the tolerance" in missed.verdict
    assert missed.simulator_runs == 256


def test_convergence_is_recorded_and_failed_runs_are_told():
    def failing(inputs: xr.Dataset) -> xr.Dataset:
        return simulator(inputs).where(inputs["u8"] < 1.5)

    found, fields = answers(truth=failing, steps=6)
    assert len(found[0].convergence) > 3
    assert found[0].failed_runs > 5
    assert "runs failed" in found[0].verdict
    assert np.isfinite(fields["mean_y"]).all()
    with pytest.raises(EstimationError, match=r"all of the first .* runs failed"):
        answers(truth=lambda inputs: simulator(inputs) * np.nan)
    with pytest.raises(EstimationError, match=r"all of the first .* runs failed"):
        answers(truth=lambda inputs: xr.Dataset({"failed": xr.ones_like(inputs["u1"])}))  # not one call came back


FIELD = """
import numpy as np

def bar(inputs):
    import xarray as xr
    x = np.linspace(0.05, 0.95, 16)
    a, b = inputs["a"].values[:, None], inputs["b"].values[:, None]
    y = xr.DataArray(2 + a * np.sin(np.pi * x) + b * x, dims=("run", "x"), coords={"x": ("x", x, {"units": "m"})})
    return y.to_dataset(name="y")
"""
STUDY = """
simulator: {kind: "small_bar:bar"}
inputs:
  a: {kind: normal, mean: 0, standard_deviation: 1}
  b: {kind: uniform, low: 0, high: 1}
outputs:
  y: {kind: variable, units: m, dims: [x]}
  top: {kind: variable, of: y, units: m, reduce: {over: x, by: max}}
design: {kind: monte_carlo, train: 64, validation: 16, test: 16, runs_per_part: 96}
surrogates:
  modes: {kind: pod_ridge, modes: 8}
questions:
  both: {kind: moments, of: [top, y], runs: 128, bands: simultaneous}
  aided: {kind: moments, of: y, surrogate: modes, runs: 128, surrogate_runs: 1024}
"""


def test_fields_and_numbers_of_a_study_stand_in_one_file(tmp_path):
    (tmp_path / "small_bar.py").write_text(FIELD)
    (tmp_path / "bar.yaml").write_text(STUDY)
    study, paths = load_study(tmp_path / "bar.yaml"), Paths("bar", tmp_path / "results")
    study.check()
    write_dataset(paths.design, make_design(study))
    named = [part.name for part in parts(study.build_design())]
    for name in named:
        simulate_part(study, name, paths.design, paths.part(name), paths.store)
    assemble(study, paths.design, [paths.part(name) for name in named], paths.dataset, paths.manifest)
    train(study, "modes", 0, paths.manifest, paths.surrogate("modes", 0), paths.checkpoints)
    found = answer(study, "both", {}, paths.manifest, paths.estimate("both"), paths.estimates / "both.csv")
    assert found["output"].values.tolist() == ["top", "top", "y", "y"]
    assert set(found["estimator"].values.tolist()) == {"monte_carlo"}
    assert found["statistic"].values.tolist()[2] == "field average of the mean"
    again = read_dataset(paths.estimate("both"))
    off = np.abs(again["mean_y"] - (2 + 0.5 * again["x"])) / again["mean_y_standard_error"]
    assert float(off.max()) < 4.5
    assert (again["mean_y_band_low"] < again["mean_y_low"]).all()
    assert again["mean_y"].attrs["units"] == "m"
    assert all("units" in v.attrs or v.dtype.kind in "OUT" for v in again.data_vars.values())
    aided = answer(
        study, "aided", {"modes": [paths.surrogate("modes", 0)]}, paths.manifest, paths.estimate("aided"),
        paths.estimates / "aided.csv",
    )  # fmt: skip
    assert set(aided["estimator"].values.tolist()) == {"control_variates"}
    wide = (found["mean_y_high"] - found["mean_y_low"]).mean()
    assert (aided["mean_y_high"] - aided["mean_y_low"]).mean() < 0.5 * wide


@pytest.mark.parametrize(
    ("question", "key", "words"),
    [
        ("{kind: moments, of: y, estimators: [scrambled_sobol]}", "questions.both.estimators", "whole field 'y'"),
        ("{kind: moments, of: [top, y], statistics: correlation}", "questions.both.statistics", "whole field 'y'"),
        ("{kind: moments, of: y, runs: 64}", "questions.both.runs", "batches of a field"),
    ],
)
def test_what_fields_do_not_offer_is_refused(tmp_path, question, key, words):
    (tmp_path / "small_bar.py").write_text(FIELD)
    lines = [line for line in STUDY.splitlines() if "aided:" not in line and "both:" not in line]
    (tmp_path / "bar.yaml").write_text("\n".join([*lines, f"  both: {question}"]))
    with pytest.raises(StudyError) as error:
        load_study(tmp_path / "bar.yaml").check()
    assert key in str(error.value)
    assert words in str(error.value)
