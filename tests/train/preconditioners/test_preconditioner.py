"""A learnt preconditioner: its loss against the exact inverse, its training, its file, and a plate solved with it."""

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import save_file

from surecast.cli.main import main
from surecast.simulate.cooled_plate import CooledPlate
from surecast.simulate.identity import simulator_digest
from surecast.simulate.linear.five_point import laplacian, solve_shifted
from surecast.study.code import code_digest
from surecast.study.errors import DataError, TrainingError
from surecast.study.seeds import generator
from surecast.train.preconditioners.fit import fit_preconditioner, five_point, loss_of, right_sides
from surecast.train.preconditioners.multilevel import LearntPreconditioner, MultilevelCycle, read_preconditioner

CELLS = 16


@pytest.fixture(scope="module")
def trained():
    losses = []
    network = fit_preconditioner(CELLS, 30, batch=4, width=8, report=lambda step, loss: losses.append(loss))
    return network, losses


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Trained from the command line, for two steps: bad, and good enough for a true answer."""
    path = tmp_path_factory.mktemp("weights") / "plate.safetensors"
    assert main(["preconditioner", "--output", str(path), "--cells", "8", "--steps", "2"]) == 0
    return path


def test_the_matrix_of_the_loss_is_that_of_the_simulators():
    q = np.random.default_rng(0).standard_normal((2, 1, 9, 9))
    image = five_point(torch.from_numpy(q)).numpy()
    expected = np.array([laplacian(9) @ row.reshape(-1) / 81 for row in q]).reshape(q.shape)
    np.testing.assert_allclose(image, expected, atol=1e-13)


def test_the_loss_of_the_inverse_is_nothing_and_that_of_the_residual_is_steepest_descents():
    b = right_sides(CELLS, 3, generator(0, "tests", "preconditioner")).astype(np.float64)
    np.testing.assert_allclose(np.square(b).sum(axis=(1, 2, 3)), 1.0, rtol=1e-6)

    def inverse(r):
        return torch.from_numpy(
            np.array([-2 * solve_shifted(CELLS, 0.0, row.reshape(-1)) for row in r.numpy()]).reshape(b.shape)
        )

    assert float(loss_of(inverse, torch.from_numpy(b))) < 1e-10
    left = []
    for row in b.reshape(3, -1):
        image = laplacian(CELLS) @ row
        left.append(np.square(row - (row @ row) / (row @ image) * image).sum())
    assert float(loss_of(lambda r: r, torch.from_numpy(b))) == pytest.approx(np.mean(left), rel=1e-6)


def test_training_lowers_the_loss_and_gives_the_same_weights_again(trained):
    _, losses = trained
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    first = fit_preconditioner(8, 3, batch=2, width=4)
    before = torch.random.get_rng_state()
    second = fit_preconditioner(8, 3, batch=2, width=4)
    assert torch.equal(before, torch.random.get_rng_state())
    other = fit_preconditioner(8, 3, batch=2, width=4, seed=1)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    assert not torch.equal(first.lift.weight, other.lift.weight)


def test_a_training_that_diverges_says_so():
    with pytest.raises(TrainingError, match="lower the learning rate"):
        fit_preconditioner(8, 60, batch=2, width=4, rate=1e30)


@pytest.mark.parametrize("cells", [4, 12, 15, 32])
def test_one_network_serves_every_grid_and_scales_with_its_input(trained, cells):
    preconditioner = LearntPreconditioner(trained[0])
    r = np.random.default_rng(1).standard_normal((2, cells, cells))
    out, scaled, alone = np.empty_like(r), np.empty_like(r), np.empty((1, cells, cells))
    preconditioner.apply(r, out)
    preconditioner.apply(4.0 * r, scaled)
    preconditioner.apply(r[1:], alone)
    np.testing.assert_allclose(scaled, 4.0 * out, rtol=1e-5, atol=1e-5 * np.abs(out).max())
    assert alone.tobytes() == out[1:].tobytes()


def test_files_come_back_and_others_are_refused(weights, tmp_path):
    network = fit_preconditioner(8, 2)
    out, again = np.empty((1, 8, 8)), np.empty((1, 8, 8))
    r = np.random.default_rng(2).standard_normal((1, 8, 8))
    LearntPreconditioner(network).apply(r, out)
    read_preconditioner(weights).apply(r, again)
    assert out.tobytes() == again.tobytes()
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(DataError, match="cannot be read"):
        read_preconditioner(torn)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(1)}, foreign)
    with pytest.raises(DataError, match="no preconditioner"):
        read_preconditioner(foreign)


def test_a_plate_solved_with_it_is_the_plate(weights):
    """However little the network has learnt, the answer is the simulator's."""
    solver = {"kind": "conjugate_directions", "network": str(weights)}
    box = [(0.25, 0.5, 0.5, 0.75)]
    plate = CooledPlate(cells=8, steps=1, cooled=box, linear_solver=solver)
    source = np.random.default_rng(3).random((2, 8, 8))
    inputs = xr.Dataset({"source": (("run", "y", "x"), source), "diffusivity": ("run", [0.1, 2.0])})
    exact = CooledPlate(cells=8, steps=1, cooled=box).run(inputs)
    found = plate.run(inputs)
    np.testing.assert_allclose(found["solution"], exact["solution"], atol=1e-8 * float(exact["solution"].max()))
    assert (found["residual"] <= 1e-10).all()
    for run in range(2):
        alone = plate.run(inputs.isel(run=[run]))
        assert alone["solution"].values.tobytes() == found["solution"].values[[run]].tobytes()


def test_weights_and_code_of_the_network_are_part_of_a_runs_identity(weights, tmp_path):
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights.read_bytes())
    plates = [
        CooledPlate(cells=8, linear_solver={"kind": "conjugate_directions", "network": str(path)})
        for path in (weights, moved)
    ]
    assert len({simulator_digest(plate, "code") for plate in plates}) == 1, "where the file lies decides nothing"
    save_file(MultilevelCycle(4).state_dict(), moved)
    other = CooledPlate(cells=8, linear_solver={"kind": "conjugate_directions", "network": str(moved)})
    assert simulator_digest(other, "code") != simulator_digest(plates[0], "code")
    assert code_digest(plates[0].code_targets()) != code_digest(CooledPlate().code_targets())
