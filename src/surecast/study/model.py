"""The study: one YAML file as typed objects, whose components are built when they are asked for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, PrivateAttr, field_validator

from surecast.study.build import build, located, validated
from surecast.study.component import refused
from surecast.study.errors import StudyError
from surecast.study.resources import SimulatorSpec
from surecast.study.settings import (
    Correlation,
    DatasetSettings,
    Evaluation,
    Failures,
    OutputSpec,
    ReportSettings,
    Settings,
    Spec,
    Training,
)
from surecast.study.source import Location, Source
from surecast.study.stated import with_stated_inputs

if TYPE_CHECKING:
    from surecast.study.laws.joint import JointLaw

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
_STUDY_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
RESERVED = ("run", "seed", "split", "index_in_split", "failed", "failure", "message", "computed")
"""Names that datasets use for themselves."""


class Study(Settings):
    """A study file.

    Build it with `surecast.study.load.load_study`. Components are raw `Spec`s here; the ``build_``
    methods resolve them (once) and raise `StudyError` with file, line, key, value and remedy.

    Attributes
    ----------
    name : str
        The file's name without suffix; results lie under it.
    file, folder : Path
        The study file and where the user's code and tables are looked for.
    """

    title: str = Field(default="", description="What the report is headed.")
    description: str = Field(default="", description="A paragraph about the study, shown in the report.")
    references: list[str] = Field(default=[], description="What the study builds on, as it should be cited.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of the study; every random number follows from it.")
    simulator: SimulatorSpec = Field(
        description="The truth: a built-in kind (docs/simulators.md), or the user's function as module:name."
    )
    inputs: dict[str, Spec] = Field(
        min_length=1,
        description="Uncertain inputs by name, each with the law it follows; a test problem states its own.",
    )
    correlations: list[Correlation] = Field(default=[], description="Gaussian copula between continuous inputs.")
    outputs: dict[str, OutputSpec] = Field(min_length=1, description="What is kept of a run, by name.")
    design: Spec = Field(description="Which runs to make: monte_carlo, latin_hypercube, sobol or table.")
    failures: Failures = Field(default=Failures(), description="What counts as a failed run, and how many are borne.")
    dataset: DatasetSettings = Field(default=DatasetSettings(), description="How runs become one dataset.")
    surrogates: dict[str, Spec] = Field(default={}, description="What is trained on the dataset, by name.")
    training: Training = Field(default=Training(), description="How networks are trained.")
    evaluation: Evaluation = Field(default=Evaluation(), description="How surrogates are judged.")
    questions: dict[str, Spec] = Field(default={}, description="What is asked, by name.")
    report: ReportSettings = Field(default=ReportSettings(), description="What the reader sees.")

    _source: Source = PrivateAttr(default=Source(Path("study.yaml"), {}))
    _built: dict[Any, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_source(cls, source: Source) -> Study:
        """Validate the content of a study file.

        Raises
        ------
        StudyError
            Every error found.
        """
        if not _STUDY_NAME.match(source.file.stem):
            raise StudyError(
                "a study's file name may hold letters, digits, '-' and '_' only.",
                "rename the file: results lie in a folder of that name.",
                file=source.file,
                line=1,
                key="study",
                value=source.file.stem,
            )
        source = with_stated_inputs(source)
        study: Study = validated(cls, source.content, source, (), source.file.parent)
        study._source = source
        return study

    @classmethod
    def from_content(cls, content: dict[str, Any], file: str | Path = "study.yaml") -> Study:
        """A study from plain values, as if they stood in `file` (for notebooks and tests)."""
        return cls.from_source(Source(Path(file), content))

    @field_validator("inputs", "outputs", "surrogates", "questions")
    @classmethod
    def _names(cls, specs: dict[str, Spec]) -> dict[str, Spec]:
        for name in specs:
            if not _NAME.match(name):
                raise refused(name, "a name must start with a letter and hold letters, digits and '_'.", "rename it.")
        return specs

    @field_validator("inputs", "outputs")
    @classmethod
    def _free(cls, specs: dict[str, Spec]) -> dict[str, Spec]:
        for name in specs:
            if name in RESERVED or name.endswith(("_term", "_field")):
                raise refused(name, "datasets use this name for themselves.", "choose another name.")
        return specs

    @field_validator("surrogates")
    @classmethod
    def _surrogates(cls, specs: dict[str, Spec]) -> dict[str, Spec]:
        for name in specs:
            if name in ("best", "none", "baselines"):
                raise refused(name, "this name has a meaning of its own.", "choose another name for the surrogate.")
        return specs

    @property
    def name(self) -> str:
        """The file's name without suffix."""
        return self._source.file.stem

    @property
    def file(self) -> Path:
        """The study file."""
        return self._source.file

    @property
    def content(self) -> dict[str, Any]:
        """The study file as plain values, as it was written: `from_content` makes the same study of it."""
        return dict(self._source.content)

    @property
    def folder(self) -> Path:
        """Where the user's code and tables are looked for."""
        return self._source.file.resolve().parent

    def build_simulator(self) -> Any:
        """The `surecast.simulate.simulator.Simulator`."""
        return self._once("simulator", self.simulator, ("simulator",))

    def build_output(self, name: str) -> Any:
        """The `surecast.simulate.outputs.Output` of that name."""
        spec = self._named(self.outputs, "outputs", name)
        given = {"of": name} if spec.kind == "variable" else {}
        return self._once("output", spec, ("outputs", name), **given)

    def build_design(self) -> Any:
        """The `surecast.design.design.Design`."""
        return self._once("design", self.design, ("design",))

    def build_surrogate(self, name: str) -> Any:
        """The settings component of a surrogate."""
        return self._once("surrogate", self._named(self.surrogates, "surrogates", name), ("surrogates", name))

    def build_question(self, name: str) -> Any:
        """The question component of that name, with what it takes from the rest of the study filled in."""
        location = ("questions", name)
        question = self._once("question", self._named(self.questions, "questions", name), location)
        try:
            return question.for_study(self)
        except StudyError as error:
            raise located(error, self._source, location) from error

    def build_law(self, name: str) -> Any:
        """The `surecast.study.laws.law.Law` of an input."""
        return self._once("laws", self._named(self.inputs, "inputs", name), ("inputs", name))

    def joint_law(self) -> JointLaw:
        """The joint law of all inputs, in the order of the file.

        Raises
        ------
        StudyError
            Every law that is refused, or else the correlation that is.
        """
        if "joint" not in self._built:
            from surecast.study.laws.joint import JointLaw

            laws: dict[str, Any] = {}
            errors: list[StudyError] = []
            for name in self.inputs:
                try:
                    laws[name] = self.build_law(name)
                except StudyError as error:
                    errors.extend(error.errors)
            if errors:
                raise StudyError.of(errors)
            try:
                self._built["joint"] = JointLaw(laws, self.correlations)
            except StudyError as error:
                raise self.error(("correlations",), error.reason, error.remedy) from error
        joint: JointLaw = self._built["joint"]
        return joint

    def check(self) -> None:
        """Build every component and check that they fit each other; nothing is simulated or written.

        Raises
        ------
        StudyError
            Every error found, in the attribute ``errors``.
        """
        from surecast.study.check import check

        check(self)

    def error(self, location: Location, message: str, remedy: str) -> StudyError:
        """A `StudyError` that names this file and the line, key and value of a location."""
        return self._source.error(location, message, remedy)

    def _named(self, specs: dict[str, Any], group: str, name: str) -> Any:
        if name not in specs:
            from surecast.study.nearest import suggestion

            raise self.error((group,), f"there is no {name!r} among {group}.", suggestion(name, specs))
        return specs[name]

    def _once(self, table: str, spec: Spec, location: Location, **given: Any) -> Any:
        if location not in self._built:
            self._built[location] = build(table, spec, self._source, location, self.folder, **given)
        return self._built[location]
