"""The joint law of the aleatory inputs, given one value of every epistemic one.

An aleatory input varies from run to run, and its law is part of the question. An epistemic input has one
value that nobody knows: only the range of its law counts, and nothing is averaged over it (Ferson et al. 2003).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    import xarray as xr

RANGES = ("uniform", "loguniform", "integer", "categorical")
"""Laws that say no more than a range of values."""


class GivenLaw(JointLaw):
    """Law of the aleatory inputs; the datasets that it draws hold the epistemic ones too, the same in every run.

    Parameters
    ----------
    whole : JointLaw
        Law with epistemic inputs.
    place : (len(whole.epistemic),) array
        Where in its range each epistemic input lies, 0 to 1.
    """

    def __init__(self, whole: JointLaw, place: np.ndarray) -> None:
        super().__init__({name: law for name, law in whole.laws.items() if law.role == "aleatory"})
        self.copulas, self.dependent = whole.copulas, whole.dependent
        self.whole = whole
        self.fixed: Mapping[str, np.ndarray] = {
            name: whole.laws[name].from_uniform(np.array([[float(u)]]))
            for name, u in zip(whole.epistemic, place, strict=True)
        }

    def _dataset(self, values: Mapping[str, np.ndarray]) -> xr.Dataset:
        runs = len(next(iter(values.values())))
        fixed = {name: np.repeat(value, runs, axis=0) for name, value in self.fixed.items()}
        both = {**values, **fixed}
        return self.whole._dataset({name: both[name] for name in self.whole.names})


def require_ranges(law: JointLaw) -> None:
    """Refuse epistemic inputs whose law says more than a range of values, or that leave nothing to vary.

    Raises
    ------
    EstimationError
        With the input's name and the reason.
    """
    for name in law.epistemic:
        if law.laws[name].kind() not in RANGES:
            raise EstimationError(
                f"input {name!r} is epistemic, but its law {law.laws[name].kind()!r} weighs some values above others: "
                "an epistemic input is a range of values without weights.",
                f"give it one of the laws {', '.join(RANGES)}, or remove `role: epistemic`.",
            )
    if law.epistemic and len(law.epistemic) == len(law.names):
        raise EstimationError(
            "every input is epistemic: nothing varies from run to run.", "give one input at least the aleatory role."
        )
