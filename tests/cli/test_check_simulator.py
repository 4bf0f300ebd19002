"""`surecast check --simulator`: a good simulator passes, every kind of fault is told with a remedy."""

from __future__ import annotations

import textwrap

import pytest

from surecast.cli.check_simulator import law_of
from surecast.cli.main import main
from surecast.study.errors import StudyError

MODULE = """
    import itertools
    import numpy as np
    import xarray as xr
    from surecast.simulate.simulator import Simulator

    CALLS = itertools.count()
    NOISE = np.random.default_rng(0)

    def given(y, units="m"):
        return xr.Dataset({"y": y.assign_attrs(units=units)})

    def good(inputs):
        return given(inputs["a"] ** 2)

    def noisy(inputs):
        return given(xr.DataArray([np.random.default_rng(int(s)).normal() for s in inputs["seed"].values], dims="run"))

    noisy.stochastic = True

    def field(inputs, points=3):
        return given(inputs["a"] * xr.DataArray(np.arange(1.0, points + 1), dims="s"))

    def array(inputs):
        return inputs["a"].values

    def nothing(inputs):
        return xr.Dataset()

    def mean(inputs):
        return given(inputs["a"].mean())

    def too_few(inputs):
        return given(inputs["a"][:1])

    def text(inputs):
        return xr.Dataset({"y": ("run", ["a"] * inputs.sizes["run"])})

    def writes(inputs):
        inputs["a"].values[...] = 1.0
        return given(inputs["a"])

    def no_units(inputs):
        return xr.Dataset({"y": 2 * inputs["a"]})

    def odd_units(inputs):
        return given(inputs["a"], "metrs")

    def seconds(inputs):
        return given(inputs["a"], "s")

    def raises(inputs):
        if (inputs["a"] > 0.1).any():
            raise ValueError("a is too large")
        return given(inputs["a"])

    def nan(inputs):
        return given(inputs["a"] * np.nan)

    def huge(inputs):
        return given(inputs["a"] * 1e30)

    def zero(inputs):
        return given(inputs["a"] * xr.DataArray([0.0, 0.0], dims="s"))

    def random(inputs):
        return given(inputs["a"] + NOISE.normal())

    def counts(inputs):
        return given(inputs["a"] + next(CALLS))

    def ignores_seed(inputs):
        return given(inputs["a"])

    ignores_seed.stochastic = True

    def global_seed(inputs):
        return given(inputs["a"] + np.random.default_rng(int(inputs["seed"][0])).normal())

    global_seed.stochastic = True

    def centred(inputs):
        return given(inputs["a"] - inputs["a"].mean())

    def ranks(inputs):
        return given(inputs["a"].copy(data=np.argsort(np.argsort(inputs["a"].values)) + 1.0))

    def last_is_special(inputs):
        return given(inputs["a"] + (np.arange(inputs.sizes["run"]) == 1))

    def shaped_by_batch(inputs):
        return given(inputs["a"] * xr.DataArray(np.ones(inputs.sizes["run"]), dims="s"))

    def wants_more(inputs, *, factor):
        return given(inputs["a"])

    number = 3

    class Own(Simulator):
        def input_names(self):
            return ("a",)

        def variables(self):
            return {"y": {"dims": (), "units": "m", "long_name": "y"}}

        def resolution(self):
            return {}

        def card(self):
            return {}

        def run(self, inputs):
            y = inputs["a"].values
            return self.labelled(xr.Dataset(), {"y": 2 * y}, np.full(len(y), "", dtype=object))

    class Undeclared(Own):
        def variables(self):
            return super().variables() | {"z": {"dims": (), "units": "m", "long_name": "z"}}

        def run(self, inputs):
            return super().run(inputs).drop_vars("z", errors="ignore")

        def labelled(self, raw, values, failure):
            return super().labelled(raw, values | {"z": values["y"]}, failure)

    class Raising(Own):
        def run(self, inputs):
            raise KeyError("b")
"""
STUDY = """
simulator: {kind: "checked_model:good"}
inputs:
  a: {kind: uniform, low: 0.0, high: 1.0}
outputs:
  y: {units: mm}
design: {kind: monte_carlo, train: 4, validation: 0, test: 0}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "checked_model.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "mine.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def check(*arguments, name=None, inputs="a=uniform(0, 1)"):
    laws = ["--inputs", inputs] if name else []
    return main(["check", *arguments, *(["--simulator", f"checked_model:{name}"] if name else []), *laws])


PASSED = ("shapes", "inputs", "units", "values", "repetition", "one by one", "order")


@pytest.mark.parametrize("name", ["good", "noisy", "field", "Own"])
def test_a_good_simulator_passes_every_check(capsys, name):
    assert check(name=name) == 0
    told = capsys.readouterr()
    assert told.err == ""
    first, *lines = told.out.splitlines()
    assert first == f"checked_model:{name} on 5 runs drawn by the laws of --inputs"
    assert all(line.startswith("  passed   ") for line in lines)
    titles = [line.removeprefix("  passed   ").partition(":")[0] for line in lines]
    assert [title for title in titles if title != "seeds"] == list(PASSED)
    assert ("seeds" in titles) == (name == "noisy")


@pytest.mark.parametrize(
    ("name", "title", "message", "remedy"),
    [
        ("array", "shapes", "returned ndarray, not a Dataset", "dimension run of the inputs"),
        ("nothing", "shapes", "a Dataset without variables", "dimension run of the inputs"),
        ("mean", "shapes", "lost the dimension run of 'y'", "dimension run of the inputs"),
        ("too_few", "shapes", "returned 1 runs of 'y' for 5 runs", "dimension run of the inputs"),
        ("text", "shapes", "not numbers", "dimension run of the inputs"),
        ("Undeclared", "shapes", "'z' is declared but not returned", "correct variables() or run()"),
        ("Raising", "shapes", "raised KeyError: 'b'", "said in its `failure`"),
        ("writes", "inputs", "changes its inputs", "work on a copy"),
        ("no_units", "units", "'y' has no units", "set attrs['units']"),
        ("odd_units", "units", "'metrs' is no unit", "write for example m"),
        ("raises", "values", ") fails: ValueError: a is too large", "failures.max_share"),
        ("nan", "values", "run 0 (a = 0.", "correct the simulator, or the laws"),
        ("huge", "values", "above 1e+12", "correct the simulator, or the laws"),
        ("zero", "values", "every field is zero throughout", "correct the simulator, or the laws"),
        (
            "random",
            "repetition",
            "a second call gives other bits of 'y'",
            "random numbers from the variable seed alone",
        ),
        (
            "counts",
            "repetition",
            "a second call gives other bits of 'y'",
            "random numbers from the variable seed alone",
        ),
        ("ignores_seed", "seeds", "other seeds change nothing", "do not say `stochastic`"),
        ("global_seed", "one by one", "run 1 by itself gives other bits of 'y'", "keep runs apart"),
        ("centred", "one by one", "run 0 by itself gives other bits of 'y'", "keep runs apart"),
        ("ranks", "one by one", "by itself gives other bits of 'y'", "keep runs apart"),
        ("last_is_special", "one by one", "run 1 by itself gives other bits of 'y'", "keep runs apart"),
        ("shaped_by_batch", "one by one", "run 0 by itself gives other bits of 'y'", "keep runs apart"),
    ],
)
def test_the_first_failure_is_told_with_a_remedy(capsys, name, title, message, remedy):
    assert check(name=name) == 2
    told = capsys.readouterr()
    *passed, last = told.out.splitlines()[1:]
    assert all(line.startswith("  passed   ") for line in passed)
    assert last.startswith(f"  FAILED   {title}:")
    (error,) = told.err.splitlines()
    assert error.startswith("Error: ")
    assert message in error.partition("Remedy: ")[0]
    assert remedy in error.partition("Remedy: ")[2]


def test_order_matters_though_each_run_by_itself_does_not(capsys, folder):
    (folder / "sorted_model.py").write_text(
        "def sorts(inputs):\n"
        "    a = inputs['a'].values\n"
        "    sorts.first = getattr(sorts, 'first', a[0])\n"
        "    y = inputs['a'] * (1.0 if len(a) == 1 or a[0] == sorts.first else 2.0)\n"
        "    return y.assign_attrs(units='m').rename('y').to_dataset()\n"
    )
    assert main(["check", "--simulator", "sorted_model:sorts", "--inputs", "a=uniform(0, 1)"]) == 2
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith("  FAILED   order:")
    assert "the runs in reverse order gives other bits of 'y'" in told.err


@pytest.mark.parametrize("arguments", [["mine.yaml", "--simulator"], ["--simulator", "mine.yaml"]])
def test_the_simulator_of_a_study(capsys, arguments):
    assert check(*arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("checked_model:good on 5 runs drawn by the laws of ")
    assert lines[0].endswith("mine.yaml")
    assert lines[-1] == "  passed   outputs: y can be taken from it, as the study states them"


@pytest.mark.parametrize(
    ("study", "name", "message"),
    [
        (STUDY, "no_units", None),  # the study states them
        (STUDY.replace("{units: mm}", "{}"), "no_units", "'y' has no units"),
        (STUDY, "field", "write outputs.y.dims: [s]"),
        (STUDY, "seconds", "cannot be converted"),
        (STUDY.replace("y: ", "z: "), "good", "the simulator returned no 'z'"),
        (STUDY + "failures: {largest: 0.001}\n", "good", "above 0.001"),
    ],
)
def test_another_callable_on_the_laws_and_outputs_of_a_study(capsys, folder, study, name, message):
    (folder / "mine.yaml").write_text(study)
    assert main(["check", "mine.yaml", "--simulator", f"checked_model:{name}"]) == (2 if message else 0)
    assert (message or "") in capsys.readouterr().err


def test_an_outside_program_is_checked_too(capsys, folder):
    (folder / "square").write_text('#!/bin/sh\nsed \'s/"a"/"y"/\'\n')
    (folder / "square").chmod(0o755)
    kind = "{kind: command, arguments: [./square], output: {file: stdout.txt}, outputs: {y: {units: m}}}"
    (folder / "mine.yaml").write_text(STUDY.replace('{kind: "checked_model:good"}', kind))
    assert check("mine.yaml", "--simulator", "--runs", "2") == 0
    assert "command on 2 runs" in capsys.readouterr().out
    (folder / "square").write_text('#!/bin/sh\necho "{\\"y\\": $$}"\n')
    assert check("mine.yaml", "--simulator", "--runs", "2") == 2
    assert "a second call gives other bits of 'y'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--simulator"], "nothing says what to check"),
        (["--simulator", "checked_model:good"], "nothing says what to check"),
        (["--simulator", "nowhere.yaml"], "there is no such study file"),
        (["mine.yaml", "--simulator", "good"], "--simulator = 'good': is no callable"),
        (["mine.yaml", "--simulator", "--inputs", "a=uniform(0, 1)"], "the study has the laws"),
        (["--simulator", "checked_model:goode", "--inputs", "a=uniform(0, 1)"], "did you mean 'good'"),
        (["--simulator", "nowhere:good", "--inputs", "a=uniform(0, 1)"], "cannot be imported"),
        (["--simulator", "checked_model:number", "--inputs", "a=uniform(0, 1)"], "is no component of surecast"),
        (["--simulator", "checked_model:wants_more", "--inputs", "a=uniform(0, 1)"], "missing a required argument"),
        (["--simulator", "checked_model:good", "--inputs", "a=unifrom(0, 1)"], "did you mean 'uniform'"),
        (
            ["--simulator", "checked_model:good", "--inputs", "a=uniform(1, 0)"],
            "inputs.a.high = 0: must be greater than low",
        ),
        (["--simulator", "checked_model:good", "--inputs", "a=uniform(0, 1)", "--runs", "1"], "ask for two or more"),
        ([], "no study is named"),
    ],
)
def test_refused_before_a_run(capsys, arguments, message):
    assert main(["check", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Remedy: " in told.err
    assert "passed" not in told.out


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("x=uniform(0, 1)", {"kind": "uniform", "low": 0, "high": 1}),
        ("x = normal(1.5, standard_deviation=2e-3)", {"kind": "normal", "mean": 1.5, "standard_deviation": 2e-3}),
        ("x=gamma(2.5, -1, units='m')", {"kind": "gamma", "a": 2.5, "loc": -1, "units": "m"}),
        ("x=norm()", {"kind": "norm"}),
        ("x=categorical(['wood', 'steel'])", {"kind": "categorical", "values": ["wood", "steel"]}),
    ],
)
def test_laws_written_as_calls(text, law):
    assert law_of(text) == ("x", law)


@pytest.mark.parametrize(
    "text", ["x", "x=", "x=uniform", "x=uniform(0, 1", "x=uniform(0, exit())", "x=a.b(1)", "x=uniform(*range(2))"]
)
def test_laws_that_are_none(text):
    with pytest.raises(StudyError, match="is no law of an input"):
        law_of(text)


def test_laws_with_too_many_settings():
    with pytest.raises(StudyError, match=r"has fewer settings.*it takes low, high"):
        law_of("x=integer(0, 1, 2)")
