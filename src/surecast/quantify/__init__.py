"""Estimators of what the questions ask, each with its interval and verdict.

from surecast.quantify import estimate
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surecast.quantify.api import estimate

__all__ = ["estimate"]


def __getattr__(name: str) -> Any:
    # Late, so that what plans a study imports neither xarray nor torch.
    if name == "estimate":
        from surecast.quantify.api import estimate

        return estimate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
