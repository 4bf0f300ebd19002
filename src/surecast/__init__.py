"""surecast: what can be said about the outputs of an expensive simulation, and how surely.

import surecast
surecast.citation()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surecast.report.citations import citation

__all__ = ["citation"]


def __getattr__(name: str) -> Any:
    # Late: whoever plans a study needs no report.
    if name == "citation":
        from surecast.report.citations import citation

        return citation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
