"""Right-hand sides traced into terms that exist once; see `surecast.simulate.traced`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.simulate.traced.kernel import Kernel
from surecast.simulate.traced.terms import Term, Terms, in_order, operations, rebuilt
from surecast.simulate.traced.trace import symbols, trace
from surecast.study.seeds import generator

SEEDS = (0, 1, 2)
CELLS = 32
SHAPE = (2, CELLS, CELLS)
NUMBERS = {"a": 1.0, "b": 3.0, "diffusivity": 0.02}
TURNS, TURN = 5, 0.02
"""Turns of every measurement of time, and how long a call is repeated in each, s."""
SPECIES, REACTIONS = 40, 200
ITERATIONS = 12

Values = dict[str, list[float]]
Reaction = tuple[Sequence[int], Sequence[int]]
"""Species that it takes, species that it makes."""


def brusselator(u: Any, a: Any, b: Any, diffusivity: Any) -> Any:
    """Two species that react and diffuse on a periodic square, (species, y, x), one cell at a time."""
    _, rows, columns = u.shape
    du = np.empty_like(u)
    d = diffusivity * columns**2
    for i in range(rows):
        up, down = (i - 1) % rows, (i + 1) % rows
        for j in range(columns):
            left, right = (j - 1) % columns, (j + 1) % columns
            x, y = u[0, i, j], u[1, i, j]
            spread = [
                d * (u[k, up, j] + u[k, down, j] + u[k, i, left] + u[k, i, right] - 4.0 * u[k, i, j]) for k in (0, 1)
            ]
            du[0, i, j] = a + x * x * y - (b + 1.0) * x + spread[0]
            du[1, i, j] = b * x - x * x * y + spread[1]
    return du


def brusselator_by_arrays(u: np.ndarray, a: float, b: float, diffusivity: float) -> np.ndarray:
    """The same as one who knows NumPy writes it."""
    x, y = u
    around = np.roll(u, 1, 1) + np.roll(u, -1, 1) + np.roll(u, 1, 2) + np.roll(u, -1, 2)
    found = diffusivity * u.shape[2] ** 2 * (around - 4.0 * u)
    react = x * x * y
    found[0] += a + react - (b + 1.0) * x
    found[1] += b * x - react
    return np.asarray(found)


def network(seed: int) -> list[Reaction]:
    """Random reactions of one or two species that make one or two."""
    stream = generator(seed, "papers", "symbolics", "network")

    def some() -> list[int]:
        return stream.choice(SPECIES, size=stream.integers(1, 3), replace=False).tolist()

    return [(some(), some()) for _ in range(REACTIONS)]


def mass_action(x: Any, k: Sequence[Any], reactions: Sequence[Reaction]) -> list[Any]:
    """dx/dt of a network, with the rate of a reaction written in the equation of each of its species."""
    found: list[Any] = [0.0] * len(x)
    for constant, (taken, made) in zip(k, reactions, strict=True):
        for change, species in [(-1.0, one) for one in taken] + [(1.0, one) for one in made]:
            rate = constant
            for one in taken:
                rate = rate * x[one]
            found[species] = found[species] + change * rate
    return found


def mass_action_once(x: Any, k: Sequence[Any], reactions: Sequence[Reaction]) -> list[Any]:
    """The same with every rate calculated once, as one writes it who looks for speed."""
    found: list[Any] = [0.0] * len(x)
    for constant, (taken, made) in zip(k, reactions, strict=True):
        rate = constant
        for one in taken:
            rate = rate * x[one]
        for one in taken:
            found[one] = found[one] - rate
        for one in made:
            found[one] = found[one] + rate
    return found


def traced_network(function: Callable[..., list[Any]], reactions: Sequence[Reaction], table: Terms) -> list[Term]:
    """A network's equations as terms of a table."""
    x = symbols(table, (SPECIES,))
    k = [table.leaf("parameter", f"k{place}") for place in range(len(reactions))]
    found = function(x, k, reactions)
    return [one if isinstance(one, Term) else table.constant(one) for one in found]


def logistic(table: Terms) -> Term:
    """x <- 4 x (1 - x), again and again: every iterate stands twice in the next."""
    x = table.leaf("state", 0)
    for _ in range(ITERATIONS):
        x = 4.0 * x * (1.0 - x)
    return x


def nothing_shared(table: Terms) -> Term:
    """As large a term, every leaf of which stands once: a product of sums of two leaves."""
    level = [table.leaf("state", place) for place in range(2**ITERATIONS)]
    for depth in range(ITERATIONS):
        pairs = zip(level[0::2], level[1::2], strict=True)
        level = [one * other if depth % 2 else one + other for one, other in pairs]
    return level[0]


def one_by_one(terms: Sequence[Term], outputs: Sequence[Term], state: np.ndarray, parameters: dict[str, float]) -> list:
    """Values of outputs, term by term: what tracing is worth without a kernel."""
    value: dict[int, Any] = {}
    for term in terms:
        if term.arguments:
            sides = [value[id(one)] for one in term.arguments]
            value[id(term)] = getattr(np, term.operation)(*sides)
        elif term.operation == "state":
            value[id(term)] = state[term.value]
        else:
            value[id(term)] = parameters[term.value] if term.operation == "parameter" else term.value
    return [value[id(one)] for one in outputs]


def measure() -> Measured:
    """See `PAPER`."""
    values: Values = {name: [] for name in PAPER.criteria}
    control: Values = {"speed": [], "operations": [], "sharing": []}
    beside: Values = {}
    start = time.process_time()
    kernel = trace(brusselator, SHAPE, ("a", "b", "diffusivity"))
    tracing = time.process_time() - start
    for seed in SEEDS:
        _speed(seed, kernel, tracing, (values, control, beside))
        _operations(seed, (values, control, beside))
        for expression, found in ((logistic, values), (nothing_shared, control)):
            found["sharing"].append(_sharing(expression))
    return Measured(values, control, {name: float(np.mean(found)) for name, found in beside.items()})


