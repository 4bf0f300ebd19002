"""Terms: what a calculation with symbols makes, each of which exists once.

A term is an operation and the terms that it is done on; leaves are constants, numbers of the state, parameters and the
time. A table hands out the term that is there already where one is asked for again (hash-consing: Ershov 1958, Comm.
ACM 1; Goto 1974, Monocopy and associative algorithms in extended Lisp), so that equal terms are one object, comparing
takes no time, and what is shared is rewritten and calculated once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from surecast.simulate.traced.rewriting import rewrite
from surecast.study.errors import ComponentError

BINARY = ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")
UNARY = ("negative", "exp", "log", "sin", "cos", "tan", "tanh", "sqrt", "absolute")
COMMUTATIVE = ("add", "multiply", "maximum", "minimum")


class Term:
    """An operation on terms, or a leaf with a `value`; made by a table only."""

    __slots__ = ("arguments", "operation", "table", "value")

    def __init__(self, table: Terms, operation: str, arguments: tuple[Term, ...], value: Any = None) -> None:
        self.table, self.operation, self.arguments, self.value = table, operation, arguments, value

    def __add__(self, other: Any) -> Any:
        return self.table.call("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.table.call("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.table.call("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.table.call("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.table.call("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.table.call("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.table.call("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.table.call("divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return self.table.call("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self.table.call("power", other, self)

    def __neg__(self) -> Term:
        return self.table.call("negative", self)

    def __pos__(self) -> Term:
        return self

    def __abs__(self) -> Term:
        return self.table.call("absolute", self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or settings or name not in (*BINARY, *UNARY, "square"):
            raise ComponentError(f"numpy.{name} of the state cannot be traced.", f"use {_known()}.")
        return self.table.call(name, *inputs)

    def __bool__(self) -> bool:
        raise ComponentError(
            "a right-hand side that branches on the state (if, and, or, max, min, a comparison) cannot be traced.",
            "use numpy.maximum and numpy.minimum of two numbers, or write the simulator as a function of arrays.",
        )

    def _compared(self, other: Any) -> bool:
        return bool(self)

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _compared
    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        raise TypeError("a number of the state was asked for its value, or put into an array of floats")

    def __repr__(self) -> str:
        if not self.arguments:
            return f"{self.operation}({self.value})"
        return f"{self.operation}({', '.join(map(repr, self.arguments))})"


# NumPy calls a method of this name on the elements of arrays of objects.
for _name in ("exp", "log", "sin", "cos", "tan", "tanh", "sqrt"):
    setattr(Term, _name, lambda self, _name=_name: self.table.call(_name, self))


class Terms:
    """A table that makes terms.

    Parameters
    ----------
    shared : bool
        Whether equal terms are one object.
    simple : bool
        Whether they are rewritten as they are made, see `surecast.simulate.traced.rewriting`.
    """

    def __init__(self, shared: bool = True, simple: bool = True) -> None:
        self.shared, self.simple = shared, simple
        self._known: dict[tuple[Any, ...], Term] = {}

    def leaf(self, kind: str, value: Any = None) -> Term:
        """A leaf; constants are float."""
        return self._term(kind, (), value)

    def constant(self, value: float) -> Term:
        """A number."""
        return self.leaf("constant", float(value))

    def call(self, operation: str, *arguments: Any) -> Any:
        """An operation on terms and numbers; an array of terms where one of them is an array."""
        if operation == "square":
            return self.call("multiply", arguments[0], arguments[0])
        if any(isinstance(one, np.ndarray) for one in arguments):
            boxed = np.broadcast_arrays(*map(_boxed, arguments))
            found = np.empty(boxed[0].shape, dtype=object)
            for place in np.ndindex(found.shape):
                found[place] = self.call(operation, *(one[place] for one in boxed))
            return found
        return self.make(operation, *(one if isinstance(one, Term) else self._number(one) for one in arguments))

    def make(self, operation: str, *arguments: Term) -> Term:
        """An operation on terms of this table, or what it is rewritten into."""
        found = rewrite(self, operation, arguments) if self.simple else None
        return self._term(operation, arguments) if found is None else found

    def same(self, one: Term, other: Term) -> bool:
        """Whether two terms are equal."""
        if one is other or self.shared:
            return one is other
        return (
            (one.operation, one.value, len(one.arguments)) == (other.operation, other.value, len(other.arguments))
            # Commutative operations are not sorted here: nor are they where terms are shared, but for their keys.
            and all(self.same(a, b) for a, b in zip(one.arguments, other.arguments, strict=True))
        )

    def _number(self, value: Any) -> Term:
        try:
            return self.constant(value)
        except (TypeError, ValueError) as error:
            raise ComponentError(
                f"a right-hand side that calculates with {type(value).__name__} cannot be traced.", "use numbers alone."
            ) from error

    def _term(self, operation: str, arguments: tuple[Term, ...], value: Any = None) -> Term:
        if not self.shared:
            return Term(self, operation, arguments, value)
        places = tuple(map(id, arguments))  # terms of a table live as long as it does
        key = (operation, value, *(sorted(places) if operation in COMMUTATIVE else places))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Term(self, operation, arguments, value)
        return found


def rebuilt(root: Term, table: Terms) -> Term:
    """A term made again in a table, by its rules; what is shared there is made once."""
    made: dict[int, Term] = {}
    waiting, done = [(root, False)], []
    while waiting:
        term, ready = waiting.pop()
        if id(term) in made:
            done.append(made[id(term)])
            continue
        if not term.arguments:
            found = table.leaf(term.operation, term.value)
        elif ready:
            count = len(term.arguments)
            found = table.make(term.operation, *done[-count:])
            del done[-count:]
        else:
            waiting.append((term, True))
            waiting.extend((one, False) for one in reversed(term.arguments))
            continue
        if table.shared:
            made[id(term)] = found
        done.append(found)
    return done[0]


def in_order(roots: Iterable[Term]) -> list[Term]:
    """Every term that the roots need, once, after those that it needs itself."""
    seen: set[int] = set()
    found = []
    for root in roots:
        waiting = [(root, False)]
        while waiting:
            term, ready = waiting.pop()
            if ready:
                found.append(term)
            elif id(term) not in seen:
                seen.add(id(term))
                waiting.append((term, True))
                waiting.extend((one, False) for one in reversed(term.arguments))
    return found


def operations(roots: Sequence[Term], once: bool = True) -> int:
    """Number of operations: of every term `once`, or as often as it stands in the formulas written out."""
    terms = in_order(roots)
    if once:
        return sum(bool(term.arguments) for term in terms)
    size: dict[int, int] = {}
    for term in terms:
        size[id(term)] = sum(size[id(one)] for one in term.arguments) + bool(term.arguments)
    return sum(size[id(root)] for root in roots)


def _boxed(value: Any) -> np.ndarray:
    found = np.empty((), dtype=object)
    found[()] = value
    return found if isinstance(value, Term) else np.asarray(value, dtype=object)


def _known() -> str:
    return "+, -, *, /, ** and numpy." + ", numpy.".join((*UNARY[1:], "maximum", "minimum"))
