r"""Another law of the inputs, and the density ratio by which runs drawn from the study's law speak for it.

    w(x) = f_other(x) / f(x),    E_other[phi] = E[w phi] / E[w]

(importance sampling with self-normalised weights; Hesterberg 1995, Technometrics 37, section 3). Only the laws
that differ, and the inputs that a copula links to them, enter the ratio: the rest cancels exactly. How far
the runs still carry is their effective share, (E w)^2/E[w^2].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator

from surecast.quantify.sampling import scrambled_sobol
from surecast.quantify.verdict import effective_number
from surecast.study import kinds
from surecast.study.build import validated
from surecast.study.component import refused
from surecast.study.errors import EstimationError, StudyError, SurecastError
from surecast.study.laws.joint import JointLaw
from surecast.study.laws.law import LARGEST, SMALLEST, Law
from surecast.study.nearest import suggestion
from surecast.study.settings import Correlation
from surecast.study.source import Source

if TYPE_CHECKING:
    import xarray as xr

LEAST_SHARE = 0.1
"""Default of the least effective share."""
LEAST_ROWS = 30
"""Fewest effective rows for which a t interval of weighted means is certified."""
POINTS = 4096
"""Points of the inputs at which the effective share is found before the first run."""
_GRID = 1025


class OtherLaw(BaseModel):
    """What of the input laws is different."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inputs: dict[str, dict[str, Any]] = Field(
        default={}, description="Laws in place of the study's, by input: `{head: {kind: normal, ...}}`."
    )
    correlations: list[Correlation] | None = Field(
        default=None, description="Correlations in place of the study's; left out, those of the study hold."
    )

    _laws: dict[str, Law] = PrivateAttr(default_factory=dict)

    @field_validator("inputs")
    @classmethod
    def _kinds(cls, value: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        build_laws(value, (info.context or {}).get("folder", "."))
        return value

    def model_post_init(self, context: Any, /) -> None:
        """Build the laws; the study's folder comes with pydantic's context."""
        self._laws |= build_laws(self.inputs, (context or {}).get("folder", "."))

    def joint(self, base: JointLaw) -> JointLaw:
        """The whole law: that of the study with what is different.

        Raises
        ------
        EstimationError
            If an input is none of the study's, or a correlation is impossible.
        """
        for name in self._laws:
            if name not in base.laws:
                raise EstimationError(f"there is no input {name!r}.", suggestion(name, base.laws))
        links = correlations_of(base) if self.correlations is None else self.correlations
        try:
            return JointLaw({name: self._laws.get(name, law) for name, law in base.laws.items()}, links)
        except StudyError as error:
            raise EstimationError(error.reason, error.remedy) from error


def build_laws(inputs: Mapping[str, Mapping[str, Any]], folder: str | Path = ".") -> dict[str, Law]:
    """Laws from their settings.

    Raises
    ------
    PydanticCustomError
        If a law has no kind, an unknown one, or a wrong setting.
    """
    laws = {}
    for name, settings in inputs.items():
        kind = settings.get("kind")
        if not isinstance(kind, str):
            raise refused(name, "a law has no kind.", "write for example `{kind: normal, mean: 0, ...}`.")
        given = {key: value for key, value in settings.items() if key != "kind"}
        source = Source(Path("study"), {"inputs": {name: settings}})
        try:
            law = kinds.resolve("laws", kind, folder)
            laws[name] = validated(law, given, source, ("inputs", name), Path(folder))
        except StudyError as error:
            first = error.errors[0]
            key = str(first.key or name).removeprefix("inputs.")
            value = "" if first.value is None else f"{first.value!r}: "
            raise refused(key, f"{value}{first.reason}", first.remedy) from error
        except SurecastError as error:
            raise refused(f"{name}.kind", error.message, error.remedy) from error
    return laws


def correlations_of(law: JointLaw) -> list[Correlation]:
    """The correlations behind a joint law's copulas."""
    found = []
    for copula in law.copulas:
        matrix = copula.lower @ copula.lower.T
        for i, one in enumerate(copula.names):
            for j in range(i):
                if matrix[i, j]:
                    found.append(Correlation(between=[copula.names[j], one], value=float(matrix[i, j])))
    return found


class DensityRatio:
    """log w = log f_other - log f.

    Parameters
    ----------
    base, other : JointLaw
        Law that is sampled, law that is asked about.

    Raises
    ------
    EstimationError
        If a law that differs is that of a field, or reaches where the study's never samples.
    """

    def __init__(self, base: JointLaw, other: JointLaw) -> None:
        self.changed = [name for name, law in other.laws.items() if law.label() != base.laws[name].label()]
        linked = {name for law in (base, other) for group in law.dependent for name in group}
        same = {frozenset(c.between): c.value for c in correlations_of(base)} == {
            frozenset(c.between): c.value for c in correlations_of(other)
        }
        for name in self.changed:
            _require_reached(name, base.laws[name], other.laws[name])
        within = set(self.changed) | (set() if same else linked)
        for law in (base, other):
            for group in law.dependent:
                if group & within:
                    within |= group
        names = [name for name in base.names if name in within]
        self.base, self.other = (
            JointLaw(
                {name: law.laws[name] for name in names}, [c for c in correlations_of(law) if set(c.between) <= within]
            )
            for law in (base, other)
        )

    def log(self, inputs: xr.Dataset) -> np.ndarray:
        """log w of runs (n,); -inf where the other law never reaches."""
        if not self.base.names:
            return np.zeros(inputs.sizes["run"])
        with np.errstate(invalid="ignore"):
            found = self.other.log_density(inputs) - self.base.log_density(inputs)
        return np.where(np.isnan(found), -np.inf, found)

    def share(self, points: int = POINTS) -> float:
        """Effective share (E w)^2/E[w^2] of runs drawn from the base law, by scrambled Sobol points."""
        if not self.base.names:
            return 1.0
        drawn = scrambled_sobol(np.random.SeedSequence(0), 1, 0, points, self.base.dimension)[0]
        return effective_number(scaled(self.log(self.base.from_uniform(drawn)))) / points

    def require_share(self, least: float, name: str = "the other law") -> None:
        """Refuse a law for which the study's runs say too little.

        Raises
        ------
        EstimationError
            If the effective share is below `least`.
        """
        share = self.share()
        if share < least:
            of = ", ".join(self.changed) or "the correlations"
            raise EstimationError(
                f"{name} is too far from the study's law: of the study's runs only {100 * share:.2g} % are effective "
                f"under it, fewer than the {100 * least:.2g} % asked for (it differs in {of}).",
                "choose a law nearer to the study's, write the study for the wider one, or lower the least share.",
            )


def scaled(log_weights: np.ndarray) -> np.ndarray:
    """Weights from their logarithms, the largest one 1: ratios of means do not see the scale, and none overflows."""
    top = log_weights.max(axis=0, initial=-np.inf)
    return np.exp(log_weights - np.where(np.isfinite(top), top, 0.0))


def _require_reached(name: str, base: Law, other: Law) -> None:
    """Refuse another law of an input that reaches where the study's never samples."""
    if base.dimension > 1 or other.dimension > 1:
        raise EstimationError(
            f"input {name!r} is a field: its law cannot be changed by reweighting.",
            "write a study of its own for another field.",
        )
    u = np.concatenate([[SMALLEST], np.linspace(0, 1, _GRID)[1:-1], [LARGEST]])
    values = other.from_uniform(u[:, None])
    unreached = values[np.isneginf(base.log_density(values))]
    if len(unreached):
        farthest = unreached[np.argmax(np.abs(unreached - np.median(values)))]
        raise EstimationError(
            f"the other law of input {name!r} reaches {farthest:.4g}, where the study's law of kind {base.kind()} "
            "never samples.",
            f"truncate it (lower, upper) to the range of the study's, or widen the study's law of {name!r}.",
        )


def require_shares(ratios: Mapping[str, DensityRatio], least: float, kinds_used: Sequence[str]) -> None:
    """See `DensityRatio.require_share`, for estimators that draw from the study's law alone."""
    if set(kinds_used) & {"monte_carlo", "control_variates", "active_sampling", "scrambled_sobol"}:
        for name, ratio in ratios.items():
            ratio.require_share(least, f"law {name!r}")
