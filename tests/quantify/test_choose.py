"""Choice of surrogate by squared correlation, output by output."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.choose import Candidate, Composite, rank, squared_correlation
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sobol import SobolIntegrand
from surecast.study.errors import EstimationError


class Model:
    def __init__(self, value: float) -> None:
        self.value, self.calls = value, 0

    def __call__(self, inputs: xr.Dataset, outputs: list[str]) -> xr.Dataset:
        self.calls += 1
        return xr.Dataset({name: ("run", np.full(inputs.sizes["run"], self.value)) for name in outputs})


INPUTS = xr.Dataset({"x": ("run", np.zeros(3))})


def test_each_output_takes_its_best_and_a_runner_up_of_another_name():
    models = [Model(k) for k in range(4)]
    candidates = [
        Candidate("fno", "seed0", models[0], {"a": 0.99, "b": 0.90}),
        Candidate("fno", "seed1", models[1], {"a": 0.98, "b": 0.91}),
        Candidate("gp", "seed0", models[2], {"a": 0.95, "b": 0.97}),
        Candidate("field", "seed0", models[3], {}),
    ]
    choice = rank(candidates, ["a", "b"])
    assert choice.ranking == {
        "a": [("fno/seed0", 0.99), ("gp/seed0", 0.95)],
        "b": [("gp/seed0", 0.97), ("fno/seed1", 0.91)],
    }
    best, second = (model(INPUTS) for model in choice.models)
    assert (best["a"].values[0], best["b"].values[0]) == (0, 2)
    assert (second["a"].values[0], second["b"].values[0]) == (2, 1)


def test_a_surrogate_of_several_outputs_is_called_once():
    model = Model(1.0)
    assert set(Composite({"a": model, "b": model})(INPUTS).data_vars) == {"a", "b"}
    assert model.calls == 1


def test_nobody_predicts_an_output():
    with pytest.raises(EstimationError, match="predicts 'b'"):
        rank([Candidate("gp", "seed0", Model(0), {"a": 1.0})], ["a", "b"])


def test_squared_correlation():
    x = np.random.default_rng(0).normal(size=100)
    y = x + np.random.default_rng(1).normal(size=100)
    assert squared_correlation(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert squared_correlation(x, np.ones(100)) == 0
    assert squared_correlation(x, np.full(100, np.nan)) == 0


def test_what_a_surrogate_knows_of_itself_is_asked_of_the_right_one(known):
    class Knows(Model):
        def mean(self, output: str) -> float:
            return 7.0

        def sobol(self, output: str, groups: dict) -> dict:
            return {group: (0.1 * len(members), 0.2) for group, members in groups.items()}

    composite = Composite({"y": Knows(0)})
    moments = MomentsIntegrand(known.law, ["y"])
    assert composite.exact_statistics(moments) == pytest.approx([7.0, np.nan], nan_ok=True)
    indices = SobolIntegrand(known.law, ["y"], {"g": ("x1", "x2"), "h": ("x3",)})
    assert composite.exact_statistics(indices) == pytest.approx([0.2, 0.1, 0.2, 0.2])
    noisy = SobolIntegrand(known.law, ["y"], indices.groups, noisy=True)
    assert composite.exact_statistics(noisy)[-1] == 0  # of total[seed]: the surrogate knows no noise
    plain = Composite({"y": Model(0)})
    assert np.isnan(plain.exact_statistics(moments)).all()
