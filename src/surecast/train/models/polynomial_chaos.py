r"""Sparse polynomial chaos of each scalar: y = sum_{a in A} c_a psi_a(x), psi_a orthonormal under the inputs' law.

    E[y] = c_0,   V[y] = sum_{a != 0} c_a^2,
    S_G = sum over a that need variables of G alone c_a^2 / V,   T_G = sum over a that need any of G c_a^2 / V

(Sudret 2008, Reliability Engineering and System Safety 93, equations 39 to 41). Terms are ordered by least-angle
regression or orthogonal matching pursuit, coefficients are those of least squares, and the corrected leave-one-out
error chooses their number and the degree (Blatman, Sudret 2011, J. Comput. Phys. 230, section 4.2; algorithm 1).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.train.surrogate import Surrogate, SurrogateSettings

if TYPE_CHECKING:
    from surecast.study.model import Study


class PolynomialChaos(SurrogateSettings):
    """Sparse polynomial chaos for scalars: good where they are smooth; moments and Sobol indices follow exactly."""

    outputs: list[str] | None = Field(
        default=None, min_length=1, description="Scalar outputs it predicts; all of the study's if left out."
    )
    degree: int = Field(default=12, ge=1, le=100, description="Highest degree tried; the error chooses.")
    norm: float = Field(
        default=0.75,
        gt=0,
        le=1,
        description="q of the hyperbolic set: 1 keeps all products up to the degree.",
    )
    terms: int = Field(
        default=4000, ge=1, le=100_000, description="Most candidate terms; degrees of more are not tried."
    )
    selection: Literal["lars", "omp"] = Field(
        default="lars", description="lars: least-angle regression; omp: orthogonal matching pursuit."
    )

    needs_normals: ClassVar[bool] = True
    learns: ClassVar[Literal["fields", "outputs"]] = "outputs"

    def fit(self, study: Study, name: str, manifest: str | Path, seed: int, checkpoints: str | Path) -> Surrogate:
        """See `SurrogateSettings.fit`."""
        from surecast.train.models.polynomial_chaos_fit import fit

        return fit(self, study, name, Path(manifest))

    def restore(self, study: Study, name: str, record: dict[str, Any], tensors: dict[str, np.ndarray]) -> Surrogate:
        """See `SurrogateSettings.restore`."""
        from surecast.train.models.chaos import Expansion
        from surecast.train.models.polynomial_chaos_fit import PolynomialChaosSurrogate

        families = tuple(record["families"])
        expansions = {
            output: Expansion(tensors[f"{output}.indices"], tensors[f"{output}.coefficients"], families)
            for output in record["outputs"]
        }
        return PolynomialChaosSurrogate(study, name, self, expansions)
