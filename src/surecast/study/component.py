"""A component is a pydantic model: its fields are its settings in the study file, its methods do the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from surecast.study.model import Study

Problem = tuple[str, str, str]
"""Key (relative to the component, dots between levels), what is wrong, remedy."""


def refused(key: str, message: str, remedy: str = "") -> PydanticCustomError:
    """What a validator raises where a setting is impossible; the error names the key's file and line.

    Parameters
    ----------
    key : str
        The setting at fault, dots between levels (empty: the component as a whole).
    message : str
        What is wrong, as a sentence without the key and the value.
    remedy : str
        What to write instead.
    """
    return PydanticCustomError("refused", "{reason}", {"reason": message, "key": key, "remedy": remedy})


class Component(BaseModel):
    """Base of everything that a study names by `kind`.

    The fields of a subclass are what the study file may say beside `kind`; each has a type, a
    default or none, and a description. Components are frozen: the same settings, the same component.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)

    def settings(self) -> dict[str, Any]:
        """The settings as plain JSON values, defaults included: what identities and digests see."""
        return self.model_dump(mode="json")

    def for_study(self, study: Study) -> Self:
        """The component with what it takes from the rest of its study filled in; questions are asked for it."""
        return self

    def problems(self, study: Study) -> Iterable[Problem]:
        """What does not fit the rest of the study; `Study.check` asks every component once all are built."""
        return ()
