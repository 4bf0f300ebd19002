"""Simulators that make several runs of one call at once by themselves: programs, and models on servers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from surecast.simulate.simulator import Simulator


@runtime_checkable
class SideBySide(Protocol):
    """What such a simulator has beside the methods of `Simulator`."""

    def most_at_once(self) -> int:
        """Runs that it makes at once as the study has it."""
        ...

    def at_once(self, runs: int) -> Simulator:
        """The same simulator, of the same runs, that makes so many at once at most."""
        ...
