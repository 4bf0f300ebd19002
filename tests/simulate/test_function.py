"""A user's own function as simulator: shapes, arguments, exceptions."""

import textwrap

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.checks import check_simulator
from surecast.simulate.function import FunctionSimulator
from surecast.study.errors import ComponentError, SimulationError

MODULE = """
    import numpy as np
    import xarray as xr

    CALLS = []

    def square(inputs, factor=1.0):
        CALLS.append(inputs.sizes["run"])
        return xr.Dataset({"y": factor * inputs["x"] ** 2})

    def field(inputs, *, points):
        return xr.Dataset({"u": inputs["x"] * xr.DataArray(np.arange(1.0, points + 1), dims="x")})

    def fails_at_three(inputs):
        if (inputs["x"] == 3).any():
            raise ArithmeticError("three is not allowed")
        return xr.Dataset({"y": inputs["x"], "u": inputs["x"] * xr.DataArray([1.0, 2.0], dims="t")})

    def raises(inputs):
        raise RuntimeError("always")

    def noisy(inputs):
        values = [np.random.default_rng(int(seed)).standard_normal() for seed in inputs["seed"].values]
        return xr.Dataset({"y": ("run", values)})

    noisy.stochastic = True

    def returns_array(inputs):
        return inputs["x"].values

    def named_array(inputs):
        return (2 * inputs["x"]).rename("y")

    def empty(inputs):
        return xr.Dataset()

    def mean_over_runs(inputs):
        return xr.Dataset({"y": inputs["x"].mean()})

    def too_few(inputs):
        return xr.Dataset({"y": inputs["x"][:-1]})

    def text(inputs):
        return xr.Dataset({"y": ("run", ["a"] * inputs.sizes["run"])})

    def sees_seed(inputs):
        return xr.Dataset({"y": inputs["x"] * ("seed" in inputs)})

    def changes_its_inputs(inputs):
        inputs["x"] = 0 * inputs["x"]
        return xr.Dataset({"y": inputs["x"]})

    def wandering(inputs):
        return xr.Dataset({"a" if float(inputs["x"][0]) < 2 else "b": inputs["x"]})

    number = 3
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    name = f"user_module_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def inputs(runs=5):
    return xr.Dataset({"x": ("run", np.arange(float(runs))), "seed": ("run", np.arange(runs))})


def simulator(module, function, **settings):
    return FunctionSimulator(function=f"{module}:{function}", **settings)


def test_calls_with_arguments(module):
    raw = simulator(module, "square", arguments={"factor": 2.0}).run(inputs())
    np.testing.assert_array_equal(raw["y"], 2 * np.arange(5.0) ** 2)
    assert (raw["failure"] == "").all()


def test_calls_in_batches(module):
    import importlib

    raw = simulator(module, "square", runs_per_call=2).run(inputs())
    np.testing.assert_array_equal(raw["y"], np.arange(5.0) ** 2)
    assert importlib.import_module(module).CALLS == [2, 2, 1]


def test_fields(module):
    raw = simulator(module, "field", arguments={"points": 3}).run(inputs())
    assert raw["u"].dims == ("run", "x")
    np.testing.assert_array_equal(raw["u"][2], [2.0, 4.0, 6.0])


def test_units_of_inputs_are_not_those_of_results(module):
    given = inputs()
    given["x"].attrs = {"units": "m", "law": "{}"}
    assert simulator(module, "square").run(given)["y"].attrs == {}


def test_an_exception_fails_its_own_run_alone(module):
    raw = simulator(module, "fails_at_three").run(inputs())
    assert raw["failure"].values.tolist() == ["", "", "", "ArithmeticError: three is not allowed", ""]
    np.testing.assert_array_equal(raw["y"], [0, 1, 2, np.nan, 4])
    assert np.isnan(raw["u"][3]).all()
    assert raw["u"].shape == (5, 2)


def test_every_run_fails(module):
    raw = simulator(module, "raises").run(inputs())
    assert raw["failure"].values.tolist() == ["RuntimeError: always"] * 5


def test_a_named_array_is_taken(module):
    np.testing.assert_array_equal(simulator(module, "named_array").run(inputs())["y"], 2 * np.arange(5.0))


def test_the_seed_goes_to_stochastic_functions_only(module):
    assert simulator(module, "noisy").stochastic
    first, again = (simulator(module, "noisy").run(inputs()) for _ in range(2))
    assert first.identical(again)
    assert not simulator(module, "square").stochastic
    assert not simulator(module, "sees_seed").run(inputs())["y"].any()


def test_the_callers_inputs_are_safe(module):
    given = inputs()
    simulator(module, "changes_its_inputs").run(given)
    np.testing.assert_array_equal(given["x"], np.arange(5.0))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("returns_array", "returned ndarray, not a Dataset"),
        ("empty", "without variables"),
        ("mean_over_runs", "lost the dimension run of 'y'"),
        ("too_few", "returned 4 runs of 'y' for 5"),
        ("text", "not numbers"),
    ],
)
def test_wrong_results(module, function, message):
    with pytest.raises(SimulationError, match=message):
        simulator(module, function).run(inputs())


def test_calls_that_do_not_fit_together(module):
    with pytest.raises(SimulationError, match="do not fit together"):
        simulator(module, "wandering", runs_per_call=2).run(inputs())


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        ("nowhere_at_all:f", {}, "cannot be imported"),
        ("{module}:absent", {}, "has no 'absent'"),
        ("{module}:number", {}, "no callable"),
        ("{module}:square", {"facter": 2}, "facter"),
        ("{module}:field", {}, "points"),
        ("no_colon", {}, "no simulator of kind"),
    ],
)
def test_refused_before_anything_runs(module, target, arguments, message):
    with pytest.raises(ComponentError, match=message):
        FunctionSimulator(function=target.format(module=module), arguments=arguments)


def test_passes_the_common_checks(module):
    check_simulator(simulator(module, "square"), inputs())
    check_simulator(simulator(module, "noisy"), inputs())


def test_no_runs(module):
    with pytest.raises(SimulationError, match="no runs"):
        simulator(module, "square").run(inputs(0))
