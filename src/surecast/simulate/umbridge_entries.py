"""Entries of a model's output vectors that are one raw output: a number, or a field of one dimension."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surecast.study.component import refused


class Entries(BaseModel):
    """Entries of an output vector: one (`index`), or several in a row (`range`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vector: int = Field(default=0, ge=0, description="Which output vector, from 0.")
    index: int | None = Field(default=None, ge=0, description="Place of the one entry that is meant, from 0: a number.")
    range: tuple[int, int] | None = Field(
        default=None, description="First place, and the one after the last: a field of one dimension."
    )
    dim: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="Name of that dimension; <output>_place if left out.",
    )
    units: str = Field(default="1", description="Unit of the values.")
    long_name: str = Field(default="", description="What they are, in words.")

    @model_validator(mode="after")
    def _one_or_several(self) -> Entries:
        if (self.index is None) == (self.range is None):
            raise refused(
                "", "either `index` or `range` says which entries are meant.", "write for example `index: 0`."
            )
        if self.range is not None and not 0 <= self.range[0] < self.range[1]:
            raise refused("range", "the range is empty or begins below 0.", "write `range: [0, n]` for n entries.")
        if self.range is None and self.dim is not None:
            raise refused("dim", "a number has no dimension.", "write `range`, or leave `dim` out.")
        return self

    def __str__(self) -> str:
        """As in Python: ``output[0][30]``, ``output[0][0:31]``."""
        start, stop = self.span
        return f"output[{self.vector}][{start if self.range is None else f'{start}:{stop}'}]"

    @property
    def span(self) -> tuple[int, int]:
        """First place, and the one after the last."""
        if self.range is not None:
            return self.range
        assert self.index is not None
        return self.index, self.index + 1
