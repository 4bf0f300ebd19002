"""What every network must do, and what one or the other can do besides."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from surecast.study.errors import TrainingError
from surecast.train.models.fno import FNO
from surecast.train.models.fno_network import SpectralConvolution
from surecast.train.models.unet import UNet

NETWORKS = {
    "fno": FNO(width=6, modes=3, layers=2, padding=2),
    "unet": UNet(width=4, levels=2),
}
every = pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS.keys())
dimensions = pytest.mark.parametrize("dimensions", [1, 2])


def build(settings: FNO | UNet, dimensions: int, periodic: bool = False) -> nn.Module:
    torch.manual_seed(0)
    return settings.network(3, 2, dimensions, periodic).double()


def field(dimensions: int, size: int = 16, runs: int = 2) -> Tensor:
    torch.manual_seed(1)
    return torch.randn(runs, 3, *(size,) * dimensions, dtype=torch.float64)


@every
@dimensions
@pytest.mark.parametrize("size", [8, 16, 20])
def test_shapes_on_any_grid(settings: FNO | UNet, dimensions: int, size: int) -> None:
    assert build(settings, dimensions)(field(dimensions, size)).shape == (2, 2, *(size,) * dimensions)


@every
@dimensions
def test_gradients_agree_with_differences(settings: FNO | UNet, dimensions: int) -> None:
    network, inputs = build(settings, dimensions), field(dimensions, 8)
    for parameter in network.parameters():
        network.zero_grad()
        network(inputs).square().sum().backward()
        assert parameter.grad is not None
        direction = torch.randn_like(parameter)
        with torch.no_grad():
            values = []
            for step in (1e-5, -2e-5):
                parameter += step * direction
                values.append(float(network(inputs).square().sum()))
            parameter += 1e-5 * direction
        slope = (values[0] - values[1]) / 2e-5
        assert slope == pytest.approx(float((parameter.grad * direction).sum()), rel=1e-5, abs=1e-6)


@every
@dimensions
def test_every_parameter_is_used(settings: FNO | UNet, dimensions: int) -> None:
    network = build(settings, dimensions)
    network(field(dimensions)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())


@every
@dimensions
def test_runs_do_not_influence_each_other(settings: FNO | UNet, dimensions: int) -> None:
    network, inputs = build(settings, dimensions), field(dimensions)
    other = inputs.clone()
    other[1] *= 5.0
    torch.testing.assert_close(network(inputs)[0], network(other)[0], rtol=1e-12, atol=1e-12)


@every
@dimensions
def test_on_periodic_axes_a_shifted_input_gives_a_shifted_prediction(settings: FNO | UNet, dimensions: int) -> None:
    network, inputs = build(settings, dimensions, periodic=True), field(dimensions)
    shifted = network(inputs.roll(4, dims=-1))
    torch.testing.assert_close(shifted, network(inputs).roll(4, dims=-1), rtol=1e-9, atol=1e-9)


@every
def test_the_same_seed_gives_the_same_weights(settings: FNO | UNet) -> None:
    first, second = build(settings, 2).state_dict(), build(settings, 2).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


def wave(dimensions: int) -> Callable[[int], Tensor]:
    """A band-limited field on any grid."""

    def on_grid(size: int) -> Tensor:
        x = torch.arange(size, dtype=torch.float64) * (2 * torch.pi / size)
        line = torch.stack((torch.sin(x), torch.cos(2 * x), 0.3 + torch.sin(2 * x + 1)))[None]
        return line if dimensions == 1 else line[..., None] * torch.cos(x - 0.4) + line[..., None, :]

    return on_grid


@dimensions
def test_a_spectral_convolution_is_the_same_operator_at_every_resolution(dimensions: int) -> None:
    torch.manual_seed(0)
    layer = SpectralConvolution(3, 4, dimensions).double()
    coarse, fine = (layer(wave(dimensions)(size)) for size in (16, 48))
    every_third = fine[..., ::3] if dimensions == 1 else fine[..., ::3, ::3]
    torch.testing.assert_close(every_third, coarse, rtol=1e-12, atol=1e-12)


def test_a_spectral_convolution_multiplies_its_modes_and_drops_the_others() -> None:
    layer = SpectralConvolution(1, 4, 1).double()
    with torch.no_grad():
        layer.weight[..., 0], layer.weight[..., 1] = 2.0, 0.0
    x = torch.arange(32, dtype=torch.float64) * (2 * torch.pi / 32)
    kept, dropped = 1.5 + torch.sin(3 * x), torch.cos(4 * x) + torch.sin(9 * x)
    torch.testing.assert_close(layer((kept + dropped)[None, None])[0, 0], 2 * kept, rtol=1e-12, atol=1e-12)


def test_the_fno_refuses_a_grid_too_coarse_for_its_modes() -> None:
    with pytest.raises(TrainingError, match=r"keeps 20 modes.*more than its grid of 32 cells.*at most 16"):
        FNO(modes=20, padding=0).check_grid((32,))


@pytest.mark.parametrize("cells", [(30, 32), (4, 4)])
def test_the_unet_refuses_a_grid_that_cannot_be_halved(cells: tuple[int, ...]) -> None:
    with pytest.raises(TrainingError, match=r"halves its grid.*divisible by 4, at least 8"):
        UNet(levels=3).check_grid(cells)
