"""Rules by which terms are made simpler, each as it is made: what a term is rewritten into takes no longer than itself.

    x + 0 = x     x + (-y) = x - y     a x + b x = (a + b) x     (x + a) + b = x + (a + b)     x - x = 0
    1 x = x       0 x = 0              a (b x) = (a b) x         (-x) y = -(x y)
    x / a = (1/a) x                    -(x - y) = y - x          x^2 = x x, x^3 = x x x, x^(1/2) = sqrt(x) ...

with constants a and b; operations on constants are done at once. As its arguments are simple already, a rule looks at
most two operations deep, and a term takes a time that does not depend on its size. Values change by rounding, and where
they are not finite: 0 x is 0 for an infinite x.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from surecast.simulate.traced.terms import Term, Terms


def rewrite(table: Terms, operation: str, arguments: tuple[Term, ...]) -> Term | None:
    """The simpler term that an operation on simple terms is equal to; None if it is simple itself."""
    if all(one.operation == "constant" for one in arguments):
        with np.errstate(all="ignore"):
            value = float(getattr(np, operation)(*(np.float64(one.value) for one in arguments)))
        return table.constant(value) if np.isfinite(value) else None
    rule = _RULES.get(operation)
    return None if rule is None else rule(table, *arguments)


def _add(table: Terms, x: Term, y: Term) -> Term | None:
    if _is(x, 0.0):
        return y
    if _is(y, 0.0):
        return x
    if y.operation == "negative":
        return table.make("subtract", x, y.arguments[0])
    if x.operation == "negative":
        return table.make("subtract", y, x.arguments[0])
    if x.operation == "constant":
        return table.make("add", y, x)
    if y.operation == "constant" and x.operation == "add" and x.arguments[1].operation == "constant":
        return table.make("add", x.arguments[0], table.make("add", x.arguments[1], y))
    return _like(table, x, y, 1.0)


def _subtract(table: Terms, x: Term, y: Term) -> Term | None:
    if _is(y, 0.0):
        return x
    if _is(x, 0.0):
        return table.make("negative", y)
    if y.operation == "negative":
        return table.make("add", x, y.arguments[0])
    if y.operation == "constant":
        return table.make("add", x, table.constant(-y.value))
    return _like(table, x, y, -1.0)


def _like(table: Terms, x: Term, y: Term, sign: float) -> Term | None:
    """A x + sign b x as (a + sign b) x."""
    a, left = _parts(x)
    b, right = _parts(y)
    if not table.same(left, right):
        return None
    return table.make("multiply", table.constant(a + sign * b), left)


def _multiply(table: Terms, x: Term, y: Term) -> Term | None:
    if y.operation == "constant":
        return table.make("multiply", y, x)
    if x.operation == "constant":
        if x.value == 0.0:
            return x
        if x.value == 1.0:
            return y
        if x.value == -1.0:
            return table.make("negative", y)
    if x.operation == "negative" or y.operation == "negative":
        if y.operation == "negative":
            x, y = y, x
        return table.make("negative", table.make("multiply", x.arguments[0], y))
    b, rest = _parts(y)
    if x.operation != "constant" or rest is y:  # constants are not drawn out of products, which others may share
        return None
    return table.make("multiply", table.constant(x.value * b), rest)


def _divide(table: Terms, x: Term, y: Term) -> Term | None:
    if y.operation == "constant" and y.value != 0.0 and np.isfinite(1 / y.value):
        return table.make("multiply", table.constant(1 / y.value), x)
    if _is(x, 0.0):
        return x
    if x.operation == "negative":
        return table.make("negative", table.make("divide", x.arguments[0], y))
    return None


def _negative(table: Terms, x: Term) -> Term | None:
    if x.operation == "negative":
        return x.arguments[0]
    if x.operation == "subtract":
        return table.make("subtract", x.arguments[1], x.arguments[0])
    a, rest = _parts(x)
    return None if rest is x else table.make("multiply", table.constant(-a), rest)


def _power(table: Terms, x: Term, y: Term) -> Term | None:
    if y.operation != "constant":
        return None
    if y.value == 0.0:
        return table.constant(1.0)
    if y.value == 1.0:
        return x
    if y.value in (2.0, 3.0, 4.0):
        square = table.make("multiply", x, x)
        return square if y.value == 2.0 else table.make("multiply", square, x if y.value == 3.0 else square)
    if y.value == -1.0:
        return table.make("divide", table.constant(1.0), x)
    return table.make("sqrt", x) if y.value == 0.5 else None


def _parts(x: Term) -> tuple[float, Term]:
    """Constant a and rest of x = a rest."""
    if x.operation == "multiply" and x.arguments[0].operation == "constant":
        return x.arguments[0].value, x.arguments[1]
    return 1.0, x


def _is(x: Term, value: float) -> bool:
    return x.operation == "constant" and x.value == value


_RULES: dict[str, Callable[..., Term | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
}
