"""Test problems: their answers hold within the stated error, and a study can name them."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.stats import qmc

from surecast.quantify.event import parse_event
from surecast.simulate.problems import names, problem
from surecast.simulate.problems.beam_laws import PARAMETERS, law_of
from surecast.simulate.truth import Truth
from surecast.study.errors import ComponentError, StudyError
from surecast.study.load import load_study
from surecast.study.units import check_unit

EVERY = names()


def sobol_points(dimension: int, replicate: int, power: int = 13) -> np.ndarray:
    sampler = qmc.Sobol(dimension, rng=np.random.Generator(np.random.PCG64DXSM(replicate)))
    return sampler.random_base2(power) * (1 - 2.0**-30) + 2.0**-31


def within(truth: float, found: list[float] | np.ndarray, more: float = 0.0) -> bool:
    """Whether independent replicates agree with a true value: five standard errors, t with 7 degrees of freedom."""
    found = np.asarray(found)
    error = math.hypot(float(found.std(ddof=1)) / math.sqrt(len(found)), more)
    return abs(found.mean() - truth) <= 6 * error + 1e-9 * abs(truth)


def test_the_fourteen_problems_are_there_with_what_each_needs():
    assert len(EVERY) == 14
    for name in EVERY:
        found = problem(name)
        assert found.name == name
        assert set(found.law.names) == set(found.inputs)
        assert found.citation
        assert found.licence
        assert found.how
        assert set(found.standard_error) == set(found.reference)
        assert all(math.isfinite(value) for value in found.reference.values())
        for quantity in found.quantities.values():
            check_unit(quantity.units)
        if found.kind == "probability":
            assert parse_event(found.event).names() == [found.output]
        else:
            assert found.event == ""
    assert sorted(names("sobol") + names("probability") + names("expectations")) == sorted(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_outputs_have_units_and_do_not_depend_on_the_neighbours(name):
    found = problem(name)
    inputs = found.law.from_uniform(np.random.Generator(np.random.PCG64DXSM(3)).random((37, found.law.dimension)))
    outputs = found.simulator(inputs)
    assert tuple(outputs.data_vars) == found.outputs
    for one in found.outputs:
        assert outputs[one].dims == ("run",)
        assert outputs[one].attrs == {
            "units": found.quantities[one].units,
            "long_name": found.quantities[one].long_name,
        }
        alone = np.concatenate([found.simulator(inputs.isel(run=[row]))[one].values for row in range(37)])
        np.testing.assert_array_equal(outputs[one].values, alone)


@pytest.mark.parametrize("name", names("sobol"))
def test_moments_and_indices(name):
    """Eight scrambled pick-freeze samples agree with the reference: Saltelli (2010) and Jansen (1999)."""
    found = problem(name)
    d = found.law.dimension
    rows: dict[str, list[float]] = {key: [] for key in found.reference}

    def call(uniforms: np.ndarray) -> np.ndarray:
        return found.simulator(found.law.from_uniform(uniforms))[found.output].values

    for replicate in range(8):
        a, b = np.split(sobol_points(2 * d, replicate), 2, axis=1)
        at_a, at_b = call(a), call(b)
        variance = np.concatenate([at_a, at_b]).var()
        rows["mean"].append(at_a.mean())
        rows["variance"].append(at_a.var())
        for column, member in enumerate(found.law.names):
            mixed = a.copy()
            mixed[:, column] = b[:, column]
            at_mixed = call(mixed)
            rows[f"first[{member}]"].append(np.mean((at_b - at_a.mean()) * (at_mixed - at_a)) / variance)
            rows[f"total[{member}]"].append(0.5 * np.mean((at_a - at_mixed) ** 2) / variance)
    for key, truth in found.reference.items():
        assert within(truth, rows[key], found.standard_error[key]), key


@pytest.mark.parametrize("name", ["ishigami", "gfunction8"])
def test_closed_forms_add_up(name):
    """Variance from the components in closed form, not from the stored numbers."""
    reference = problem(name).reference
    if name == "ishigami":
        assert reference["variance"] == pytest.approx(
            0.5 + 49 / 8 + 0.1 * np.pi**4 / 5 + 0.01 * np.pi**8 / 18, rel=1e-12
        )
        assert sum(reference[f"first[x{i}]"] for i in (1, 2, 3)) + reference["total[x3]"] == pytest.approx(1, abs=1e-12)
    else:
        parts = [1 / (3 * (1 + a) ** 2) for a in (0, 1, 4.5, 9, 99, 99, 99, 99)]
        assert reference["variance"] == pytest.approx(math.prod(1 + p for p in parts) - 1, rel=1e-12)


def boundary(g, low: float, high: float, inner: np.ndarray) -> float:
    """Normal probability of g(u1, .) < 0 along u2 at fixed u1, from sign changes on a grid refined by bisection."""
    values = g(inner)
    total = float(stats.norm.cdf(low) * (values[0] < 0) + stats.norm.sf(high) * (values[-1] < 0))
    edges = [low]
    for left, right, at_left, at_right in zip(inner, inner[1:], values, values[1:], strict=False):
        if (at_left < 0) != (at_right < 0):
            for _ in range(50):
                middle = 0.5 * (left + right)
                if (g(np.array([middle]))[0] < 0) == (at_left < 0):
                    left = middle
                else:
                    right = middle
            edges.append(0.5 * (left + right))
    edges.append(high)
    for left, right in itertools.pairwise(edges):
        if g(np.array([0.5 * (left + right)]))[0] < 0:
            total += float(stats.norm.cdf(right) - stats.norm.cdf(left))
    return total


@pytest.mark.parametrize("name", ["fourbranch", "RP22"])
def test_probabilities_in_two_dimensions_by_quadrature(name):
    function = problem(name).function
    inner = np.linspace(-9, 9, 181)
    nodes = np.linspace(-8, 8, 801)
    slices = [boundary(lambda u2, u1=u1: function(np.full_like(u2, u1), u2), -9, 9, inner) for u1 in nodes]
    found = integrate.trapezoid(np.array(slices) * stats.norm.pdf(nodes), nodes)
    # The trapezium rule sees kinks where branches meet: 1e-3 of the value at this step.
    assert found == pytest.approx(problem(name).reference["probability"], rel=2e-3)


def test_probabilities_with_one_input_integrated_out():
    """The corner and the axially loaded bar by quadrature; the half-space in closed form."""
    corner = [stats.norm.pdf, lambda u1: np.maximum(stats.norm.sf(2 + u1**2 / 8) - stats.norm.sf(16 * u1 - 32), 0)]
    fails = integrate.quad(lambda u1: corner[0](u1) * corner[1](u1), 2, 9, points=[2.16, 2.2, 2.5], epsabs=1e-13)[0]
    assert fails == pytest.approx(problem("RP25").reference["probability"], rel=1e-4)
    bar = problem("axialbeam")
    fails = integrate.quad(
        lambda z: (
            stats.norm.pdf(z) * bar.law.laws["R"].to_uniform(np.array([(75000 + 5000 * z) / (100 * np.pi)]))[0, 0]
        ),
        -10,
        10,
        epsabs=1e-13,
    )[0]
    assert fails == pytest.approx(bar.reference["probability"], rel=1e-9)
    assert problem("RP107").reference["probability"] == pytest.approx(stats.norm.sf(5.0), rel=1e-12)
    half_space = problem("RP107")
    at = half_space.law.from_normal(np.full((1, 10), 5 / np.sqrt(10)))
    assert half_space.simulator(at)["g"].values[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["RP8", "beam_pf"])
def test_probabilities_by_conditional_sampling(name):
    """The last input integrated out, the others by scrambled Sobol points."""
    found = problem(name)
    last = found.law.names[-1]
    law = found.law.laws[last]
    estimates = []
    for replicate in range(8):
        u = sobol_points(found.law.dimension, replicate, 14)
        inputs = found.law.from_uniform(u)
        others = {key: inputs[key].values for key in found.law.names if key != last}
        if name == "RP8":
            rest = others["x1"] + 2 * others["x2"] + 2 * others["x3"] + others["x4"] - 5 * others["x5"]
            chance = np.where(rest > 0, 1 - law.to_uniform(np.maximum(rest / 5, 1e-12))[:, 0], 1.0)
        else:
            one = found.function(**others, L=np.ones(len(u)))
            chance = 1 - law.to_uniform(((0.15) / (0.15 - one)) ** (1 / 3))[:, 0]
        estimates.append(chance.mean())
    assert within(found.reference["probability"], estimates, found.standard_error["probability"])


def test_gaussian_moments_by_quadrature():
    found = problem("gauss_moments")
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    values = found.function(nodes)
    for name, value in zip(found.outputs, values, strict=True):
        assert weights @ value / math.sqrt(2 * math.pi) == pytest.approx(found.reference[name], rel=1e-12)


def test_the_beam_under_a_hundred_laws():
    found = problem("beam_100")
    rows = json.loads(PARAMETERS.read_text())["rows"]
    assert len(rows) == len(found.laws) == len(found.reference) == 100
    # Every row keeps the ranges of the paper, and the columns are a Latin hypercube in them.
    low = np.array([525, 425, 175, 0.06, 0.09, 4, -0.6, 0, 0])
    high = np.array([575, 475, 225, 0.07, 0.1, 5, 0, 0.5, 0.5])
    share = (np.array(rows) - low) / (high - low)
    for column in share.T:
        # Rounded to six decimals: a value may stand on the edge of its cell.
        np.testing.assert_array_less(np.abs(np.sort(column) - (np.arange(100) + 0.5) / 100), 0.0051)
    for name in ("law_001", "law_050", "law_100"):
        law = found.laws[name]
        means = [
            found.simulator(law.from_uniform(sobol_points(6, 100 + replicate)))["deflection"].values.mean()
            for replicate in range(8)
        ]
        assert within(found.reference[name], means, found.standard_error[name])
    inputs, links = law_of(rows[0])
    assert links[0]["between"] == ["w", "t"]
    assert inputs["w"]["mean"] == rows[0][3]


def test_a_name_that_is_none_gives_the_nearest():
    with pytest.raises(ComponentError, match="did you mean 'borehole'"):
        problem("borhole")


STUDY = """
simulator: {kind: problem, name: NAME}
outputs:
  flow: {kind: variable}
