"""The answers of another question if the inputs followed another law, from the same runs by reweighting.

For example `{kind: what_if, question: averages, inputs: {head: {kind: normal, mean: 1, standard_deviation: 0.1}}}`.
The runs are those of the question asked again wherever random draws answer it (active_sampling, control_variates,
monte_carlo): the run store finds them. Formulas and intervals: `surecast.quantify.reweighted`, of quantiles
`surecast.quantify.reweighted_levels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.integrand import Integrand
from surecast.quantify.other_law import LEAST_SHARE, DensityRatio, OtherLaw, build_laws, require_shares
from surecast.quantify.quantiles import QuantilesIntegrand
from surecast.quantify.question import Question
from surecast.quantify.reweighted import OTHER, ReweightedIntegrand, WeightedEvent
from surecast.quantify.reweighted_levels import ReweightedQuantiles, ReweightedTail
from surecast.quantify.tail import TailIntegrand
from surecast.study import kinds
from surecast.study.component import refused
from surecast.study.errors import ComponentError, EstimationError, StudyError
from surecast.study.laws.joint import JointLaw
from surecast.study.nearest import suggestion
from surecast.study.settings import Correlation

if TYPE_CHECKING:
    from surecast.study.model import Study

ASKED_AGAIN = ("moments", "quantiles", "tail", "exceedance", "sobol", "expectations")
"""Kinds of questions that can be asked again."""
BY_RANDOM_DRAWS = ("quantiles", "tail", "exceedance")
"""Those whose counts of runs plain draws alone can weigh."""
SHARED = ("surrogate", "runs", "surrogate_runs", "tolerance", "absolute_tolerance", "level", "estimators")
"""Settings taken from the question asked again where this one does not set them."""


class WhatIf(Question):
    """A question asked again under other input laws, answered by its own runs with weights."""

    question: str | dict[str, Any] = Field(description="Name of another question of the study, or a question in full.")
    inputs: dict[str, dict[str, Any]] = Field(
        default={}, description="Laws in place of the study's, by input: `{head: {kind: normal, ...}}`."
    )
    correlations: list[Correlation] | None = Field(
        default=None, description="Correlations in place of the study's; left out, those of the study hold."
    )
    least_effective_share: float = Field(
        LEAST_SHARE, gt=0, le=1, description="Least share of the runs that must be effective under the other law."
    )

    answered_by: ClassVar[tuple[str, ...]] = ("active_sampling", "control_variates", "monte_carlo")
    outputs_key: ClassVar[str] = "question"
    law_key: ClassVar[str] = "inputs"
    takes_epistemic: ClassVar[bool] = False

    _base: Question | None = PrivateAttr(default=None)
    _other: OtherLaw = PrivateAttr(default_factory=OtherLaw)

    @model_validator(mode="before")
    @classmethod
    def _taken(cls, data: Any) -> Any:
        """Settings of the question asked again, where this one has none of its own."""
        if not isinstance(data, dict) or not isinstance(data.get("question"), dict):
            return data
        base = data["question"]
        taken = {key: base[key] for key in SHARED if key in base and key not in data}
        if "estimators" in taken:
            able = cls._able(base)
            named = [item if isinstance(item, str) else item.get("kind") for item in taken["estimators"]]
            taken["estimators"] = [item for item, kind in zip(taken["estimators"], named, strict=True) if kind in able]
        return data | taken

    @field_validator("question")
    @classmethod
    def _may_be_asked_again(cls, value: str | dict[str, Any], info: ValidationInfo) -> str | dict[str, Any]:
        if isinstance(value, dict):
            _build(value, info.context)
        return value

    @field_validator("inputs")
    @classmethod
    def _laws(cls, value: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        build_laws(value, (info.context or {}).get("folder", "."))
        return value

    @model_validator(mode="after")
    def _different(self) -> WhatIf:
        if not self.inputs and self.correlations is None:
            raise refused("inputs", "nothing is different from the study.", "name the input whose law is another one.")
        if isinstance(self.question, dict):
            able = self._able(self.question)
            for spec in self.estimator_specs():
                if spec["kind"] not in able:
                    kind = self.question.get("kind")
                    raise refused(
                        "estimators", f"{spec['kind']} cannot answer a question of kind {kind!r} under another law.",
                        f"write `estimators: [{able[0]}]`.",
                    )  # fmt: skip
        return self

    @classmethod
    def _able(cls, base: Mapping[str, Any]) -> tuple[str, ...]:
        """Estimators that can answer a question under another law; counts would have to be weighted twice."""
        if base.get("kind") in BY_RANDOM_DRAWS:
            return ("monte_carlo",)
        return cls.answered_by if base.get("kind") == "moments" else cls.answered_by[1:]

    def model_post_init(self, context: Any, /) -> None:
        """Build the other law and the question asked again."""
        given = {"inputs": self.inputs, "correlations": self.correlations}
        self._other = OtherLaw.model_validate(given, context=context)
        if isinstance(self.question, dict):
            self._base = _build(self.question, context)

    def for_study(self, study: Study) -> WhatIf:
        """The question with the one that it names filled in."""
        if not isinstance(self.question, str):
            return self
        if self.question not in study.questions:
            raise StudyError(
                f"there is no question {self.question!r}.", suggestion(self.question, study.questions), key="question"
            )
        kind = study.questions[self.question].kind
        if kind not in ASKED_AGAIN:
            raise _not_again(kind)
        base = {"kind": kind, **study.build_question(self.question).settings()}
        own = self.model_dump(mode="json", include=self.model_fields_set)
        return type(self).model_validate(own | {"question": base}, context={"folder": study.folder})

    def code(self) -> tuple[str, ...]:
        """See `Question.code`."""
        again = (kinds.target("question", self.question["kind"]),) if isinstance(self.question, dict) else ()
        return (*again, *(kinds.target("laws", str(law["kind"])) for law in self.inputs.values()))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return () if self._base is None else self._base.outputs

    def default_estimator(self) -> str:
        """Random draws: those of the question asked again where it is about moments and names no estimators."""
        if self.surrogate == "none" or not isinstance(self.question, dict):
            return "monte_carlo"
        return self._able(self.question)[0]

    def check_law(self, law: JointLaw) -> None:
        """The other law must lie within the study's, and near enough for its runs to speak for it."""
        integrand = self.integrand(law)
        assert isinstance(integrand, (ReweightedIntegrand, WeightedEvent, ReweightedQuantiles, ReweightedTail))
        # The share of a row is that of each of its independent draws, multiplied.
        of_row = len(integrand.draws) if isinstance(integrand, ReweightedIntegrand) else 1
        require_shares(
            {OTHER: integrand.ratio},
            self.least_effective_share ** (1 / of_row),
            [str(spec["kind"]) for spec in self.estimator_specs()],
        )

    def integrand(self, law: JointLaw) -> Integrand:
        """Rows of the question asked again, with the logarithm of their weight."""
        if self._base is None:
            raise EstimationError(
                f"the question {self.question!r} is named, but there is no study to find it in.",
                "write the question in full: `question: {kind: moments, of: y}`.",
            )
        ratio = DensityRatio(law, self._other.joint(law))
        self._base.check_law(law)
        base = self._base.integrand(law)
        if any(statistic.law for statistic in base.statistics):
            raise EstimationError("the question asked again has other laws itself.", "leave out its `laws`.")
        if isinstance(base, ExceedanceIntegrand):
            return WeightedEvent(base, ratio, self.least_effective_share)
        if isinstance(base, QuantilesIntegrand):
            return ReweightedQuantiles(base, ratio, self.least_effective_share)
        if isinstance(base, TailIntegrand):
            return ReweightedTail(base, ratio, self.least_effective_share)
        return ReweightedIntegrand(base, ratio, self.least_effective_share)


def _build(spec: Mapping[str, Any], context: Any) -> Question:
    kind = str(spec.get("kind", ""))
    if kind not in ASKED_AGAIN:
        error = _not_again(kind)
        raise refused("kind", error.reason, error.remedy)
    try:
        component: type[Question] = kinds.resolve("question", kind)
    except ComponentError as error:
        raise refused("kind", error.message, error.remedy) from error
    return component.model_validate({key: value for key, value in spec.items() if key != "kind"}, context=context)


def _not_again(kind: str) -> StudyError:
    return StudyError(
        f"a question of kind {kind!r} cannot be asked again under other laws.",
        f"name one of kind {', '.join(ASKED_AGAIN)}.",
        key="question",
    )
