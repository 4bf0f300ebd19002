"""A component is a pydantic model: its fields are its settings in the study file, its methods do the work."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """Base of everything that a study names by `kind`.

    The fields of a subclass are what the study file may say beside `kind`; each has a type, a
    default or none, and a description. Components are frozen: the same settings, the same component.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)

    def settings(self) -> dict[str, Any]:
        """The settings as plain JSON values, defaults included: what identities and digests see."""
        return self.model_dump(mode="json")
