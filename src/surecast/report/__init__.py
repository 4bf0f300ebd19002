"""Figures, tables, the page.

from surecast.report import plot
plot(answer).save("figures")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surecast.report.plots import plot

__all__ = ["plot"]


def __getattr__(name: str) -> Any:
    # Late: the page alone needs matplotlib.
    if name == "plot":
        from surecast.report.plots import plot

        return plot
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
