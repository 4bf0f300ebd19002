"""The user's own right-hand side: orders in time and space against closed forms, bits, refinement, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from surecast.design.make import make_design
from surecast.simulate.checks import check_simulator
from surecast.simulate.right_hand_side import RightHandSide
from surecast.simulate.truth import Truth
from surecast.study.errors import ComponentError, SimulationError
from surecast.study.load import load_study

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = '''
import numpy as np

def decay(u, rate, t):
    """Decay, driven by a cosine."""
    return [np.cos(t) - rate * one for one in u]

def ones(shape):
    return np.ones(shape)

def heat(u, diffusivity, extent):
    n, du = len(u), np.empty_like(u)
    for i in range(n):
        du[i] = diffusivity * (n / extent) ** 2 * (u[i - 1] - 2 * u[i] + u[(i + 1) % n])
    return du

def wave(shape, height):
    edges = np.cos(2 * np.pi * np.arange(shape[0] + 1) / shape[0])
    return height * (edges[:-1] - edges[1:]) * (shape[0] / (2 * np.pi))  # averages of a sine over cells

def blows_up(u):
    return u * u * u

def any_name(u, **parameters):
    return u

number = 3
'''


@pytest.fixture
def build(tmp_path):
    (tmp_path / "equations.py").write_text(FUNCTIONS)

    def built(rate, initial, **settings):
        names = {"rate": f"equations:{rate}", "initial": f"equations:{initial}"}
        return RightHandSide.model_validate({**names, **settings}, context={"folder": tmp_path})

    return built


def runs(**values):
    return xr.Dataset({name: ("run", np.asarray(value, dtype=float)) for name, value in values.items()})


def order(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def test_order_in_time_is_four(build):
    rates = np.array([0.5, 1.0, 3.0])
    # u' = cos t - r u: u = (r cos t + sin t)/(1 + r^2) + (1 - r/(1 + r^2)) e^(-r t).
    exact = (rates * np.cos(2.0) + np.sin(2.0)) / (1 + rates**2) + (1 - rates / (1 + rates**2)) * np.exp(-2 * rates)
    errors = []
    for steps in (10, 20, 40, 80):
        simulator = build("decay", "ones", state={"component": 2}, time=2.0, steps=steps)
        found = simulator.run(runs(rate=rates))["solution"].values
        errors.append(np.abs(found - exact[:, None]).max())
    assert order(errors) == pytest.approx(np.full(3, 4.0), abs=0.2)


def test_order_in_space_is_two_and_refined_runs_are_restricted_to_cells(build):
    inputs = runs(diffusivity=[0.01, 0.02], height=[1.0, -2.0])
    simulator = build(
        "heat", "wave", state={"x": 8}, cells=["x"], arguments={"extent": 2.0}, time=4.0, steps=8, frames=2, units="K"
    )
    errors, raw = [], simulator.run(inputs)
    for _ in range(4):
        found = simulator.run(inputs)["solution"]
        decay = np.exp(-inputs["diffusivity"] * np.pi**2 * 4.0)
        still = build("blows_up", "wave", state=simulator.state, cells=["x"], time=1e-12, steps=1)
        start = still.run(inputs)["solution"]
        errors.append(float(np.abs(found - start * decay).max()))
        finer, simulator = simulator, simulator.refined()
    assert order(errors) == pytest.approx(np.full(3, 2.0), abs=0.2)
    assert finer.resolution() == {"x": 64, "steps": 512}
    assert finer.work() == 64 * 512
    assert [one.resolution() for one in finer.coarser()] == [
        {"x": 32, "steps": 128},
        {"x": 16, "steps": 32},
        {"x": 8, "steps": 8},
    ]
    coarse = finer.coarser()[0].restrict(finer.run(inputs))
    assert coarse["history"].dims == ("run", "time", "x")
    np.testing.assert_allclose(coarse["x"], (np.arange(32) + 0.5) / 32)
    np.testing.assert_allclose(coarse["solution"], finer.coarser()[0].run(inputs)["solution"], atol=2e-3)
    assert raw["solution"].attrs == {"units": "K", "long_name": "state at the final time"}
    np.testing.assert_array_equal(raw["history"][:, -1], raw["solution"])
    # The sum over the ring is kept.
    np.testing.assert_allclose(raw["history"].sum("x"), 0, atol=1e-14)


def test_it_keeps_the_promises_of_a_simulator(build):
    simulator = build("heat", "wave", state={"x": 12}, arguments={"extent": 1.0}, steps=20)
    draw = np.random.default_rng(0)
    inputs = runs(diffusivity=0.01 * draw.random(9), height=1 + draw.random(9))
    check_simulator(simulator, inputs)
    assert simulator.input_names() == ("height", "diffusivity")
    assert simulator.refined().resolution() == {"steps": 40}
    assert simulator.card()["arguments"] == {"extent": 1.0}
    assert build("decay", "ones", state={"c": 1}).card()["equation"] == "u_t = Decay, driven by a cosine."
    assert simulator.code_targets() == ["equations", "surecast.simulate.right_hand_side:RightHandSide"]
    whole = simulator.run(inputs)["solution"].values
    alone = [simulator.run(inputs.isel(run=[run]))["solution"].values for run in range(9)]
    np.testing.assert_array_equal(np.concatenate(alone), whole)


def test_a_run_that_blows_up_is_a_failed_run(build):
    raw = build("blows_up", "wave", state={"x": 2}, steps=10).run(runs(height=[0.1, 90.0]))
    assert list(raw["failure"].values) == [
        "",
        "the time integration became unstable (not finite at t = 1); take more steps",
    ]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"state": {"run": 3}}, ValueError, "state has run: 3"),
        ({"state": {"x": 0}}, ValueError, "state has x: 0"),
        ({"species": ["u", "u"]}, ValueError, "species has 'u'; give every state a name of its own"),
        ({"species": ["x"]}, ValueError, "species has 'x'"),
        ({"cells": ["y"]}, ValueError, "cells names y, which is no dimension"),
        ({"steps": 10, "frames": 3}, ValueError, "no multiple of frames"),
        (
            {"arguments": {"extend": 1.0}},
            ComponentError,
            "neither equations:wave nor equations:heat has an argument 'extend'",
        ),
        ({"rate": "equations:any_name"}, ComponentError, "every parameter by a name of its own"),
        ({"rate": "equations:number"}, ComponentError, "equations:number is no callable but int"),
        ({"rate": "wave:heat:1"}, ValueError, "should match pattern"),
        ({"rate": "equations:head"}, ComponentError, "has no 'head'"),
    ],
)
def test_settings_that_cannot_be_are_refused(build, settings, error, message):
    given = {"state": {"x": 4}, "arguments": {"extent": 1.0}} | settings
    rate = given.pop("rate", "equations:heat").split(":", 1)[1]
    with pytest.raises(error, match=message):
        build(rate, "wave", **given)


def test_an_input_that_is_not_there_and_functions_that_cannot_be_traced(build):
    with pytest.raises(SimulationError, match="lacks its input 'height'"):
        build("blows_up", "wave", state={"x": 2}).run(runs(rate=[1.0]))
    with pytest.raises(SimulationError, match=r"height has dimensions .*, not run alone"):
        build("blows_up", "wave", state={"x": 2}).run(runs(height=[1.0]).expand_dims(height_term=3))
    with pytest.raises(
        ComponentError, match=r"wave returned an array of the shape \(4,\) for a state of the shape \(4, 2\)"
    ):
        build("decay", "wave", state={"x": 4, "y": 2}).check()


def test_the_study_of_the_documentation_runs(tmp_path):
    text = (ROOT / "docs" / "simulators.md").read_text(encoding="utf-8")
    section = text[text.index("## Your own right-hand side") :]
    for name in ("brusselator.py", "brusselator.yaml"):
        (tmp_path / name).write_text(re.search(rf"```\w+\n(# {name}\n.*?)```", section, re.DOTALL)[1])
    study = load_study(tmp_path / "brusselator.yaml")
    study.check()
    design = make_design(study).isel(run=slice(3))
    found = Truth(study)(design)
    assert found["u"].dims == ("run", "x")
    np.testing.assert_allclose(found["peak"], found["u"].max("x"), rtol=1e-6)  # fields are kept in single precision
    # Along the way, u and v are those of the whole state, species first.
    simulator = study.build_simulator().model_copy(update={"frames": 4})
    raw = simulator.run(design)
    both = simulator.model_copy(update={"species": [], "state": {"species": 2, "x": 32}}).run(design)
    np.testing.assert_array_equal(raw["history_v"], both["history"].isel(species=1))
    np.testing.assert_array_equal(raw["u"], both["solution"].isel(species=0))
    assert raw["v"].attrs["long_name"] == "state v at the final time"
    np.testing.assert_array_equal(raw["u"].astype(np.float32), found["u"])
