r"""A convolutional network in the place of the inverse of a five-point matrix: r -> A^-1 r but for a factor.

    v = lift r;   cycle(v):  v <- v + P2 relu P1 v
                             v <- v + w + Q2 relu Q1 [v, w],   w = gain up(cycle(pool(v)))
    q = project cycle(v)

All convolutions have width 3 and no bias, and beyond the square they see zeros: the map is homogeneous, g(s r) = s g(r)
for s > 0. Kaneda et al., "A deep conjugate direction method for iteratively solving linear systems", ICML 2023, have a
U-net with one or two poolings; here one set of weights serves every halving of the grid down to four cells or an odd
number, as in a multigrid cycle, so that one network serves grids of any size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from surecast.study.errors import DataError
from surecast.study.files import written_aside
from surecast.train.device import same_bits

COARSEST = 4
FORMAT = "surecast preconditioner 1"


class MultilevelCycle(nn.Module):
    """The network; `width` channels on every level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.lift, self.project = _convolution(1, width), _convolution(width, 1)
        self.before = nn.ModuleList([_convolution(width, width), _convolution(width, width)])
        self.after = nn.ModuleList([_convolution(2 * width, width), _convolution(width, width)])
        self.bottom = nn.ModuleList([_convolution(width, width), _convolution(width, width)])
        self.gain = nn.Parameter(torch.tensor(2.0))

    def forward(self, r: Tensor) -> Tensor:
        """(batch, 1, n, n) -> (batch, 1, n, n)."""
        out: Tensor = self.project(self._cycle(self.lift(r)))
        return out

    def _cycle(self, v: Tensor) -> Tensor:
        v = v + self.before[1](relu(self.before[0](v)))
        if v.shape[-1] <= COARSEST or v.shape[-1] % 2:
            coarsest: Tensor = v + self.bottom[1](relu(self.bottom[0](v)))
            return coarsest
        coarse = self._cycle(avg_pool2d(v, 2))
        w = self.gain * interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        v = v + w + self.after[1](relu(self.after[0](torch.cat((v, w), dim=1))))
        return v


def _convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)


class LearntPreconditioner:
    """`surecast.simulate.conjugate_gradients.Preconditioner` of a network; not linear: for conjugate directions."""

    def __init__(self, network: MultilevelCycle) -> None:
        self._network = network.eval()

    @torch.no_grad()
    def apply(self, residual: np.ndarray, out: np.ndarray) -> None:
        """Write the directions (batch, n, n) of residuals, in single precision, one after the other."""
        with same_bits():
            for row, square in enumerate(residual):
                given = torch.from_numpy(square.astype(np.float32))[None, None]
                out[row] = self._network(given)[0, 0].numpy()


def write_preconditioner(path: str | Path, network: MultilevelCycle) -> None:
    """Write the weights as safetensors."""
    from safetensors.torch import save_file

    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with written_aside(path) as aside:
        save_file(weights, aside, metadata={"format": FORMAT, "width": str(network.width)})


def read_preconditioner(path: str | Path) -> LearntPreconditioner:
    """The preconditioner of a file of `write_preconditioner`.

    Raises
    ------
    DataError
        If the file is none of these, or torn.
    """
    from safetensors import SafetensorError, safe_open

    remedy = "make it anew: surecast preconditioner --output FILE."
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as a preconditioner ({error}).", remedy) from error
    if about.get("format") != FORMAT:
        raise DataError(f"{path} holds no preconditioner of this version.", remedy)
    network = MultilevelCycle(int(about["width"]))
    network.load_state_dict(weights)
    return LearntPreconditioner(network)
