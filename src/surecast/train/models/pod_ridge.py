r"""Proper orthogonal decomposition with ridge regression: the simple baseline for fields.

    u(x; s) = mean(x) + sum_k a_k(s) phi_k(x),     a_k(s) = polynomial of degree 1 or 2 in the inputs s,

phi_k the principal components of the training fields (Berkooz, Holmes, Lumley 1993, Annu. Rev. Fluid Mech. 25,
section 2), a_k by ridge regression whose penalty has the least leave-one-out error for each k.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.train.surrogate import Surrogate, SurrogateSettings

if TYPE_CHECKING:
    from surecast.study.model import Study


class PODRidge(SurrogateSettings):
    """Principal components and ridge regression: what a network has to beat. Fits in seconds."""

    fields: list[str] | None = Field(
        default=None, min_length=1, description="Field outputs it predicts; all of the study's if left out."
    )
    modes: int = Field(default=64, ge=1, le=4096, description="Most principal components of each field.")
    degree: Literal[1, 2] = Field(default=2, description="Degree of the polynomial in the inputs.")

    learns: ClassVar[Literal["fields", "outputs"]] = "fields"

    def fit(self, study: Study, name: str, manifest: str | Path, seed: int, checkpoints: str | Path) -> Surrogate:
        """See `SurrogateSettings.fit`."""
        from surecast.train.models.pod_ridge_fit import fit

        return fit(self, study, name, Path(manifest))

    def restore(self, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
        """See `SurrogateSettings.restore`."""
        from surecast.train.models.pod_ridge_fit import PODRidgeSurrogate

        return PODRidgeSurrogate.from_files(self, study, name, record, tensors)
