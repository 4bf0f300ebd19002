"""Steps of training and predictions of the two networks, side by side with the plainest torch of the same sums.

    OMP_NUM_THREADS=1 python benchmarks/train.py [--cells 32 64] [--batch 8] [--repeats 5]

One thread, processor time, medians over repeats in which all cases take turns. Prints one JSON line a case:
milliseconds of a step (forward, backward, AdamW) on random fields with five input and three output channels, and
the ratio to `plain_fno`: the Fourier operator as it is usually written, with torch's own convolution of width one,
four-index sums over the modes and no padding. Above 1 means slower than that.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from surecast.train.models.fno import FNO
from surecast.train.models.unet import UNet

CHANNELS_IN, CHANNELS_OUT = 5, 3
WIDTH, MODES, LAYERS = 20, 8, 4


class PlainSpectral(nn.Module):
    """Spectral convolution as in the code that Li et al. published."""

    def __init__(self) -> None:
        super().__init__()
        shape = (WIDTH, WIDTH, MODES, MODES)
        self.low = nn.Parameter(torch.randn(shape, dtype=torch.cfloat) / WIDTH**2)
        self.high = nn.Parameter(torch.randn(shape, dtype=torch.cfloat) / WIDTH**2)

    def forward(self, v: Tensor) -> Tensor:
        """(batch, width, y, x) -> the same shape."""
        spectrum = torch.fft.rfft2(v)
        out = torch.zeros_like(spectrum)
        out[:, :, :MODES, :MODES] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, :MODES, :MODES], self.low)
        out[:, :, -MODES:, :MODES] = torch.einsum("bixy,ioxy->boxy", spectrum[:, :, -MODES:, :MODES], self.high)
        return torch.fft.irfft2(out, s=v.shape[-2:])


class PlainFNO(nn.Module):
    """Lift, Fourier layers, projection, in the fewest lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv2d(CHANNELS_IN, WIDTH, 1)
        self.spectral = nn.ModuleList(PlainSpectral() for _ in range(LAYERS))
        self.local = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(LAYERS))
        self.project = nn.Sequential(nn.Conv2d(WIDTH, 2 * WIDTH, 1), nn.GELU(), nn.Conv2d(2 * WIDTH, CHANNELS_OUT, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, channel, y, x) -> (batch, channel, y, x)."""
        v = self.lift(inputs)
        for spectral, local in zip(self.spectral, self.local, strict=True):
            v = gelu(spectral(v) + local(v))
        out: Tensor = self.project(v)
        return out


CASES: dict[str, Callable[[], nn.Module]] = {
    "plain_fno": PlainFNO,
    "fno": lambda: FNO(width=WIDTH, modes=MODES, layers=LAYERS, padding=0).network(CHANNELS_IN, CHANNELS_OUT, 2, False),
    "fno_padded_8": lambda: FNO(width=WIDTH, modes=MODES, layers=LAYERS).network(CHANNELS_IN, CHANNELS_OUT, 2, False),
    "unet": lambda: UNet(width=16, levels=3).network(CHANNELS_IN, CHANNELS_OUT, 2, False),
}


def step_time(network: nn.Module, inputs: Tensor, steps: int) -> float:
    """Milliseconds of processor time of one step."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    start = time.process_time()
    for _ in range(steps):
        optimiser.zero_grad()
        network(inputs).square().mean().backward()
        optimiser.step()
    return 1e3 * (time.process_time() - start) / steps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for cells in arguments.cells:
        inputs = torch.randn(arguments.batch, CHANNELS_IN, cells, cells)
        networks = {name: build() for name, build in CASES.items()}
        for network in networks.values():
            step_time(network, inputs, 2)
        times: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(arguments.repeats):
            for name, network in networks.items():
                times[name].append(step_time(network, inputs, arguments.steps))
        median = {name: statistics.median(found) for name, found in times.items()}
        for name, value in median.items():
            line = {
                "case": name,
                "cells": cells,
                "batch": arguments.batch,
                "milliseconds_per_step": round(value, 2),
                "ratio_to_plain": round(value / median["plain_fno"], 3),
                "parameters": sum(p.numel() * (2 if p.is_complex() else 1) for p in networks[name].parameters()),
                "torch": torch.__version__,
                "load": round(os.getloadavg()[0], 1),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
