"""Residual U-Net: convolutions at halved resolutions, joined across; block v <- S v + C2 gelu(N2 C1 gelu(N1 v)).

Ronneberger, Fischer, Brox (2015), "U-Net: convolutional networks for biomedical image segmentation", MICCAI,
figure 1, in the modern residual form of Gupta, Brandstetter (2023), "Towards multi-spatiotemporal-scale generalized
PDE modeling", TMLR, section 3.2 and appendix B: pre-activation blocks (He et al. 2016), group normalisation (which,
unlike batch normalisation, leaves runs independent of each other), added skip connections within blocks.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, pad

KERNEL = 3


class Convolution(nn.Module):
    """Convolution of width 3; the field is continued periodically, or by its boundary value."""

    def __init__(self, channels_in: int, channels_out: int, dimensions: int, periodic: bool) -> None:
        super().__init__()
        convolution = nn.Conv1d if dimensions == 1 else nn.Conv2d
        self.convolution = convolution(channels_in, channels_out, KERNEL)
        self.margin = (KERNEL // 2,) * (2 * dimensions)
        self.mode = "circular" if periodic else "replicate"

    def forward(self, v: Tensor) -> Tensor:
        """(batch, channels_in, ...) -> (batch, channels_out, ...), the same grid."""
        out: Tensor = self.convolution(_continued(v, self.margin, self.mode))
        return out


def _continued(v: Tensor, margin: tuple[int, ...], mode: str) -> Tensor:
    # On a GPU the gradient of torch's own replicate padding is not deterministic; slices and sums are.
    if mode == "circular":
        return pad(v, margin, mode)
    for axis in range(2, v.ndim):
        v = torch.cat((v.narrow(axis, 0, 1), v, v.narrow(axis, v.shape[axis] - 1, 1)), dim=axis)
    return v


class Block(nn.Module):
    """Two convolutions around a residual connection."""

    def __init__(self, channels_in: int, channels_out: int, dimensions: int, periodic: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(channels_in), _norm(channels_out)
        self.first = Convolution(channels_in, channels_out, dimensions, periodic)
        self.second = Convolution(channels_out, channels_out, dimensions, periodic)
        pointwise = nn.Conv1d if dimensions == 1 else nn.Conv2d
        self.skip = nn.Identity() if channels_in == channels_out else pointwise(channels_in, channels_out, 1)

    def forward(self, v: Tensor) -> Tensor:
        """(batch, channels_in, ...) -> (batch, channels_out, ...)."""
        out: Tensor = self.skip(v) + self.second(gelu(self.norm2(self.first(gelu(self.norm1(v))))))
        return out


def _norm(channels: int) -> nn.Module:
    groups = next(groups for groups in (4, 2, 1) if channels % groups == 0)
    return nn.GroupNorm(groups, channels)


class ResidualUNet(nn.Module):
    """Down `levels - 1` times and up again.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of the input and of the prediction.
    dimensions : int
        Spatial dimensions, 1 or 2.
    width : int
        Channels at the first level; each further level has twice as many.
    levels : int
        Resolutions; each axis is halved from one to the next, so it must be divisible by 2^(levels - 1).
    periodic : bool
        Whether the axes close on themselves.
    """

    def __init__(
        self, channels_in: int, channels_out: int, dimensions: int, *, width: int, levels: int, periodic: bool
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        self.pool = nn.AvgPool1d(2) if dimensions == 1 else nn.AvgPool2d(2)
        self.lift = Convolution(channels_in, width, dimensions, periodic)
        self.down = nn.ModuleList(
            Block(widths[max(0, level - 1)], wide, dimensions, periodic) for level, wide in enumerate(widths)
        )
        self.middle = Block(widths[-1], widths[-1], dimensions, periodic)
        self.up = nn.ModuleList(
            Block(deep + wide, wide, dimensions, periodic) for wide, deep in itertools.pairwise(widths)
        )
        self.project = Convolution(width, channels_out, dimensions, periodic)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels_in, [y,] x) -> (batch, channels_out, [y,] x)."""
        v = self.lift(inputs)
        kept = []
        for level, block in enumerate(self.down):
            v = block(self.pool(v) if level else v)
            kept.append(v)
        v = self.middle(kept.pop())
        for block in reversed(self.up):
            v = block(torch.cat((interpolate(v, scale_factor=2, mode="nearest"), kept.pop()), dim=1))
        # Not normalised again: the skips then carry the amplitude of the input through to the prediction.
        out: Tensor = self.project(v)
        return out
