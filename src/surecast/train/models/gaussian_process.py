r"""Gaussian process regression of each scalar on the standard normals behind the inputs.

    y(z) = m + s f(z),   f ~ GP(0, c k(r)),   r^2 = sum_i (z_i - z'_i)^2 / l_i^2,   noise of variance v,
    f(z*) | data ~ N( k*^T K^-1 y,  c - k*^T K^-1 k* ),      K = c k(r_ij) + v I

(Rasmussen, Williams 2006, "Gaussian processes for machine learning", equations 2.25 and 2.26; k is their Matern
5/2, equation 4.17, or the squared exponential, 4.9; a length l_i for each variable, 5.1). Hyperparameters maximise
the marginal likelihood (5.8) from a fixed start. scikit-learn fits; predictions are computed here, run by run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.train.surrogate import Surrogate, SurrogateSettings

if TYPE_CHECKING:
    from surecast.study.model import Study


class GaussianProcess(SurrogateSettings):
    """Gaussian process for scalars: good up to some thousands of training runs; also predicts how unsure it is."""

    outputs: list[str] | None = Field(
        default=None, min_length=1, description="Scalar outputs it predicts; all of the study's if left out."
    )
    covariance: Literal["matern52", "squared_exponential"] = Field(
        default="matern52", description="Matern 5/2 (twice differentiable) or squared exponential (smooth)."
    )
    logarithm: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="Whether the logarithm is learnt; auto: where all values are positive and it is less skewed.",
    )
    iterations: int = Field(
        default=50, ge=1, le=10_000, description="Most iterations of L-BFGS over the hyperparameters."
    )

    needs_normals: ClassVar[bool] = True
    learns: ClassVar[Literal["fields", "outputs"]] = "outputs"

    def fit(self, study: Study, name: str, manifest: str | Path, seed: int, checkpoints: str | Path) -> Surrogate:
        """See `SurrogateSettings.fit`."""
        from surecast.train.models.gaussian_process_fit import fit

        return fit(self, study, name, Path(manifest))

    def restore(self, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
        """See `SurrogateSettings.restore`."""
        from surecast.train.models.gaussian_process_fit import GaussianProcessSurrogate
        from surecast.train.models.process import Process

        processes = {
            output: Process.from_files(self.covariance, about, tensors, output) for output, about in record.items()
        }
        return GaussianProcessSurrogate(study, name, self, processes)
