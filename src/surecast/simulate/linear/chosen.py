"""The solvers that a simulator's ``linear_solver`` can name, by the properties of its systems."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from surecast.simulate.linear.conjugate_directions import ConjugateDirections
from surecast.simulate.linear.direct import Direct
from surecast.simulate.linear.krylov_recycling import KrylovRecycling
from surecast.simulate.linear.learned_relaxation import LearnedRelaxation

AnySolver = Annotated[Direct | KrylovRecycling, Field(discriminator="kind")]
"""For any nonsingular matrices."""

DefiniteSolver = Annotated[
    Direct | KrylovRecycling | LearnedRelaxation | ConjugateDirections, Field(discriminator="kind")
]
"""For symmetric positive definite ones."""
