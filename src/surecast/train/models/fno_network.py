"""Fourier neural operator: v <- v + gelu(W v + b + F^-1(R F v)), R on the lowest modes alone, one or two dimensions.

Li, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar (2021), "Fourier neural operator for parametric
partial differential equations", ICLR, equations 2 to 5. Without batch normalisation (a run's prediction must not
depend on its neighbours), and with a residual connection around each layer (Tran, Mathews, Xie, Ong 2023,
"Factorized Fourier neural operators", ICLR, equation 4).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, pad


class SpectralConvolution(nn.Module):
    """F^-1(R F v): one learnt complex matrix for each of the lowest Fourier modes.

    Parameters
    ----------
    width : int
        Channels in and out.
    modes : int
        Wave numbers kept: 0 .. modes-1 along x and, in two dimensions, -modes .. modes-1 along y.
    dimensions : int
        1 or 2.
    """

    def __init__(self, width: int, modes: int, dimensions: int) -> None:
        super().__init__()
        self.modes = modes
        kept = (modes,) if dimensions == 1 else (2 * modes, modes)
        # The last axis holds real and imaginary part: optimisers and safetensors see real numbers.
        self.weight = nn.Parameter(torch.randn(*kept, width, width, 2) / (width * 2**0.5))

    def forward(self, v: Tensor) -> Tensor:
        """(batch, width, x) or (batch, width, y, x) -> the same shape."""
        modes, points = self.modes, v.shape[-1]
        # "forward" normalisation: a mode's value does not change with the resolution. Axis by axis, so that the
        # transforms along y are of the kept modes alone.
        spectrum = torch.fft.rfft(v, norm="forward")[..., :modes]
        matrices = torch.view_as_complex(self.weight)
        if v.ndim == 3:
            return torch.fft.irfft(_mix(spectrum, matrices), n=points, norm="forward")
        spectrum = torch.fft.fft(spectrum, dim=2, norm="forward")
        mixed = _mix(torch.cat((spectrum[:, :, :modes], spectrum[:, :, -modes:]), dim=2), matrices)
        out = torch.zeros_like(spectrum)
        out[:, :, :modes], out[:, :, -modes:] = mixed[:, :, :modes], mixed[:, :, modes:]
        return torch.fft.irfft(torch.fft.ifft(out, dim=2, norm="forward"), n=points, norm="forward")


def _mix(spectrum: Tensor, matrices: Tensor) -> Tensor:
    """(batch, width, modes...) times (modes..., width, width), a matrix product for each mode."""
    modes_first = spectrum.movedim((0, 1), (-2, -1)).contiguous()
    return (modes_first @ matrices).movedim((-2, -1), (0, 1))


class FourierOperator(nn.Module):
    """Lift, Fourier layers, projection.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels of the input and of the prediction.
    dimensions : int
        Spatial dimensions, 1 or 2.
    width, modes, layers : int
        Channels inside, Fourier modes kept per axis and sign, number of layers.
    padding : int
        Grid points of zeros added after the end of each axis and cut off again, where the domain is not periodic.
    """

    def __init__(
        self, channels_in: int, channels_out: int, dimensions: int, *, width: int, modes: int, layers: int, padding: int
    ) -> None:
        super().__init__()
        pointwise = nn.Conv1d if dimensions == 1 else nn.Conv2d
        self.padding = (0, padding) * dimensions
        self.lift = pointwise(channels_in, width, 1)
        self.spectral = nn.ModuleList(SpectralConvolution(width, modes, dimensions) for _ in range(layers))
        self.local = nn.ModuleList(pointwise(width, width, 1) for _ in range(layers))
        self.project = nn.Sequential(pointwise(width, 2 * width, 1), nn.GELU(), pointwise(2 * width, channels_out, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channels_in, [y,] x) -> (batch, channels_out, [y,] x), at any resolution of at least 2 modes."""
        v = self.lift(pad(inputs, self.padding))
        for spectral, local in zip(self.spectral, self.local, strict=True):
            v = v + gelu(spectral(v) + local(v))
        out: Tensor = self.project(v)
        for axis, size in enumerate(inputs.shape[2:], start=2):
            out = out.narrow(axis, 0, size)
        return out
