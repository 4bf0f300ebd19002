"""Sobol indices of groups of inputs, first order and total.

    S_i = Var(E[y|x_i])/Var(y),      ST_i = 1 - Var(E[y|x_~i])/Var(y).

Pick-freeze rows of G + 2 runs: y at A, at B, and at A with group i taken from B, x_i. Each index is
estimated as Janon et al. (2014, ESAIM: P&S 18, eq. 6) do, on the pair that shares a group,

    S_i  = [<b x_i> - m^2 - gamma (<a b> - m^2)] / [<(b^2 + x_i^2)/2> - m^2],   m = <b + x_i>/2,
    ST_i = 1 - [<a x_i> - m^2 - gamma (<a b> - m^2)] / [<(a^2 + x_i^2)/2> - m^2],   m = <a + x_i>/2,

which is asymptotically efficient among functions of the pair; the total index is Jansen's. <a b> - m^2
has expectation zero (A and B are independent): with gamma = 1 - ST_i for S_i (and S_i for ST_i) it
removes what b x_i and a b share. gamma = 0 is Janon's estimator, best for large indices; gamma = 1 is
the centred Saltelli (2010) one, best for small ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.quantify.estimates import Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.question import Question
from surecast.study.component import refused
from surecast.study.errors import EstimationError
from surecast.study.laws.joint import JointLaw
from surecast.study.nearest import suggestion


class Sobol(Question):
    """First-order and total Sobol indices of an output."""

    of: list[str] = Field(min_length=1, description="Name of the output, or a list of names.")
    groups: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Groups of inputs by name; an input in no group is a group of its own. "
        "A Gaussian field is one input.",
    )

    answered_by: ClassVar[tuple[str, ...]] = ("control_variates", "monte_carlo", "scrambled_sobol")
    absolute: ClassVar[bool] = True
    law_key: ClassVar[str] = "groups"

    @field_validator("of", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

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
        for linked in law.dependent:
            touched = sorted(group for group, members in groups.items() if set(members) & set(linked))
            if len(touched) > 1:
                raise EstimationError(
                    f"inputs {', '.join(sorted(linked))} are dependent but lie in different groups "
                    f"({', '.join(touched)}): the variance cannot be split between them, "
                    "so their Sobol indices do not exist.",
                    "put dependent inputs into one group, or remove their correlation.",
                )

    def integrand(self, law: JointLaw) -> Integrand:
        """Rows of G + 2 runs."""
        self.check_law(law)
        return SobolIntegrand(law, self.outputs, self.all_groups(law.names))


class SobolIntegrand(Integrand):
    """Pick-freeze rows: runs A, B, and A with one group from B, for every group."""

    methods = ("janon2014", "jansen1999", "saltelli2010")

    def __init__(self, law: JointLaw, outputs: Sequence[str], groups: Mapping[str, Sequence[str]]) -> None:
        self.law, self.outputs = law, tuple(outputs)
        self.groups = {group: tuple(members) for group, members in groups.items()}
        self.row_dimension, self.runs_per_row = 2 * law.dimension, len(groups) + 2
        self.taken = np.zeros((len(groups), law.dimension), dtype=bool)
        for index, members in enumerate(groups.values()):
            for member in members:
                self.taken[index, law.columns[member]] = True
        self.statistics = tuple(
            Statistic(output, f"{measure}[{group}]", measure, group)
            for output in outputs
            for measure in ("first", "total")
            for group in groups
        )

    def runs(self, uniforms: np.ndarray) -> np.ndarray:
        """From (n, 2 d) to (n, G + 2, d)."""
        a, b = np.split(uniforms, 2, axis=1)
        mixed = np.where(self.taken, b[:, None, :], a[:, None, :])
        return np.concatenate([a[:, None, :], b[:, None, :], mixed], axis=1)

    def groups_of(self) -> Mapping[str, Sequence[str]]:
        """The groups with their inputs."""
        return self.groups

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`; statistics are first-order then total indices, output by output."""
        values = rows - rows.mean(axis=(0, 1))  # (n, G + 2, outputs)
        values = values.transpose(0, 2, 1)
        a, b = values[..., :1], values[..., 1:2]
        x = values[..., 2:]
        columns = np.concatenate([values, values * values, a * x, b * x, a * b], axis=2)
        size = columns.shape[2]
        width = len(self.groups)

        def function(means: np.ndarray) -> np.ndarray:
            table = means.reshape(*means.shape[:-1], -1, size)
            one, two, ax, bx, ab = np.split(table, np.cumsum([width + 2, width + 2, width, width]), axis=-1)
            shares, totals = _indices(one, two, ax, bx, ab)
            return np.concatenate([shares, totals], axis=-1).reshape(*means.shape[:-1], -1)

        return columns.reshape(len(rows), -1), function


def _indices(
    one: np.ndarray, two: np.ndarray, ax: np.ndarray, bx: np.ndarray, ab: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First-order and total indices (..., G) from means of values, of squares, and of products."""
    a1, b1, x1 = one[..., :1], one[..., 1:2], one[..., 2:]
    a2, b2, x2 = two[..., :1], two[..., 1:2], two[..., 2:]
    mean_b, mean_a = 0.5 * (b1 + x1), 0.5 * (a1 + x1)
    variance_b = np.maximum(0.5 * (b2 + x2) - mean_b**2, np.finfo(float).tiny)
    variance_a = np.maximum(0.5 * (a2 + x2) - mean_a**2, np.finfo(float).tiny)
    shared = (bx - mean_b**2) / variance_b
    rest = (ax - mean_a**2) / variance_a
    noise = ab - a1 * b1
    first = shared - np.clip(rest, 0, 1) * noise / variance_b
    others = rest - np.clip(shared, 0, 1) * noise / variance_a
    return first, 1 - others
