"""Events over outputs: ``peak > 3.47``, ``peak > 3.47 and (outflow < 0.2 or outflow >= 1)``, ``0 < peak < 1``.

    event      = conjunction {"or" conjunction}
    conjunction = term {"and" term}
    term       = "(" event ")" | comparison
    comparison = operand relation operand {relation operand}
    operand    = output's name | number
    relation   = ">" | ">=" | "<" | "<="

Parsed by recursive descent, never by `eval`. Besides true or false an event has a signed *margin*,
positive inside: the difference of a comparison's sides, the least over ``and``, the greatest over ``or``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<relation>>=|<=|>|<)|(?P<bracket>[()]))"
)
Values = Mapping[str, np.ndarray]
DEEPEST = 50
"""Brackets within brackets at most: each takes some of Python's own stack."""
_SHOWN = 200
"""Characters of an event that a message repeats at most."""


@dataclass(frozen=True)
class Comparison:
    """left > right (or >= where `closed`); operands are names or numbers."""

    left: str | float
    right: str | float
    closed: bool

    def _sides(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        left, right = (values[side] if isinstance(side, str) else np.float64(side) for side in (self.left, self.right))
        return np.asarray(left), np.asarray(right)

    def holds(self, values: Values) -> np.ndarray:
        """Whether the event happens, run by run."""
        left, right = self._sides(values)
        return left >= right if self.closed else left > right

    def margin(self, values: Values, scales: Mapping[str, float]) -> np.ndarray:
        """How far inside (positive) or outside (negative), in units of the outputs' scales."""
        left, right = self._sides(values)
        scale = max((scales.get(side, 1.0) for side in (self.left, self.right) if isinstance(side, str)), default=1.0)
        return np.asarray((left - right) / scale)

    def names(self) -> list[str]:
        """Outputs it speaks of."""
        return [side for side in (self.left, self.right) if isinstance(side, str)]


@dataclass(frozen=True)
class Joint:
    """All (``and``) or any (``or``) of several events."""

    parts: tuple[Event, ...]
    every: bool

    def holds(self, values: Values) -> np.ndarray:
        """Whether the event happens, run by run."""
        found = [part.holds(values) for part in self.parts]
        return np.logical_and.reduce(found) if self.every else np.logical_or.reduce(found)

    def margin(self, values: Values, scales: Mapping[str, float]) -> np.ndarray:
        """Least margin of the parts for ``and``, greatest for ``or``."""
        found = [part.margin(values, scales) for part in self.parts]
        return np.asarray(np.minimum.reduce(found) if self.every else np.maximum.reduce(found))

    def names(self) -> list[str]:
        """Outputs it speaks of, in order of appearance."""
        return list(dict.fromkeys(name for part in self.parts for name in part.names()))


Event = Comparison | Joint


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                start = position + len(text[position:]) - len(text[position:].lstrip())
                self.fail(f"{text[start]!r} is not understood", start)
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind], match.start(kind)))
            position = match.end()

    def fail(self, what: str, position: int) -> NoReturn:
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}..."
        raise ValueError(
            f"{what} at position {position + 1} of {shown!r}; write for example "
            "`peak > 3.47` or `peak > 3.47 and outflow < 0.2`"
        )

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "the end", len(self.text))

    def take(self) -> tuple[str, str, int]:
        token = self.peek()
        self.at += 1
        return token

    def joint(self, word: str) -> Event:
        below = self.term if word == "and" else lambda: self.joint("and")
        parts = [below()]
        while self.peek()[:2] == ("name", word):
            self.take()
            parts.append(below())
        return parts[0] if len(parts) == 1 else Joint(tuple(parts), every=word == "and")

    def term(self) -> Event:
        kind, word, position = self.peek()
        if (kind, word) == ("bracket", "("):
            self.take()
            self.depth += 1
            if self.depth > DEEPEST:
                self.fail(f"more than {DEEPEST} brackets are open", position)
            inside = self.joint("or")
            self.depth -= 1
            if self.take()[1] != ")":
                self.fail("the bracket opened is never closed", position)
            return inside
        return self.comparison()

    def operand(self) -> str | float:
        kind, word, position = self.take()
        if kind == "number":
            if not np.isfinite(float(word)):
                self.fail(f"the number {word} is too large, it would be infinite,", position)
            return float(word)
        if kind == "name" and word not in ("and", "or"):
            return word
        self.fail(f"an output's name or a number is expected, not {word!r},", position)

    def comparison(self) -> Event:
        start = self.peek()[2]
        sides, relations = [self.operand()], []
        while self.peek()[0] == "relation":
            relations.append(self.take()[1])
            sides.append(self.operand())
        if not relations:
            self.fail(f"a relation (> >= < <=) is expected, not {self.peek()[1]!r},", self.peek()[2])
        parts: list[Event] = []
        for left, relation, right in zip(sides, relations, sides[1:], strict=False):
            if left == right or not (isinstance(left, str) or isinstance(right, str)):
                self.fail("a comparison needs an output on one side and something else on the other", start)
            greater, less = (left, right) if relation[0] == ">" else (right, left)
            parts.append(Comparison(greater, less, closed=len(relation) == 2))
        return parts[0] if len(parts) == 1 else Joint(tuple(parts), every=True)


def parse_event(text: str) -> Event:
    """Parse an event.

    Raises
    ------
    ValueError
        If the text is no event; the message names the position (from 1).
    """
    parser = _Parser(text)
    event = parser.joint("or")
    kind, word, position = parser.peek()
    if kind != "end":
        parser.fail(f"`and`, `or` or the end is expected, not {word!r},", position)
    return event


def position_of(text: str, name: str) -> int:
    """Position (from 1) of an output's name in an event's text."""
    match = re.search(rf"\b{re.escape(name)}\b", text)
    return 1 if match is None else match.start() + 1
