import numpy as np
import pytest

from surecast.study.errors import TrainingError
from surecast.train.grids import Axis, prolong, restrict


def cell_centres(n: int) -> tuple[float, ...]:
    return tuple((np.arange(n) + 0.5) / n)


def nodes(n: int) -> tuple[float, ...]:
    return tuple(np.arange(n) / n)


@pytest.mark.parametrize(("fine", "cells"), [(64, 32), (64, 64), (48, 20), (33, 9)])
@pytest.mark.parametrize("periodic", [False, True])
def test_restriction_undoes_prolongation(fine: int, cells: int, periodic: bool) -> None:
    axis = Axis("x", nodes(fine) if periodic else cell_centres(fine), cells, periodic)
    np.testing.assert_allclose(axis.restriction @ axis.prolongation, np.eye(cells), atol=1e-10)


def test_cubics_survive_between_cell_centres() -> None:
    axes = (Axis("y", cell_centres(40), 10, False), Axis("x", cell_centres(64), 16, False))

    def cubic(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (1 + y[:, None] ** 3) * (2 - x**3 + x)

    coarse = cubic(axes[0].coarse, axes[1].coarse)
    fine = cubic(np.array(axes[0].fine), np.array(axes[1].fine))
    np.testing.assert_allclose(prolong(coarse[None], axes)[0], fine, atol=1e-12)
    np.testing.assert_allclose(restrict(fine[None], axes)[0], coarse, atol=1e-10)


@pytest.mark.parametrize("cells", [16, 17])
def test_waves_survive_on_a_periodic_axis(cells: int) -> None:
    axis = Axis("x", nodes(50), cells, True)
    for wave in range(8):
        coarse, fine = (np.cos(2 * np.pi * wave * x + 0.3) for x in (axis.coarse, np.array(axis.fine)))
        np.testing.assert_allclose(prolong(coarse[None], (axis,))[0], fine, atol=1e-12)
        np.testing.assert_allclose(restrict(fine[None], (axis,))[0], coarse, atol=1e-12)


def test_interpolation_between_cell_centres_is_of_fourth_order() -> None:
    errors = []
    for cells in (16, 32, 64):
        axis = Axis("x", cell_centres(2 * cells), cells, False)
        errors.append(
            np.abs(prolong(np.sin(5 * axis.coarse)[None], (axis,))[0] - np.sin(5 * np.array(axis.fine))).max()
        )
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (orders > 3.5).all()


def test_a_run_has_the_same_bits_whatever_its_neighbours() -> None:
    axes = (Axis("y", cell_centres(24), 12, False), Axis("x", cell_centres(24), 12, False))
    fields = np.random.default_rng(0).normal(size=(9, 3, 24, 24)).astype(np.float32)
    for work in (restrict, lambda values, axes: prolong(restrict(values, axes), axes)):
        together = work(fields, axes)
        assert all((work(fields[i : i + 1], axes)[0] == together[i]).all() for i in range(9))
        assert together.dtype == np.float32


@pytest.mark.parametrize("cells", [3, 65])
def test_a_grid_that_does_not_suit_is_refused(cells: int) -> None:
    with pytest.raises(TrainingError, match=f"grid of {cells} cells along x"):
        Axis("x", cell_centres(64), cells, False)


def test_a_grid_that_is_not_uniform_is_refused() -> None:
    with pytest.raises(TrainingError, match="not a uniform grid"):
        Axis("x", tuple(np.linspace(0, 1, 9) ** 2), 4, False)
