"""Heat in a cooled plate against single modes of the plate and of its uncooled half, by every linear solver."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.cooled_plate import CooledPlate
from surecast.simulate.linear.five_point import eigenvalues
from surecast.simulate.linear.krylov_recycling import KrylovRecycling
from surecast.simulate.linear.learned_relaxation import LearnedRelaxation
from surecast.study.errors import StudyError
from surecast.study.load import load_study


def given(fields, diffusivity):
    return xr.Dataset(
        {
            "source": (("run", "y", "x"), np.asarray(fields)),
            "diffusivity": ("run", np.asarray(diffusivity, dtype=float)),
        }
    )


def mode(cells, i=1, j=1):
    x = (np.arange(cells) + 0.5) / cells
    return np.outer(np.sin(np.pi * j * x), np.sin(np.pi * i * x))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("stretch", [0.0, 3.0])
def test_a_mode_grows_to_order_two(half, stretch):
    """u = (1 - e^(-D l t)) / (D l) times a mode of the plate, or of its left half where the right one is cooled."""
    errors = []
    rate = 0.08 * np.pi**2 * 5
    for cells in (12, 24):
        field = mode(cells, i=2)
        boxes = [(0.5, 1.0, 0.0, 1.0)] if half else []
        plate = CooledPlate(cells=cells, steps=cells // 2, stretch=stretch, time=0.5, cooled=boxes)
        raw = plate.run(given([field], [0.08]))
        exact = field * (1 - np.exp(-0.5 * rate)) / rate
        left = slice(0, cells // 2) if half else slice(None)
        errors.append(np.abs(raw["solution"].values[0][:, left] - exact[:, left]).max())
        if half:
            assert not raw["solution"].values[0][:, cells // 2 :].any()
    np.testing.assert_allclose(np.log2(errors[0] / errors[1]), 2.0, atol=0.2)


def test_the_plate_comes_to_rest_where_the_equation_says():
    cells = 16
    field = mode(cells, 3, 2)
    raw = CooledPlate(cells=cells, time=50.0, stretch=8.0).run(given([field], [0.5]))
    np.testing.assert_allclose(raw["solution"][0], field / (0.5 * eigenvalues(cells)[1, 2]), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(raw["mean"][0], raw["solution"][0].mean(), atol=1e-15)


BOX = [(0.25, 0.5, 0.5, 0.75)]


@pytest.mark.parametrize(
    "solver", [KrylovRecycling(subspace=20, recycled=6), LearnedRelaxation(relaxations=4)], ids=lambda s: s.kind
)
def test_every_solver_gives_the_direct_answer(solver):
    fields = np.random.default_rng(0).random((2, 8, 8))
    inputs = given(fields, [0.1, 2.0])
    exact = CooledPlate(cells=8, steps=6, cooled=BOX).run(inputs)
    plate = CooledPlate(cells=8, steps=6, cooled=BOX, linear_solver=solver)
    found = plate.run(inputs)
    np.testing.assert_allclose(found["solution"], exact["solution"], atol=1e-8 * float(exact["solution"].max()))
    assert (found["residual"] <= solver.tolerance).all()
    assert (exact["residual"] < 1e-13).all()
    check_simulator(plate, inputs)  # the bits of a run do not depend on others, though the solver learns
    assert solver.words() in plate.card()["solver"]


def test_grids_times_and_card():
    plate = CooledPlate(cells=16, steps=8, cooled=BOX, stretch=2.0)
    check_simulator(CooledPlate(cells=8, steps=2), given(np.ones((3, 8, 8)), [0.1, 0.2, 0.3]))
    assert (plate.refined().cells, plate.refined().steps) == (32, 16)
    assert [(one.cells, one.steps) for one in plate.coarser()] == [(8, 4), (4, 2)]
    times = plate.times()
    assert times[0] == 0
    assert times[-1] == 1
    np.testing.assert_allclose(plate.refined().times()[::2], times, atol=1e-15)
    steps = np.diff(times)
    np.testing.assert_allclose(steps[1:] / steps[:-1], np.exp(0.25))
    assert plate.card()["boundary_conditions"] == "u = 0 at the sides and in 0.25 < x < 0.5, 0.5 < y < 0.75"


def test_failed_runs_say_why_and_harm_no_other():
    fields = np.ones((5, 8, 8))
    fields[0, 1, 1] = np.inf
    raw = CooledPlate(cells=8, steps=2).run(given(fields, [1.0, -1.0, np.nan, 1.0, 1e-320]))
    assert raw["failure"].values[4].startswith("step 1: the linear solver stopped at relative residual inf")
    assert raw["failure"].values[:4].tolist() == [
        "source is not finite", "diffusivity = -1 is not positive", "diffusivity is not finite", "",
    ]  # fmt: skip
    short = LearnedRelaxation(max_iterations=1)
    raw = CooledPlate(cells=8, steps=4, linear_solver=short).run(given(fields[1:2], [1.0]))
    assert raw["failure"].values[0].startswith("step 1: the linear solver stopped at relative residual")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cooled": [(0.5, 0.5, 0.0, 1.0)]}, "empty or not in the unit square"),
        ({"cooled": [(0.5, 1.5, 0.0, 1.0)]}, "empty or not in the unit square"),
        ({"linear_solver": {"kind": "lu"}}, "krylov_recycling"),
        ({"stretch": -1.0}, "greater than or equal to 0"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        CooledPlate(**settings)


STUDY = """
simulator: {kind: cooled_plate, cells: 8, linear_solver: SOLVER}
inputs:
  source: {kind: gaussian_field, dimensions: 2, variance: 1.0, length: 0.2, terms: 4, units: K/s}
  diffusivity: {kind: uniform, low: 0.1, high: 0.2, units: m2/s}
outputs: {mean: {}}
design: {kind: monte_carlo, train: 4, validation: 4, test: 4}
"""


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        ("{kind: krylov_recyclin}", "there is no such kind as 'krylov_recyclin'. Remedy: did you mean 'krylov_rec"),
        ("{kind: krylov_recycling, subspaces: 3}", "unknown key. Remedy: did you mean 'subspace'"),
        ("{tolerance: 1.0e-9}", "it names no kind. Remedy: linear_solver is: Solver of the systems"),
        ("{kind: krylov_recycling, recycled: 50}", "recycled = 50: is not below subspace"),
        (
            "{kind: conjugate_directions, network: no.safetensors}",
            "there is no such file. Remedy: make it: surecast",
        ),
    ],
)
def test_a_study_is_told_what_is_wrong_with_its_solver(tmp_path, solver, message):
    path = tmp_path / "plate.yaml"
    path.write_text(STUDY.replace("SOLVER", solver))
    with pytest.raises(StudyError) as caught:
        load_study(path).build_simulator()
    assert f"{path}:2: simulator.linear_solver" in str(caught.value)
    assert message in str(caught.value)


def test_a_study_may_name_a_solver(tmp_path):
    path = tmp_path / "plate.yaml"
    path.write_text(STUDY.replace("SOLVER", "{kind: learned_relaxation, context: [10.0, 1000.0]}"))
    assert load_study(path).build_simulator().linear_solver == LearnedRelaxation(context=[10.0, 1000.0])
