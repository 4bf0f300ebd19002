"""Terms evaluated by NumPy: all terms of one form at once, for all runs at once.

Loops over cells make terms of few forms, as many of each as there are cells. Two terms have one form if their
operations agree down to the leaves, whichever numbers of the state these are. Terms of a form lie side by side, so that
one call of NumPy calculates them from blocks that lie side by side too; only where the leaves lie otherwise (a
neighbour, the other end of a ring) are they gathered. Terms of rare forms are calculated together with those of the
same operation that depend on each other no more deeply. What depends on parameters alone is calculated once for many
states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from surecast.simulate.traced.terms import Term, in_order

_FEW = 16  # terms of a form below which they do not get a call of their own

Place = slice | np.ndarray
"""Rows of the memory."""


@dataclass(frozen=True)
class _Step:
    """One call: rows `to` of the memory from rows `of`."""

    function: np.ufunc
    of: tuple[Place, ...]
    to: slice


class Kernel:
    """Terms as a function of states.

    Parameters
    ----------
    outputs : sequence of Term
        The terms, of one table.
    size : int
        Numbers of the state.
    parameters : sequence of str
        Names of the parameters.
    """

    def __init__(self, outputs: Sequence[Term], size: int, parameters: Sequence[str]) -> None:
        self.size, self.parameters = size, tuple(parameters)
        terms = in_order(outputs)
        self.operations = sum(bool(term.arguments) for term in terms)
        places: dict[int, int] = {}
        self._constants: dict[int, float] = {}
        self._time = size + len(parameters)
        self.rows = self._time + 1
        for term in terms:
            if term.operation == "constant":
                places[id(term)] = self.rows
                self._constants[self.rows] = term.value
                self.rows += 1
            elif term.operation == "parameter":
                places[id(term)] = size + self.parameters.index(term.value)
            elif not term.arguments:
                places[id(term)] = self._time if term.operation == "time" else term.value
        self._once: list[_Step] = []
        self._each: list[_Step] = []
        for fixed, group in _grouped(terms):
            to = slice(self.rows, self.rows + len(group))
            places.update((id(term), self.rows + count) for count, term in enumerate(group))
            self.rows = to.stop
            sides = zip(*(term.arguments for term in group), strict=True)
            of = tuple(_place([places[id(one)] for one in side]) for side in sides)
            (self._once if fixed else self._each).append(_Step(getattr(np, group[0].operation), of, to))
        self._outputs = np.array([places[id(term)] for term in outputs], dtype=np.intp)

    def prepare(self, parameters: Mapping[str, np.ndarray], runs: int) -> Prepared:
        """The kernel for runs with these parameters, (run,) each."""
        memory = np.zeros((self.rows, runs))
        for count, name in enumerate(self.parameters):
            memory[self.size + count] = parameters[name]
        for row, value in self._constants.items():
            memory[row] = value
        for call in _calls(self._once, memory):
            call()
        calls = _calls(self._each, memory)
        return Prepared(memory, memory[: self.size], memory[self._time], calls, self._outputs)


@dataclass(frozen=True)
class Prepared:
    """A kernel with its memory; made by `Kernel.prepare`."""

    memory: np.ndarray
    state: np.ndarray
    time: np.ndarray
    calls: list[Callable[[], object]]
    outputs: np.ndarray

    def __call__(self, state: np.ndarray, time: float = 0.0) -> np.ndarray:
        """Outputs (output, run), a new array, of states (size, run)."""
        self.state[...] = state
        self.time[...] = time
        for call in self.calls:
            call()
        return self.memory.take(self.outputs, axis=0)


def _calls(steps: Sequence[_Step], memory: np.ndarray) -> list[Callable[[], object]]:
    """Steps as calls that need no arguments; what is gathered twice is gathered once, as no row is written twice."""
    found: list[Callable[[], object]] = []
    gathered: dict[bytes, np.ndarray] = {}
    for step in steps:
        sides = []
        for rows in step.of:
            if isinstance(rows, slice):
                sides.append(memory[rows])
                continue
            key = rows.tobytes()
            if key not in gathered:
                gathered[key] = np.empty((len(rows), memory.shape[1]))
                found.append(partial(memory.take, rows, 0, gathered[key], "clip"))
            sides.append(gathered[key])
        found.append(partial(step.function, *sides, out=memory[step.to]))
    return found


def _grouped(terms: Sequence[Term]) -> list[tuple[bool, list[Term]]]:
    """Operations in groups for one call each, after those that they need, and whether the state has no part in them."""
    form: dict[int, int] = {}
    level: dict[int, int] = {}
    fixed: dict[int, bool] = {}
    numbers: dict[tuple[object, ...], int] = {}
    for term in terms:
        place, below = id(term), [id(one) for one in term.arguments]
        form[place] = numbers.setdefault((term.operation, *(form[one] for one in below)), len(numbers))
        level[place] = 1 + max((level[one] for one in below), default=-1)
        fixed[place] = all(fixed[one] for one in below) if below else term.operation in ("constant", "parameter")
    calculated = [term for term in terms if term.arguments]
    size = Counter(form[id(term)] for term in calculated)
    groups: dict[tuple[int, bool, str, int | None], list[Term]] = {}
    for term in calculated:
        own = form[id(term)] if size[form[id(term)]] >= _FEW else None
        groups.setdefault((level[id(term)], fixed[id(term)], term.operation, own), []).append(term)
    return [(fixed[id(group[0])], group) for _, group in sorted(groups.items(), key=lambda one: one[0][0])]


def _place(rows: Sequence[int]) -> Place:
    """Rows as a slice where they are evenly spaced, or all the same one."""
    found = np.array(rows, dtype=np.intp)
    if (found == found[0]).all():
        return slice(rows[0], rows[0] + 1)
    step = rows[1] - rows[0]
    return slice(rows[0], rows[-1] + 1, step) if step > 0 and (np.diff(found) == step).all() else found
