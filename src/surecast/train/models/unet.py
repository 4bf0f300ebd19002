"""Residual U-Net (Ronneberger et al. 2015; Gupta, Brandstetter 2023) as a study names it; see `unet_network`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from surecast.study.errors import TrainingError
from surecast.train.network_settings import NetworkSettings

if TYPE_CHECKING:
    from torch import nn


class UNet(NetworkSettings):
    """Residual U-Net: good where fields have sharp local features.

    O. Ronneberger, P. Fischer, T. Brox (2015), "U-Net: convolutional networks for biomedical image segmentation",
    MICCAI; J. K. Gupta, J. Brandstetter (2023), "Towards multi-spatiotemporal-scale generalized PDE modeling", TMLR.
    """

    width: int = Field(default=16, ge=1, le=1024, description="Channels at the first level; doubled at each other.")
    levels: int = Field(default=3, ge=1, le=10, description="Resolutions, each half the one before.")

    usual_learning_rate: ClassVar[float] = 4e-3

    def network(self, channels_in: int, channels_out: int, dimensions: int, periodic: bool) -> nn.Module:
        """See `NetworkSettings.network`."""
        from surecast.train.models.unet_network import ResidualUNet

        return ResidualUNet(
            channels_in, channels_out, dimensions, width=self.width, levels=self.levels, periodic=periodic
        )

    def check_grid(self, cells: tuple[int, ...]) -> None:
        """Every axis must be halved from level to level, to no fewer than 2 cells."""
        factor = 2 ** (self.levels - 1)
        if any(size % factor or size // factor < 2 for size in cells):
            raise TrainingError(
                f"The U-Net halves its grid of {' x '.join(map(str, cells))} cells {self.levels - 1} times, "
                "which does not come out even.",
                f"choose cells divisible by {factor}, at least {2 * factor}, or fewer levels.",
            )
