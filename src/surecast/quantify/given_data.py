"""Moments and first-order Sobol indices from runs that exist already; no run is made.

A value can be had from any runs. An interval says how far it may be off because of how the runs were *drawn*, so
there is one only where that is declared: independent draws from the laws of the inputs. The validation and test
runs of every drawn design are, those of a `monte_carlo` design altogether, and a `table` that says
`sampling: independent`. Of any other runs the value is given without an interval (from minus to plus infinity in
the tables), and not certified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import xarray as xr
from pydantic import Field, field_validator

from surecast.quantify.estimates import Estimate, Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    from surecast.study.model import Study

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Runs:
    """Runs at hand.

    Parameters
    ----------
    inputs : xarray.Dataset
        Inputs by name, (run,).
    values : (n, outputs) array
        Outputs; NaN where a run failed.
    independent : bool
        Whether the runs are declared to be independent draws from the laws of the inputs.
    """

    inputs: xr.Dataset
    values: np.ndarray
    independent: bool


class GivenData(Question):
    """Moments and first-order indices of outputs from the runs of the dataset."""

    of: list[str] = Field(min_length=1, description="Names of the outputs; one name or a list.")
    statistics: list[Literal["mean", "variance", "standard_deviation", "first"]] = Field(
        default=["mean", "variance", "first"],
        min_length=1,
        description="What of each output; first-order indices last.",
    )
    inputs: list[str] = Field(
        default=[], description="Inputs whose first-order indices are wanted; by default all that are one number."
    )
    splits: list[Split] = Field(
        default=[], description="Which runs; by default those declared to be independent draws, or all if none are."
    )
    runs: int = Field(default=0, ge=0, le=0, description="No run is made.")

    answered_by: ClassVar[tuple[str, ...]] = ("rank_statistics", "binning")
    law_key: ClassVar[str] = "inputs"
    takes_epistemic: ClassVar[bool] = False

    @field_validator("of", "statistics", "inputs", "splits", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("of", "statistics", "inputs", "splits")
    @classmethod
    def _unique(cls, value: list[Any]) -> list[Any]:
        if len(set(value)) < len(value):
            raise refused("", "a name stands twice.", "name each once.")
        return value

    @field_validator("surrogate")
    @classmethod
    def _unaided(cls, value: str) -> str:
        if value != "none":
            raise refused("", "no surrogate helps where no run is made.", "leave it out.")
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(self.of)

    def default_estimator(self) -> str:
        """Neighbours by rank: no number of bins to choose."""
        return "rank_statistics"

    def indexed(self, law: JointLaw) -> tuple[str, ...]:
        """Inputs whose first-order indices are wanted."""
        if "first" not in self.statistics:
            return ()
        return tuple(self.inputs) or tuple(name for name, one in law.laws.items() if one.dimension == 1)

    def check_law(self, law: JointLaw) -> None:
        """Indices are of inputs that are one number and independent of the others."""
        for name in self.inputs:
            if name not in law.laws:
                raise EstimationError(f"there is no input {name!r}.", suggestion(name, law.laws))
            if law.laws[name].dimension > 1:
                raise EstimationError(
                    f"input {name!r} is a field: its runs have no order to find neighbours by.",
                    "ask a `sobol` question, whose groups may be fields.",
                )
        for linked in law.dependent:
            if touched := sorted(set(linked) & set(self.indexed(law))):
                raise EstimationError(
                    f"inputs {', '.join(sorted(linked))} are dependent: the variance cannot be split between them, so "
                    f"that first-order indices of {', '.join(touched)} do not exist.",
                    "name others in `inputs`, or ask for Shapley effects by a `sobol` question.",
                )

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """See `Question.problems`; there is no budget of runs."""
        from surecast.quantify.epistemic import check

        try:
            self.check_law(study.joint_law())
            check(self, study.joint_law())
        except EstimationError as error:
            yield self.law_key, error.message, error.remedy

    def integrand(self, law: JointLaw) -> GivenDataIntegrand:
        """Statistics without runs; `with_runs` adds those of a dataset."""
        return GivenDataIntegrand(law, self.outputs, self.statistics, self.indexed(law))

    def with_runs(self, integrand: Integrand, study: Study, manifest: str | Path) -> GivenDataIntegrand:
        """See `Question.with_runs`.

        Raises
        ------
        EstimationError
            If the splits hold no run.
        """
        from surecast.assemble.open import open_dataset
        from surecast.evaluate.split import in_split

        assert isinstance(integrand, GivenDataIntegrand)
        random = independent_splits(study)
        splits: Sequence[str] = self.splits or random or ("train", "validation", "test")
        if "train" in splits and not study.build_design().of_the_law:
            raise EstimationError(
                f"the training runs of a {study.design.kind} design have not the law of the inputs: they may train a "
                "surrogate, and correct no estimate.",
                "write `splits: [validation, test]`.",
            )
        dataset = open_dataset(manifest)
        chosen = np.flatnonzero(in_split(dataset, *splits))
        if not len(chosen):
            raise EstimationError(
                f"the dataset has no run in {', '.join(splits)}.", "name another split, or raise its count in `design`."
            )
        found = dataset[[*integrand.inputs, *self.of, "failed"]].isel(run=chosen).reset_coords(drop=True).load()
        given = Runs(found[list(integrand.inputs)], integrand.values(found), set(splits) <= set(random))
        return GivenDataIntegrand(integrand.law, self.outputs, self.statistics, integrand.inputs, given)


class GivenDataIntegrand(MomentsIntegrand):
    """Moments and first-order indices of runs at hand."""

    def __init__(
        self,
        law: JointLaw,
        outputs: Sequence[str],
        statistics: Sequence[str],
        inputs: Sequence[str],
        given: Runs | None = None,
    ) -> None:
        super().__init__(law, outputs, [name for name in statistics if name != "first"])
        self.moments = MomentsIntegrand(law, outputs, [name for name in statistics if name != "first"])
        self.inputs, self.given = tuple(inputs), given
        indices = [Statistic(y, f"first[{x}]", "first", group=x) for y in outputs for x in inputs]
        self.statistics = (*self.moments.statistics, *indices)


def independent_splits(study: Study) -> tuple[str, ...]:
    """Splits of a study's design whose runs are independent draws from the laws of the inputs."""
    kind, design = study.design.kind, study.build_design()
    if kind == "monte_carlo" or (kind == "table" and design.sampling == "independent"):
        return ("train", "validation", "test")
    return ("validation", "test") if kind in ("sobol", "latin_hypercube", "determinantal", "volume_sampling") else ()


