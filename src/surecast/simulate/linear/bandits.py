r"""Which of d settings to try next, where only the cost of the one that was tried is seen (a bandit).

Tsallis-INF, Zimmert and Seldin, J. Mach. Learn. Res. 22 (2021) 1-49, by follow-the-regularised-leader:

    p_i = 4 (eta_t (K_i - x))^-2,   x such that sum p_i = 1,   eta_t = 2 t^-1/2,   K_i += cost / p_i  if i was tried

with the costs relative to their mean so far, as Khodak, Chow, Balcan and Talwalkar, "Learning to relax: setting solver
parameters across a sequence of linear system instances", ICLR 2024, have it. With a context (there: the shift of the
diagonal) one such learner for each of so many bins of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEWTON_STEPS = 50


class TsallisINF:
    """A learner over `arms` settings; costs are 1 at least (iterations)."""

    def __init__(self, arms: int, stream: np.random.Generator) -> None:
        self._stream = stream
        self._losses = np.zeros(arms)
        self._total = 0.0
        self._rounds = 0
        self._tried = 0
        self._probability = 1.0

    def probabilities(self) -> np.ndarray:
        """Of the arms in the next round, (arms,)."""
        mean = self._total / self._rounds if self._total > 0 else 1.0
        losses = (self._losses - self._losses.min()) / mean
        eta = 2.0 / np.sqrt(self._rounds + 1)
        # sum p_i is convex and rises with x: from where the largest p_i is 1, Newton's steps fall to the root.
        x = -2.0 / eta
        for _ in range(NEWTON_STEPS):
            p = 4.0 / np.square(eta * (losses - x))
            excess = p.sum() - 1.0
            if excess < 1e-14:
                break
            x -= excess / (eta * (p**1.5).sum())
        return np.asarray(p / p.sum())

    def choose(self, context: float = 0.0) -> int:
        """The arm to try; the context is not looked at."""
        p = self.probabilities()
        self._tried = int(np.searchsorted(np.cumsum(p)[:-1], self._stream.random(), side="right"))
        self._probability = float(p[self._tried])
        return self._tried

    def learn(self, cost: float) -> None:
        """Take in the cost of the arm that was chosen last."""
        self._losses[self._tried] += (cost - 1.0) / self._probability
        self._total += cost - 1.0
        self._rounds += 1


class Binned:
    """A learner of its own for each bin of the context; `edges` ascend, bins are one more."""

    def __init__(self, arms: int, edges: Sequence[float], stream: np.random.Generator) -> None:
        self._edges = np.asarray(edges, dtype=np.float64)
        self._learners = [TsallisINF(arms, stream) for _ in range(len(self._edges) + 1)]
        self._used = self._learners[0]

    def choose(self, context: float = 0.0) -> int:
        """The arm to try."""
        self._used = self._learners[int(np.searchsorted(self._edges, context, side="right"))]
        return self._used.choose()

    def learn(self, cost: float) -> None:
        """See `TsallisINF.learn`."""
        self._used.learn(cost)
