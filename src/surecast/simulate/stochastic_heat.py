"""Stochastic heat equation: diffusion on a ring, driven by noise that is white in space and time.

    du = D u_xx dt + s dW   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a temperature (K), D the diffusivity (m2/s), s the intensity of the noise (K m^(1/2) s^(-1/2)). The coefficient of
e^(i k x) is a complex process of Ornstein and Uhlenbeck of its own (Walsh 1986, Lect. Notes Math. 1180; Lord, Powell
and Shardlow 2014, An Introduction to Computational Stochastic PDEs, section 10.2): given the initial state it is normal
at time t with

    mean e^(-D k^2 t) initial_k,   E |deviation|^2 = s^2 V_k(t) / extent,   V_k(t) = (1 - e^(-2 D k^2 t)) / (2 D k^2)

and V_0 = t, independent of the others, and is drawn so: there are no time steps. `StochasticHeat.final_law` gives mean
and covariance of the final state at the points. About its mean over the ring, u tends to a state of the variance
s^2 extent / (24 D); that the sum ends at the modes that are kept takes a share of about 1.2 / points away. Paths of u
have no slope: there is no `steepest`.

Noise of a mode is the same for all numbers of points; noise of the final state is the same for all numbers of frames,
which are drawn between the initial and the final state.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.fft

from surecast.simulate.brownian import normals
from surecast.simulate.periodic import Periodic
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters

if TYPE_CHECKING:
    import xarray as xr


class StochasticHeat(Periodic):
    """Stochastic heat equation; inputs ``initial`` (periodic field), ``diffusivity`` and ``intensity``."""

    equation: ClassVar[str] = "du = D u_xx dt + s dW, W white in space and time"
    quantity: ClassVar[str] = "temperature"
    method: ClassVar[str] = "Fourier modes, drawn from their exact law"
    units: ClassVar[tuple[str, str, str]] = ("K", "K2", "K/m")
    parameters: ClassVar[dict[str, str]] = {"diffusivity": "m2/s", "intensity": "K*m**0.5/s**0.5"}

    @property
    def stochastic(self) -> bool:
        """True."""
        return True

    def variables(self) -> dict[str, VariableInfo]:
        """Final state and its energy; ``history`` if frames are kept."""
        return {name: info for name, info in super().variables().items() if name != "steepest"}

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        raw = super().run(inputs)
        raw["failure"].values[inputs["diffusivity"].values < 0] = "diffusivity is negative"
        return raw

    def final_law(self, inputs: xr.Dataset) -> xr.Dataset:
        """The law of ``solution`` given the inputs, over all seeds: normal, with this mean and covariance.

        Returns
        -------
        xarray.Dataset
            ``mean`` (run, x) and ``covariance`` (run, lag) of the values at two points, lag the distance between them.
        """
        import xarray as xr

        initial, given = self._states(inputs)
        decay, variance = self._transition(self.time, given)
        modes = scipy.fft.rfft(initial, axis=-1)[:, : decay.shape[1]]
        covariance = self.values(given["intensity"] ** 2 * variance * (self.points / self.extent))
        unit, square, _ = self.units
        return xr.Dataset(
            {
                "mean": (("run", "x"), self.values(decay * modes), {"units": unit, "long_name": "mean"}),
                "covariance": (("run", "lag"), covariance, {"units": square, "long_name": "covariance"}),
            },
            coords={**self._coordinates(), "lag": ("lag", self._axis(), {"units": "m", "long_name": "distance"})},
        )

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Spectral.flow`: the final state first, then each frame given the one before and the final state."""
        scale = given["intensity"] * (self.points / np.sqrt(self.extent))
        seeds = given["seed"][:, 0]
        decay, variance = self._transition(self.time, given)
        final = decay * modes + scale * np.sqrt(variance) * _white(seeds, modes.shape[1], 0)
        now = 0.0
        for frame, time in enumerate(self.times()[:-1], 1):
            decay, variance = self._transition(time - now, given)
            decay_on, variance_on = self._transition(self.time - time, given)
            _, together = self._transition(self.time - now, given)
            modes = decay * modes
            modes += decay_on * variance / together * (final - decay_on * modes)
            modes += scale * np.sqrt(variance * variance_on / together) * _white(seeds, modes.shape[1], frame)
            yield modes
            now = time
        yield final

    def _transition(self, time: float, given: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """What modes are multiplied by over a time, and V_k: (run, mode) both."""
        decayed = given["diffusivity"] * self.wave_numbers() ** 2 * time
        with np.errstate(invalid="ignore"):  # 0/0 at k = 0
            share = np.where(decayed == 0, 1.0, -np.expm1(-2 * decayed) / (2 * decayed))
        return np.exp(-decayed), time * share

    def _checked(self, inputs: xr.Dataset) -> tuple[np.ndarray, Parameters]:
        self.require(inputs, ("seed",))
        initial, given = self._states(inputs)
        return initial, given | {"seed": np.asarray(inputs["seed"].values)[:, None]}

    def _states(self, inputs: xr.Dataset) -> tuple[np.ndarray, Parameters]:
        return super()._checked(inputs)


def _white(seeds: np.ndarray, modes: int, component: int) -> np.ndarray:
    """Complex normals (run, mode) of mean square 1, the first real; fewer modes are the first of more."""
    drawn = normals(seeds, 2 * modes - 1, component)
    found = np.empty((len(seeds), modes), dtype=complex)
    found[:, 0] = drawn[:, 0]
    found[:, 1:].real = np.sqrt(0.5) * drawn[:, 1::2]
    found[:, 1:].imag = np.sqrt(0.5) * drawn[:, 2::2]
    return found
