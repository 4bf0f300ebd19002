"""A paper: what it claims, what is measured here, and when the claim counts as replicated.

    from surecast.papers.frame.paper import Criterion, Measured, Paper

    def measure() -> Measured: ...

    PAPER = Paper(slug=..., title=..., reference=..., claim=..., check=..., criteria=..., control=..., measure=measure)

A claim is replicated if the mean over the seeds of every criterion keeps its bound, and the negative control, in
which what the paper proposes is taken away, breaks every bound that it was measured against.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Criterion:
    """A number to be measured, and its bound: exactly one of `at_most` and `at_least`.

    Raises
    ------
    ValueError
        If both or neither are given.
    """

    text: str
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError(f"criterion {self.text!r}: give at_most or at_least, one of them")

    def holds(self, value: float) -> bool:
        """Whether a value keeps the bound; NaN does not."""
        if self.at_most is not None:
            return value <= self.at_most
        assert self.at_least is not None
        return value >= self.at_least


@dataclass(frozen=True)
class Measured:
    """What a check found.

    Parameters
    ----------
    values : mapping
        Criterion -> its value for each seed (or one value, where all seeds make one number).
    control : mapping
        Criterion -> the same without what the paper proposes.
    beside : mapping
        Further figures that the reader should see, by what they are: baselines above all.
    """

    values: Mapping[str, Sequence[float]]
    control: Mapping[str, Sequence[float]]
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Paper:
    """A published system and its check.

    Parameters
    ----------
    slug : str
        Short name in lower case, parts joined by hyphens; the file's name with underscores instead.
    title : str
        Of the publication.
    reference : str
        Its key in ``report/references.bib``.
    claim : str
        What it claims, in words of one's own, with its own figures.
    check : str
        What is measured here, on what, with how many seeds.
    criteria : mapping
        Name -> criterion, bounds fixed before the first measurement.
    control : str
        The negative control, in words.
    measure : callable
        Does the work, with fixed seeds.
    note : str
        What the reader must know beside it: where the scale differs, which baseline is stronger.
    """

    slug: str
    title: str
    reference: str
    claim: str
    check: str
    criteria: Mapping[str, Criterion]
    control: str
    measure: Callable[[], Measured]
    note: str = ""

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.slug):
            raise ValueError(f"slug {self.slug!r}: lower-case letters and digits, parts joined by hyphens")
        if not self.criteria:
            raise ValueError(f"paper {self.slug}: a check without a criterion cannot fail")
