"""What every question has: outputs, a surrogate or none, a budget of runs, a level, and estimators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from surecast.quantify.integrand import Integrand
from surecast.study.component import Component, refused
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw

if TYPE_CHECKING:
    from surecast.study.model import Study


class Question(Component):
    """Base of the questions."""

    surrogate: str = Field(
        "none",
        description="Surrogate that reduces the variance: its name, `best` (highest squared correlation with the "
        "output on the validation runs) or `none`. It never biases the answer.",
    )
    runs: int = Field(
        1000,
        ge=50,
        le=10**9,
        description="Simulator runs that each estimator may make, beside the runs of the dataset.",
    )
    surrogate_runs: int = Field(
        16384,
        ge=1024,
        le=10**9,
        description="Surrogate evaluations for the surrogate's own statistics (control variates).",
    )
    tolerance: float | None = Field(
        None,
        gt=0,
        description="Half-width of the interval that is wanted: relative to the value (absolute for Sobol indices). "
        "A wider interval is not certified.",
    )
    absolute_tolerance: float | None = Field(
        None,
        gt=0,
        description="Half-width that is wanted, in the units of the statistic. With both tolerances either is enough.",
    )
    epistemic_values: int = Field(
        9,
        ge=2,
        le=10_000,
        description="Values of the epistemic inputs that are tried, if there are any, all corners of up to six inputs "
        "among them; the runs are shared.",
    )
    level: float = Field(0.95, ge=0.5, le=0.9999, description="Confidence level of the intervals.")
    estimators: list[str | dict[str, Any]] = Field(
        default_factory=list,
        description="Estimators by kind, or `{kind: ..., settings}`; the first one is the answer. "
        "By default one that suits the question.",
    )

    answered_by: ClassVar[tuple[str, ...]] = ()
    """Kinds of estimators that can answer this question."""
    absolute: ClassVar[bool] = False
    """Whether `tolerance` is absolute: its statistics are shares."""
    takes_epistemic: ClassVar[bool] = True
    """Whether it can be asked with epistemic inputs held fixed."""
    takes_fields: ClassVar[bool] = False
    """Whether its outputs may be whole fields."""
    outputs_key: ClassVar[str] = "of"
    law_key: ClassVar[str] = "estimators"

    @field_validator("surrogate", mode="before", json_schema_input_type=str | None)
    @classmethod
    def _none(cls, value: object) -> object:
        return "none" if value is None else value

    @field_validator("estimators")
    @classmethod
    def _known(cls, value: list[str | dict[str, Any]]) -> list[str | dict[str, Any]]:
        from surecast.quantify.estimators.build import check_estimators

        check_estimators(value, cls.answered_by)
        return value

    @model_validator(mode="after")
    def _aided(self) -> Question:
        from surecast.quantify.estimators.build import build_estimator

        if self.surrogate == "none":
            for spec in self.estimators:
                estimator = build_estimator({"kind": spec} if isinstance(spec, str) else spec)
                if estimator.needs_surrogate:
                    raise refused(
                        "estimators",
                        f"{estimator.kind} needs a surrogate, but the question names none.",
                        "write `surrogate: best`, or choose monte_carlo or scrambled_sobol.",
                    )
        return self

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""

    @property
    def least_validation(self) -> int:
        """Validation runs that it takes: those by which surrogates are ranked, the one that it names too."""
        from surecast.quantify.choose import LEAST_RUNS

        return 0 if self.surrogate == "none" else LEAST_RUNS

    def code(self) -> tuple[str, ...]:
        """Where other components that it uses are defined, ``module:name``, for digests of code."""
        return ()

    def estimator_specs(self) -> list[dict[str, Any]]:
        """Estimators as ``{kind, settings}``, the default one where the study names none."""
        given = self.estimators or [self.default_estimator()]
        return [{"kind": item} if isinstance(item, str) else dict(item) for item in given]

    def default_estimator(self) -> str:
        """The estimator used where the study names none."""
        return "scrambled_sobol" if self.surrogate == "none" else "control_variates"

    def for_study(self, study: Study) -> Question:
        """The question with what it leaves to the study filled in; itself, by default."""
        return self

    def check_law(self, law: JointLaw) -> None:
        """Refuse what cannot be answered for these input laws.

        Raises
        ------
        EstimationError
            With the input's name and the reason.
        """

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """What of this question does not fit its study: (key, message, remedy)."""
        from surecast.quantify.epistemic import check
        from surecast.quantify.estimators.build import build_estimator

        try:
            self.check_law(study.joint_law())
        except EstimationError as error:
            yield self.law_key, error.message, error.remedy
            return
        try:
            check(self, study.joint_law())
        except EstimationError as error:
            yield "", error.message, error.remedy
            return
        integrand = self.for_study(study).integrand(study.joint_law())
        least = 30 * integrand.runs_per_row
        if self.runs < least:
            yield "runs", f"is too few: this question takes {least} runs at least.", f"write `runs: {least}` or more."
        for spec in self.estimator_specs():
            yield from build_estimator(spec).problems(study)
        yield from self._floor(integrand)

    def _floor(self, integrand: Integrand) -> Iterator[tuple[str, str, str]]:
        """A tolerance that no count of so many runs can reach, told before the first one."""
        from surecast.quantify.estimators.build import build_estimator
        from surecast.quantify.floor import least_runs

        wanted = max(self.tolerance or 0.0, self.absolute_tolerance or 0.0)
        counts = [spec["kind"] for spec in self.estimator_specs() if build_estimator(spec).counts]
        if not (wanted and counts) or integrand.statistics[0].interval != "probability":
            return
        least = least_runs(wanted, self.level)
        if self.runs < least:
            key = "tolerance" if self.tolerance == wanted else "absolute_tolerance"
            yield (
                key,
                f"cannot be reached with {self.runs} runs of {counts[0]}: without a single event the interval is "
                "wider still.",
                f"it needs at least {least} runs: write `runs: {least}` or more, or a larger tolerance.",
            )

    def point_by_point(self, study: Study) -> tuple[str, ...]:
        """Outputs that are whole fields and answered at each of their points."""
        return ()

    def with_runs(self, integrand: Integrand, study: Study, manifest: str | Path) -> Integrand:
        """The integrand with the runs of the study's dataset, where the question is about those."""
        return integrand

    @abstractmethod
    def integrand(self, law: JointLaw) -> Integrand:
        """The question made ready for estimators."""
