r"""Which inputs drive an output: Sobol indices of every order, of groups of inputs, and Shapley effects.

    S_i  = Var(E[y|x_i])/Var(y)                        first-order index (`first`)
    T_i  = 1 - Var(E[y|x_{not i}])/Var(y)              total index (`total`)
    S_ij = Var(E[y|x_i, x_j])/Var(y) - S_i - S_j       second-order index (`second`)
    Sh_i                                               Shapley effect (`shapley`), see `surecast.quantify.shapley`

of independent groups of inputs (an input in no group is its own). Where inputs are dependent and lie in different
groups the variance cannot be split by the first three; Shapley effects are defined there too and add up to 1.

For an output that is a field y(p) the indices are the generalised ones, sums over its points of numerators over the
sum of variances, sum_p Cov_i(p)/sum_p V(p) (Lamboni, Monod and Makowski 2011; Gamboa et al. 2014).

Runs and formulas: `surecast.quantify.pick_freeze`, `surecast.quantify.indices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PrivateAttr, field_validator

from surecast.quantify.field_indices import FieldSobolIntegrand
from surecast.quantify.indices import Formula
from surecast.quantify.integrand import Integrand
from surecast.quantify.pick_freeze import Measure, SobolIntegrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    from surecast.study.model import Study

__all__ = ["Sobol", "SobolIntegrand"]


class Sobol(Question):
    """Sobol indices and Shapley effects of outputs."""

    of: list[str] = Field(min_length=1, description="Name of the output, or a list of names.")
    groups: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Groups of inputs by name; an input in no group is a group of its own. "
        "A Gaussian field is one input.",
    )

    indices: list[Measure] = Field(
        ["first", "total"],
        min_length=1,
        description="Which: `first`, `total`, `second` (pairs of groups) and `shapley`. With dependent inputs in "
        "different groups only `shapley`.",
    )
    formula: Formula = Field(
        "adaptive",
        description="Of first-order and total indices from pick-freeze runs: `adaptive` (the narrowest), `saltelli` "
        "(2010), `jansen` (1999) or `janon` (2014).",
    )
    noise: bool | None = Field(
        None,
        description="Whether the noise of a stochastic simulator is a group, `seed`, of its own (one more run a row). "
        "By default where the simulator is stochastic.",
    )

    answered_by: ClassVar[tuple[str, ...]] = (
        "surrogate_decomposition",
        "control_variates",
        "monte_carlo",
        "scrambled_sobol",
        "latin_hypercube",
    )
    absolute: ClassVar[bool] = True
    law_key: ClassVar[str] = "groups"
    takes_fields: ClassVar[bool] = True
    _fields: bool = PrivateAttr(default=False)
    """Whether an output is a field, as its study says."""

    @field_validator("of", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("of", "indices")
    @classmethod
    def _unique(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise refused("", "an entry is named twice.", "name each once.")
        return value

    @field_validator("groups")
    @classmethod
    def _disjoint(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        seen: dict[str, str] = {}
        for group, members in value.items():
            if not members:
                raise refused(group, "a group without inputs has no index.", "name its inputs, or remove it.")
            for member in members:
                if member in seen:
                    raise refused(
                        group, f"input {member!r} is in group {seen[member]!r} too.", "groups must not overlap."
                    )
                seen[member] = group
        return value

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the study's outputs that it needs."""
        return tuple(self.of)

    def all_groups(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The groups, with one more for every input that is in none."""
        grouped = {member for members in self.groups.values() for member in members}
        given = {group: tuple(members) for group, members in self.groups.items()}
        return given | {name: (name,) for name in names if name not in grouped}

    def check_law(self, law: JointLaw) -> None:
        """Unknown inputs, a single group, and dependent inputs in different groups are refused."""
        groups = self.all_groups(law.names)
        for group, members in groups.items():
            for member in members:
                if member not in law.names:
                    raise EstimationError(
                        f"group {group!r} names {member!r}, which is no input of the study.",
                        suggestion(member, law.names),
                    )
        if len(groups) < 2 and self.indices != ["first", "total"]:
            raise EstimationError(
                "a single group has no interactions to share.", "name more groups, or leave `indices` out."
            )
        wanted = [measure for measure in self.indices if measure != "shapley"]
        for linked in law.dependent if wanted else ():
            touched = sorted(group for group, members in groups.items() if set(members) & set(linked))
            if len(touched) > 1:
                raise EstimationError(
                    f"inputs {', '.join(sorted(linked))} are dependent but lie in different groups "
                    f"({', '.join(touched)}): the variance cannot be split between them, "
                    f"so their Sobol indices ({', '.join(wanted)}) do not exist.",
                    "put dependent inputs into one group, remove their correlation, or write `indices: [shapley]`.",
                )

    def for_study(self, study: Study) -> Sobol:
        """The question with `noise` set as the study's simulator is, and knowing which outputs are fields."""
        simulator = study.build_simulator()
        noise = simulator.stochastic if self.noise is None else self.noise
        found = self.model_copy(update={"noise": noise})
        known = [name for name in self.of if name in study.outputs]
        found._fields = any(study.build_output(name).is_field(simulator) for name in known)
        return found

    def default_estimator(self) -> str:
        """Chains of Shapley effects have no decomposition where inputs are dependent: control variates hold always."""
        if self.surrogate == "none":
            return "scrambled_sobol"
        return "control_variates" if "shapley" in self.indices or self._fields else "surrogate_decomposition"

    def integrand(self, law: JointLaw) -> Integrand:
        """Pick-freeze rows."""
        self.check_law(law)
        kind = FieldSobolIntegrand if self._fields else SobolIntegrand
        return kind(law, self.outputs, self.all_groups(law.names), self.indices, self.formula, bool(self.noise))