design: {kind: sobol, train: 16, validation: 16, test: 16}
questions:
  averages: {kind: moments, of: flow, runs: 64}
"""


def test_a_study_names_a_problem_and_leaves_out_its_inputs(tmp_path):
    (tmp_path / "well.yaml").write_text(STUDY.replace("NAME", "borehole"))
    study = load_study(tmp_path / "well.yaml")
    study.check()
    known = problem("borehole")
    assert study.joint_law().names == known.law.names
    inputs = study.joint_law().from_uniform(np.random.Generator(np.random.PCG64DXSM(1)).random((8, 8)))
    outputs = Truth(study)(inputs)
    np.testing.assert_array_equal(outputs["flow"].values, known.simulator(inputs)["flow"].values)
    assert outputs["flow"].attrs["units"] == "m3/year"
    assert not outputs["failed"].values.any()


def test_a_study_may_give_other_laws(tmp_path):
    text = STUDY.replace("NAME", "ishigami").replace("flow", "y")
    laws = "".join(f"  x{i}: {{kind: normal, mean: 0, standard_deviation: 1}}\n" for i in (1, 2, 3))
    (tmp_path / "mine.yaml").write_text(text + "inputs:\n" + laws)
    study = load_study(tmp_path / "mine.yaml")
    study.check()
    assert study.inputs["x1"].kind == "normal"


def test_a_study_with_a_wrong_name_hears_the_nearest_one(tmp_path):
    (tmp_path / "well.yaml").write_text(STUDY.replace("NAME", "borehol"))
    with pytest.raises(StudyError, match=r"well.yaml:2: simulator.name = borehol: .*did you mean 'borehole'"):
        load_study(tmp_path / "well.yaml")


def test_without_a_problem_inputs_are_needed(tmp_path):
    text = STUDY.replace("kind: problem, name: NAME", "kind: groundwater")
    (tmp_path / "well.yaml").write_text(text)
    with pytest.raises(StudyError, match="inputs"):
        load_study(tmp_path / "well.yaml")
