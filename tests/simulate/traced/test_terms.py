"""Terms: each exists once; rewriting keeps values, as sympy and numbers say; what cannot be traced says so."""

from __future__ import annotations

import operator as op

import numpy as np
import pytest
import sympy

from surecast.simulate.traced.terms import Terms, in_order, operations, rebuilt
from surecast.study.errors import ComponentError


def leaves(table, count):
    return [table.leaf("state", place) for place in range(count)]


def value(term, numbers):
    """By the definition of each operation."""
    if term.operation == "constant":
        return term.value
    if term.operation == "state":
        return numbers[term.value]
    known = {"add": op.add, "subtract": op.sub, "multiply": op.mul, "power": op.pow, "negative": op.neg}
    return known[term.operation](*(value(one, numbers) for one in term.arguments))


def cost(root):
    """A power takes longer than the few products that stand for it."""
    return sum(4 if one.operation == "power" else 1 for one in in_order([root]) if one.arguments)


def some(table, seed, size=12):
    """A random calculation with few leaves and constants, so that there is much to simplify."""
    draw = np.random.default_rng(seed)
    pool = [*leaves(table, 3), table.constant(0.0), table.constant(1.0), table.constant(-2.0), table.constant(3.0)]
    for _ in range(size):
        one, other = (pool[place] for place in draw.integers(0, len(pool), 2))
        operation = draw.choice(["add", "subtract", "multiply", "negative", "power"], p=[0.3, 0.3, 0.25, 0.05, 0.1])
        if operation == "negative":
            pool.append(-one)
        elif operation == "power":
            pool.append(one ** int(draw.integers(2, 4)))
        else:
            pool.append(table.call(operation, one, other))
    return pool[-1]


def test_equal_terms_are_one_object():
    x, y, _ = leaves(table := Terms(simple=False), 3)
    assert x * y + 1.0 is y * x + 1.0
    assert x - y is not y - x
    assert table.leaf("state", 0) is x
    plain = Terms(shared=False, simple=False)
    a, b = leaves(plain, 2)
    assert a * b is not a * b
    assert plain.same(a * b + 1.0, a * b + 1.0)
    assert not plain.same(a * b, a * a)


@pytest.mark.parametrize("seed", range(12))
def test_rewriting_changes_no_value_and_costs_no_more(seed):
    written, plain = some(Terms(simple=False), seed), Terms(shared=False)
    x = sympy.symbols("x0:3", real=True)
    for table in (Terms(), plain):
        simple = rebuilt(written, table)
        exact = sympy.nsimplify(value(written, x)) - sympy.nsimplify(value(simple, x))
        assert sympy.expand(exact) == 0
    assert cost(rebuilt(written, Terms())) <= cost(written)
    # Rewriting what is simple changes nothing.
    simple = rebuilt(written, table := Terms())
    assert rebuilt(simple, table) is simple


def test_rules_that_are_stated():
    table = Terms()
    x, y, z = leaves(table, 3)
    assert x + 0 is x
    assert 1 * x is x
    assert (0 * x).value == 0
    assert x + (-y) is x - y
    assert 2 * x + x * 3 is 5 * x
    assert (x - x).value == 0
    assert (x + 1) + 2 is x + 3
    assert 2 * (x * 3) is 6 * x
    assert (-x) * y is -(x * y)
    assert -(x - y) is y - x
    assert x / 4 is 0.25 * x
    assert x**2 is x * x
    assert x**3 is (x * x) * x
    assert x**0.5 is np.sqrt(x)
    assert (np.float64(2.0) * x + np.exp(0.0) * z).operation == "add"
    assert table.call("divide", 1.0, table.constant(0.0)).operation == "divide"  # left for the run to find


def test_arrays_of_numbers_and_terms_mix():
    x, y = leaves(Terms(), 2)
    found = np.array([1.0, 2.0]) * x + y
    assert found.shape == (2,)
    assert found[0] is x + y
    assert (x * np.arange(2.0))[1] is x
    assert np.exp(np.array([x, y], dtype=object))[1] is np.exp(y)


def test_a_long_sum_needs_no_deep_recursion():
    total = sum(leaves(table := Terms(), 5000), table.constant(0.0))
    assert operations([total]) == 4999
    assert len(in_order([rebuilt(total, Terms())])) == 9999


@pytest.mark.parametrize(
    ("calculate", "message"),
    [
        (lambda x: max(x, 0), "branches on the state"),
        (lambda x: x if x == 0 else -x, "branches on the state"),
        (lambda x: np.arctan(x), "numpy.arctan of the state"),
        (lambda x: x + "a", "calculates with str"),
    ],
)
def test_what_cannot_be_traced_says_so(calculate, message):
    with pytest.raises(ComponentError, match=message):
        calculate(leaves(Terms(), 1)[0])