def _speed(seed: int, kernel: Kernel, tracing: float, into: tuple[Values, Values, Values]) -> None:
    values, control, beside = into
    u = generator(seed, "papers", "symbolics", "state").random(SHAPE)
    flat, eight = u.reshape(-1, 1), np.repeat(u.reshape(-1, 1), 8, axis=1)
    prepared = kernel.prepare({name: np.array([one]) for name, one in NUMBERS.items()}, 1)
    many = kernel.prepare({name: np.full(8, one) for name, one in NUMBERS.items()}, 8)
    table = Terms()
    given = {name: table.leaf("parameter", name) for name in NUMBERS}
    outputs = list(brusselator(symbols(table, SHAPE), **given).ravel())
    terms = in_order(outputs)
    loops, fast, batch, arrays, slow = _seconds(
        lambda: brusselator(u, **NUMBERS),
        lambda: prepared(flat),
        lambda: many(eight),
        lambda: brusselator_by_arrays(u, **NUMBERS),
        lambda: one_by_one(terms, outputs, u.ravel(), NUMBERS),
    )
    values["speed"].append(loops / fast)
    values["difference"].append(float(np.abs(prepared(flat)[:, 0] - brusselator(u, **NUMBERS).ravel()).max()))
    control["speed"].append(loops / slow)
    for name, found in {
        "Brusselator: eight states at once, times as fast as the loops": 8 * loops / batch,
        "Brusselator: one state, times as fast as NumPy on whole arrays, written by hand": arrays / fast,
        "Brusselator: evaluations by the loops in the time of tracing": tracing / loops,
    }.items():
        beside.setdefault(name, []).append(found)


def _operations(seed: int, into: tuple[Values, Values, Values]) -> None:
    values, control, beside = into
    reactions, plain = network(seed), Terms(shared=False, simple=False)
    written = operations(traced_network(mass_action, reactions, plain), once=False)
    once = operations(traced_network(mass_action_once, reactions, plain))
    simple = operations(traced_network(mass_action, reactions, Terms()))
    unshared = operations(traced_network(mass_action, reactions, Terms(shared=False)), once=False)
    values["operations"].append(simple / written)
    control["operations"].append(unshared / written)
    for name, found in {
        "network: operations over those of code that calculates every rate once": simple / once,
        "network: operations by sympy's cse over those as written": _by_sympy(reactions) / written,
    }.items():
        beside.setdefault(name, []).append(found)


def _sharing(expression: Callable[[Terms], Term]) -> float:
    """Time to rewrite a tree over that to rewrite shared terms."""
    shared = expression(Terms(simple=False))
    tree = rebuilt(shared, Terms(shared=False, simple=False))
    once, often = _seconds(lambda: rebuilt(shared, Terms()), lambda: rebuilt(tree, Terms(shared=False)))
    return often / once


def _seconds(*calls: Callable[[], object]) -> list[float]:
    """CPU seconds of each call, the median of turns, in each of which it is repeated for a while."""
    counts = []
    for call in calls:
        start = time.process_time()
        call()
        counts.append(max(1, int(TURN / max(time.process_time() - start, 1e-6))))
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(TURNS):
        for call, count, found in zip(calls, counts, taken, strict=True):
            start = time.process_time()
            for _ in range(count):
                call()
            found.append((time.process_time() - start) / count)
    return [statistics.median(found) for found in taken]


def _by_sympy(reactions: Sequence[Reaction]) -> int:
    """Operations after sympy's elimination of common subexpressions."""
    import sympy

    x, k = sympy.symbols(f"x0:{SPECIES}"), sympy.symbols(f"k0:{len(reactions)}")
    equations = [sympy.sympify(one) for one in mass_action(x, k, reactions)]
    parts, rest = sympy.cse(equations)
    return int(sum(sympy.count_ops(one) for _, one in parts) + sum(sympy.count_ops(one) for one in rest))


PAPER = Paper(
    slug="symbolics",
    title="High-performance symbolic-numerics via multiple dispatch",
    reference="gowda2021",
    claim="Terms with a storage of their own make symbolic transformations 113 times faster; rewriting for few "
    "processor cycles halves the run time of a reaction network; numerical code of a reaction-diffusion equation, "
    "traced into terms and compiled, runs 157 times faster. It is a Julia package: what is checked is the idea.",
    check=f"The Brusselator on {CELLS} x {CELLS} cells as loops over cells, traced, against the loops, one state; "
    f"operations of {REACTIONS} random reactions of {SPECIES} species by the law of mass action, against the equations "
    f"as written; the logistic map iterated {ITERATIONS} times, rewritten where equal terms are one object, against "
    f"the same rewriter on trees. {len(SEEDS)} seeds, medians of CPU times.",
    criteria={
        "speed": Criterion("Brusselator: traced, times as fast as the loops", at_least=30.0),
        "difference": Criterion("Brusselator: largest difference of the two", at_most=1e-12),
        "operations": Criterion("network: operations over those as written", at_most=0.6),
        "sharing": Criterion("logistic map: shared terms, times as fast to rewrite as trees", at_least=10.0),
    },
    control="The traced terms calculated one by one; equal terms of the network as objects of their own; a term of "
    "which nothing is shared.",
    measure=measure,
    note="Rewriting is by rules, without e-graphs. Times are of evaluations one after the other, as time steps ask for "
    "them; a single one, after other work has filled the cache, was 22 to 35 times as fast as the loops. What the "
    "network gains is what its code left lying about: code that calculates every rate once gains 3 %, see below.",
)