def from_runs(
    question: GivenData,
    law: JointLaw,
    inputs: xr.Dataset,
    outputs: xr.Dataset,
    *,
    independent: bool = False,
    seed: int = 0,
) -> list[Estimate]:
    """Answer from runs of one's own, without a study.

    Parameters
    ----------
    question : GivenData
        What is asked.
    law : JointLaw
        Laws of the inputs.
    inputs, outputs : xarray.Dataset
        The runs, dimension ``run``; an output that is not finite is a failed run.
    independent : bool
        Declares that the runs are independent draws from `law`: only then there are intervals.
    seed : int
        Fixes the order of runs with equal inputs.

    Raises
    ------
    EstimationError
        If the question does not fit the laws, or too few runs finished.
    """
    from surecast.quantify.answer import ask

    question.check_law(law)
    integrand = question.integrand(law)
    given = Runs(inputs[list(integrand.inputs)], integrand.values(outputs), independent)
    held = GivenDataIntegrand(law, question.outputs, question.statistics, integrand.inputs, given)
    stream: Callable[[str], np.random.SeedSequence] = lambda kind: np.random.SeedSequence(seed)  # noqa: E731
    return ask(question, held, no_truth, (), stream, steps=0)


def no_truth(inputs: xr.Dataset) -> xr.Dataset:
    """Stands where other questions have the simulator."""
    raise EstimationError("a question about runs at hand makes none.", "ask another kind of question.")
