"""Fourier neural operator (Li et al. 2021) as a study names it; the network is in `fno_network`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from surecast.study.errors import TrainingError
from surecast.train.network_settings import NetworkSettings

if TYPE_CHECKING:
    from torch import nn


class FNO(NetworkSettings):
    """Fourier neural operator: good for smooth fields; its cost grows with the number of grid points alone.

    Z. Li, N. Kovachki, K. Azizzadenesheli, B. Liu, K. Bhattacharya, A. Stuart, A. Anandkumar (2021), "Fourier
    neural operator for parametric partial differential equations", ICLR.
    """

    width: int = Field(default=20, ge=1, le=4096, description="Channels inside the network.")
    modes: int = Field(default=8, ge=1, le=4096, description="Fourier modes kept per axis and sign.")
    layers: int = Field(default=4, ge=1, le=256, description="Number of Fourier layers.")
    padding: int = Field(
        default=8,
        ge=0,
        le=4096,
        description="Grid points of zeros after the end of each axis, unless it is periodic.",
    )

    def network(self, channels_in: int, channels_out: int, dimensions: int, periodic: bool) -> nn.Module:
        """See `NetworkSettings.network`."""
        from surecast.train.models.fno_network import FourierOperator

        return FourierOperator(
            channels_in,
            channels_out,
            dimensions,
            width=self.width,
            modes=self.modes,
            layers=self.layers,
            padding=0 if periodic else self.padding,
        )

    def check_grid(self, cells: tuple[int, ...]) -> None:
        """The grid must resolve the modes."""
        if 2 * self.modes > min(cells) + self.padding:
            raise TrainingError(
                f"The FNO keeps {self.modes} modes of either sign, more than its grid of {min(cells)} cells resolves.",
                f"set modes to at most {(min(cells) + self.padding) // 2}, or raise cells.",
            )
