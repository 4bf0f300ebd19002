r"""Many expectations at once, from one sample, with their joint covariance, under one or several laws of the inputs.

    I_j = E_{l(j)}[phi_j(y)] = E[w_{l(j)} phi_j(y)] / E[w_{l(j)}],    w_l = f_l / f

phi is a power of an output or the indicator of an event; f is the study's law, f_l another one (see
`surecast.quantify.other_law`). All estimates share their runs, so that a contrast such as I_1 - I_2 has the
variance C_11 + C_22 - 2 C_12 from their covariance matrix C, which is part of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from surecast.quantify.estimates import Statistic
from surecast.quantify.event import parse_event
from surecast.quantify.integrand import Integrand
from surecast.quantify.other_law import LEAST_ROWS, LEAST_SHARE, DensityRatio, OtherLaw, require_shares, scaled
from surecast.quantify.question import Question
from surecast.quantify.verdict import effective_number, weight_reasons
from surecast.study import kinds
from surecast.study.component import refused
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw
from surecast.study.nearest import suggestion

LEAST_EVENTS = 20
"""Below so many runs on either side of an event, its share is too far from normal for these intervals."""


class Expectation(BaseModel):
    """One expectation: of a power of an output, or of an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: str | None = Field(default=None, min_length=1, description="Name of an output.")
    power: int = Field(default=1, ge=1, le=8, description="Power of the output.")
    event: str | None = Field(default=None, description="An event instead of an output, as in `exceedance`.")
    under: str | list[str] | None = Field(
        default=None, description="Names of `laws` (`study` for the study's own); default: all of them."
    )

    @field_validator("event")
    @classmethod
    def _parsed(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_event(value)
            except ValueError as error:
                what, _, remedy = str(error).partition("; ")
                raise refused("", f"{what}.", f"{remedy}.") from error
        return value

    @model_validator(mode="after")
    def _one(self) -> Expectation:
        if (self.output is None) == (self.event is None):
            raise refused("", "names an output and an event, or neither.", "name one: `{output: y, power: 2}`.")
        if self.event is not None and self.power != 1:
            raise refused("power", "an event has no power.", "leave it out.")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Outputs that it needs."""
        return tuple(parse_event(self.event).names()) if self.event is not None else (str(self.output),)

    def ends(self, bounds: Mapping[str, tuple[float, float]]) -> tuple[float, float] | None:
        """Least and largest value that it can have, None where its output has no bounds."""
        if self.event is not None:
            return 0.0, 1.0
        if str(self.output) not in bounds:
            return None
        low, high = bounds[str(self.output)]
        powers = float(low) ** self.power, float(high) ** self.power
        crosses = self.power % 2 == 0 and low < 0 < high
        return 0.0 if crosses else min(powers), max(powers)

    def statistic(self, law: str) -> Statistic:
        """What it is called, under a law (empty: the study's)."""
        under = f" under {law}" if law else ""
        if self.event is not None:
            return Statistic(self.event, f"probability{under}", "probability", interval="share", law=law)
        if self.power == 1:
            return Statistic(str(self.output), f"mean{under}", "mean", law=law)
        return Statistic(str(self.output), f"mean of power {self.power}{under}", f"power_{self.power}", law=law)


class Expectations(Question):
    """Expectations of powers of outputs and of events, from one sample, with their joint covariance."""

    of: list[str | Expectation] = Field(
        min_length=1,
        max_length=1000,
        description="Outputs, `{output: y, power: 2}` or `{event: y > 1}`; one or a list.",
    )
    laws: dict[str, OtherLaw] = Field(
        default={}, description="Other laws of the inputs by name, under which the expectations are wanted too."
    )
    least_effective_share: float = Field(
        LEAST_SHARE,
        gt=0,
        le=1,
        description="Least share of the study's runs that must be effective under each of the other laws.",
    )

    answered_by: ClassVar[tuple[str, ...]] = ("control_variates", "monte_carlo", "aiscv")
    law_key: ClassVar[str] = "laws"

    @field_validator("of", mode="before", json_schema_input_type=str | Expectation | list[str | Expectation])
    @classmethod
    def _list(cls, value: object) -> object:
        return value if isinstance(value, list) else [value]

    @field_validator("laws")
    @classmethod
    def _free(cls, value: dict[str, OtherLaw]) -> dict[str, OtherLaw]:
        if "study" in value:
            raise refused("study", "is the name of the study's own law.", "choose another name.")
        return value

    @model_validator(mode="after")
    def _known_laws(self) -> Expectations:
        seen = set()
        for place, (one, laws) in enumerate(self._asked()):
            for law in laws:
                if law and law not in self.laws:
                    raise refused(
                        f"of.{place}.under", f"there is no law {law!r}.", suggestion(law, ["study", *self.laws])
                    )
                statistic = one.statistic(law)
                if (statistic.output, statistic.name) in seen:
                    raise refused(f"of.{place}", "an expectation is asked twice.", "name each once.")
                seen.add((statistic.output, statistic.name))
        return self

    def _asked(self) -> list[tuple[Expectation, tuple[str, ...]]]:
        """Each expectation with the names of its laws, empty for the study's own."""
        every = ("", *self.laws)
        found = []
        for item in self.of:
            one = Expectation(output=item) if isinstance(item, str) else item
            under = [one.under] if isinstance(one.under, str) else one.under
            found.append((one, every if under is None else tuple("" if law == "study" else law for law in under)))
        return found

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(dict.fromkeys(name for one, _ in self._asked() for name in one.names))

    def code(self) -> tuple[str, ...]:
        """See `Question.code`."""
        kinds_used = {str(law["kind"]) for other in self.laws.values() for law in other.inputs.values()}
        return tuple(kinds.target("laws", kind) for kind in sorted(kinds_used))

    def default_estimator(self) -> str:
        """Random draws: the weights and events in few scramblings are too far from normal for a t interval."""
        return "monte_carlo" if self.surrogate == "none" else "control_variates"

    def check_law(self, law: JointLaw) -> None:
        """Every other law must lie within the study's, and near enough for its runs to speak for it."""
        ratios = {name: DensityRatio(law, other.joint(law)) for name, other in self.laws.items()}
        require_shares(ratios, self.least_effective_share, [str(spec["kind"]) for spec in self.estimator_specs()])

    def integrand(self, law: JointLaw) -> ExpectationsIntegrand:
        """Rows of one run; summands w_l phi_j and w_l."""
        others = {name: other.joint(law) for name, other in self.laws.items()}
        return ExpectationsIntegrand(law, self._asked(), others, self.least_effective_share)


class ExpectationsIntegrand(Integrand):
    """Summands w_l phi_j and w_l; observations of a run are the phi and, for each other law, log w.

    Attributes
    ----------
    functions : list of Expectation
        The phi.
    others : dict of str to JointLaw
        The other laws, by name.
    ratios : dict of str to DensityRatio
        Their densities over the study's.
    pairs : list of (int, str)
        For each statistic its function and its law (empty: the study's).
    """

    runs_per_row = 1
    joint = True
    bounded_measures = ("mean", "probability", *(f"power_{power}" for power in range(2, 9)))

    def __init__(
        self,
        law: JointLaw,
        asked: Sequence[tuple[Expectation, Sequence[str]]],
        others: dict[str, JointLaw] | None = None,
        least_share: float = LEAST_SHARE,
    ) -> None:
        self.law, self.row_dimension, self.least_share = law, law.dimension, least_share
        self.functions = [one for one, _ in asked]
        self.others = dict(others or {})
        self.ratios = {name: DensityRatio(law, other) for name, other in self.others.items()}
        self.pairs = [(place, name) for place, (_, names) in enumerate(asked) for name in names]
        self.outputs = tuple(dict.fromkeys(name for one in self.functions for name in one.names))
        self.statistics = tuple(self.functions[place].statistic(name) for place, name in self.pairs)
        if self.others:
            self.methods = ("hesterberg1995",)

    @property
    def column_outputs(self) -> tuple[str, ...]:
        """See `Integrand.column_outputs`; events and weights speak for themselves in `remarks`."""
        return (*(one.output or "" for one in self.functions), *("" for _ in self.ratios))

    def column_bounds(self, bounds: Mapping[str, tuple[float, float]]) -> list[tuple[float, float] | None]:
        """See `Integrand.column_bounds`: a run is an event or none, and weights never fail."""
        return [*(one.ends(bounds) for one in self.functions), *(None for _ in self.ratios)]

    def column_of(self, statistic: int) -> int:
        """See `Integrand.column_of`."""
        return self.pairs[statistic][0]

    def columns(self, values: np.ndarray) -> np.ndarray:
        """phi (runs, functions) of the outputs' values (runs, outputs); NaN where the run failed."""
        named = {name: values[:, place] for place, name in enumerate(self.outputs)}
        found = np.empty((len(values), len(self.functions)))
        for place, one in enumerate(self.functions):
            if one.event is not None:
                failed = np.isnan([named[name] for name in one.names]).any(axis=0)
                found[:, place] = np.where(failed, np.nan, parse_event(one.event).holds(named))
            else:
                with np.errstate(over="ignore"):  # refused in words, see `verdict.require_squares`
                    found[:, place] = named[str(one.output)] ** one.power
        return found

    def log_weights(self, inputs: xr.Dataset) -> np.ndarray:
        """log w (runs, laws) of runs, the other laws in the order of `others`."""
        found = [ratio.log(inputs) for ratio in self.ratios.values()]
        return np.stack(found, axis=1) if found else np.empty((inputs.sizes["run"], 0))

    def observe(self, inputs: xr.Dataset, values: np.ndarray) -> np.ndarray:
        """See `Integrand.observe`: the phi and the log w, (runs, functions + laws)."""
        return np.concatenate([self.columns(values), self.log_weights(inputs)], axis=1)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`."""
        size = len(self.functions)
        phi, weights = rows[:, 0, :size], scaled(rows[:, 0, size:])
        centre = phi.mean(axis=0)  # sums of small numbers; a ratio of weighted means shifts with it
        place = {name: k for k, name in enumerate(self.others)}
        parts = [(phi[:, j] - centre[j]) * (weights[:, place[name]] if name else 1.0) for j, name in self.pairs]

        def function(means: np.ndarray) -> np.ndarray:
            found = []
            for k, (j, name) in enumerate(self.pairs):
                below = means[..., len(self.pairs) + place[name]] if name else np.ones_like(means[..., k])
                over = np.divide(means[..., k], below, out=np.zeros_like(below), where=below > 0)
                found.append(centre[j] + over)
            return np.stack(found, axis=-1)

        return np.stack([*parts, *weights.T], axis=1), function

    def remarks(self, rows: np.ndarray) -> list[tuple[tuple[str, ...], dict[str, float]]]:
        """See `Integrand.remarks`: effective runs of each law, and events too rare for these intervals."""
        size = len(self.functions)
        flat = rows.reshape(-1, rows.shape[-1])
        flat = flat[~np.isnan(flat).any(axis=1)]
        if not len(flat):
            raise EstimationError("every run failed: nothing can be said.", "look at the messages of the failed runs.")
        found = []
        for j, name in self.pairs:
            reasons: tuple[str, ...] = ()
            diagnostics: dict[str, float] = {}
            weights = np.ones(len(flat))
            if name:
                weights = scaled(flat[:, size + list(self.others).index(name)])
                reasons += weight_reasons(weights, max(self.least_share * len(flat), LEAST_ROWS))
                diagnostics["effective_runs"] = effective_number(weights)
            if self.functions[j].event is not None:
                seen = flat[:, j] > 0
                least = min(effective_number(weights[seen]), effective_number(weights[~seen]))
                if least < LEAST_EVENTS:
                    reasons += (
                        f"only {least:.0f} effective runs lie on one side of the event: "
                        "ask an `exceedance`, whose intervals hold for small counts",
                    )
            found.append((reasons, diagnostics))
        return found
