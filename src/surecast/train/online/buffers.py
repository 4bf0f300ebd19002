"""What is kept of a stream of runs, and which of them a batch gets.

A buffer holds the numbers of runs; whoever uses it holds the runs. Both kinds keep at most `capacity` of them and
say when they take no more, so that whoever makes runs waits.

L. Meyer, M. Schouler, R. A. Caulk, A. Ribes, B. Raffin (2023), "Training deep surrogate models with large scale
online learning", ICML, section 4 (first in, first out, and the reservoir).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np


class Buffer(ABC):
    """Numbers of the runs in memory.

    Parameters
    ----------
    capacity : int
        Most runs that are held.
    stream : numpy.random.Generator
        Decides which runs are drawn and which are let go.
    """

    def __init__(self, capacity: int, stream: np.random.Generator) -> None:
        self.capacity, self._stream = capacity, stream

    @property
    @abstractmethod
    def held(self) -> list[int]:
        """The runs in it."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def accepts(self) -> bool:
        """Whether a new run may come; otherwise it has to wait for a batch to be drawn."""

    @abstractmethod
    def add(self, run: int) -> int | None:
        """Take a new run in, and say which one is let go for it, if any."""

    @abstractmethod
    def draw(self, count: int) -> tuple[list[int], list[int]]:
        """That many different runs for a batch (all of them, if there are fewer), and those that are let go then."""

    def state_dict(self) -> dict[str, Any]:
        """What it holds and where its stream stands, as JSON values."""
        return {"stream": self._stream.bit_generator.state, **self._content()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        self._stream.bit_generator.state = state["stream"]
        self._restore(state)

    @abstractmethod
    def _content(self) -> dict[str, Any]: ...

    @abstractmethod
    def _restore(self, state: dict[str, Any]) -> None: ...


class Reservoir(Buffer):
    """Batches are drawn uniformly from all runs; a new run takes the place of one that a batch has had.

    Every run is in at least one batch before it is let go: where none has been, new runs wait. A run may be drawn
    again, so that the training never waits for the simulator once there are runs at all.
    """

    def __init__(self, capacity: int, stream: np.random.Generator) -> None:
        super().__init__(capacity, stream)
        self._unseen: list[int] = []
        self._seen: list[int] = []

    @property
    def held(self) -> list[int]:
        """The runs in it, those that no batch has had first."""
        return self._unseen + self._seen

    def __len__(self) -> int:
        return len(self._unseen) + len(self._seen)

    def accepts(self) -> bool:
        """There is room, or a run that has been in a batch."""
        return len(self) < self.capacity or bool(self._seen)

    def add(self, run: int) -> int | None:
        """See `Buffer.add`; a uniformly random one of the runs that have been in a batch is let go."""
        gone = None
        if len(self) >= self.capacity:
            place = int(self._stream.integers(len(self._seen)))
            gone, self._seen[place] = self._seen[place], self._seen[-1]
            self._seen.pop()
        self._unseen.append(run)
        return gone

    def draw(self, count: int) -> tuple[list[int], list[int]]:
        """See `Buffer.draw`; none is let go."""
        held = self.held
        places = self._stream.choice(len(held), min(count, len(held)), replace=False)
        unseen = len(self._unseen)
        for place in sorted((place for place in places.tolist() if place < unseen), reverse=True):
            self._seen.append(self._unseen.pop(place))
        return [held[place] for place in places], []

    def _content(self) -> dict[str, Any]:
        return {"unseen": self._unseen, "seen": self._seen}

    def _restore(self, state: dict[str, Any]) -> None:
        self._unseen, self._seen = list(state["unseen"]), list(state["seen"])


class Queue(Buffer):
    """First in, first out: every run is in one batch, in the order in which the runs came.

    What comes together is learnt together, which biases the batches wherever runs that follow on each other are alike.
    """

    def __init__(self, capacity: int, stream: np.random.Generator) -> None:
        super().__init__(capacity, stream)
        self._waiting: list[int] = []

    @property
    def held(self) -> list[int]:
        """The runs in it, in their order."""
        return self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def accepts(self) -> bool:
        """There is room."""
        return len(self) < self.capacity

    def add(self, run: int) -> int | None:
        """See `Buffer.add`; none is let go."""
        self._waiting.append(run)
        return None

    def draw(self, count: int) -> tuple[list[int], list[int]]:
        """See `Buffer.draw`; the oldest, which are let go."""
        drawn, self._waiting = self._waiting[:count], self._waiting[count:]
        return drawn, drawn

    def _content(self) -> dict[str, Any]:
        return {"waiting": self._waiting}

    def _restore(self, state: dict[str, Any]) -> None:
        self._waiting = list(state["waiting"])


BUFFERS: dict[str, type[Buffer]] = {"reservoir": Reservoir, "queue": Queue}
