"""A plain Python function of the state, called once with symbols: what it returns is a kernel.

    def decay(u, rate):
        du = np.empty_like(u)
        for i in range(len(u)):
            du[i] = -rate * u[i]
        return du

The function may loop, slice and call other functions; it must not branch on numbers of the state or on parameters.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from surecast.simulate.traced.kernel import Kernel
from surecast.simulate.traced.terms import Term, Terms
from surecast.study.errors import ComponentError, SurecastError

TIME = "t"
"""The argument that is the time."""


def symbols(table: Terms, shape: Sequence[int]) -> np.ndarray:
    """The state, an array of objects in a shape, number k of it in C order the leaf k."""
    found = np.empty(math.prod(shape), dtype=object)
    for place in range(len(found)):
        found[place] = table.leaf("state", place)
    return found.reshape(tuple(shape))


def trace(
    function: Callable[..., Any],
    shape: Sequence[int],
    parameters: Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    table: Terms | None = None,
    of_shape: bool = False,
) -> Kernel:
    """The kernel of a function of a state.

    Parameters
    ----------
    function : callable
        Called once with the state, an array of numbers' symbols, then by name with parameters, arguments and, if it has
        an argument `t`, the time. Returns an array of the same shape.
    shape : sequence of int
        Of the state.
    parameters : sequence of str
        Names of numbers that each run has its own of.
    arguments : mapping, optional
        Further arguments, handed on as they are.
    table : Terms, optional
        What makes the terms; shared and simple ones if left out.
    of_shape : bool
        The function takes the shape in place of the state.

    Raises
    ------
    ComponentError
        If the function raises (it may ask for a symbol's value), or returns something else.
    """
    table = Terms() if table is None else table
    name = getattr(function, "__qualname__", repr(function))
    given: dict[str, Any] = {one: table.leaf("parameter", one) for one in parameters}
    if TIME in inspect.signature(function).parameters:
        given[TIME] = table.leaf("time")
    try:
        found = function(tuple(shape) if of_shape else symbols(table, shape), **given, **(arguments or {}))
        outputs = np.asarray(found, dtype=object)
    except SurecastError as error:
        raise ComponentError(f"{name}: {error.message}", error.remedy) from error
    except Exception as error:  # whatever a user's code raises
        raise ComponentError(
            f"{name} cannot be traced ({type(error).__name__}: {error}).",
            "make arrays like the state (numpy.zeros_like(u)), calculate with +, -, *, /, ** and NumPy's functions of "
            "numbers, and do not branch on the state.",
        ) from error
    if outputs.shape != tuple(shape):
        raise ComponentError(
            f"{name} returned an array of the shape {outputs.shape} for a state of the shape {tuple(shape)}.",
            "return as many numbers as the state has, in its shape.",
        )
    terms = [one if isinstance(one, Term) else table.call("add", one, 0.0) for one in outputs.ravel()]
    return Kernel(terms, math.prod(shape), parameters)
