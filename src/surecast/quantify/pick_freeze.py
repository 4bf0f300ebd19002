r"""Pick-freeze rows: the runs from which Sobol indices of every order and Shapley effects come.

A row starts from two independent draws A and B; A_u takes the inputs of u from B and the rest from A, B_u the reverse:

    A, B, A_i (every group i)                first-order and total indices                            G + 2 runs
    and B_i (every group i)                  second order: A_i and B_j share i and j alone            2 G + 2 runs
    A, B and a chain of A_u, u growing       Shapley effects (`surecast.quantify.shapley`)            G + 1 runs
    and A again with another seed            stochastic simulators: what the noise does               one run more

(Saltelli 2002, Comput. Phys. Commun. 145, theorem 2 for the second order). Values are centred by the sample's mean,
which products with a large mean need. With a, b, x_i, r_i the values of A, B, A_i, B_i and V the variance,

    V_ij = <(x_i r_j + x_j r_i)/2 - (b x_i + a r_i)/2 - (b x_j + a r_j)/2 + a b>,

which is exactly 0 in every row where neither input matters. First-order and total indices by one of four formulas:
see `surecast.quantify.indices`.

A stochastic simulator's runs have a seed each, so products of two runs know the inputs alone: first-order indices
are those of the conditional mean, and with a' the run of A with another seed V_x = <a a'> - m^2 is its variance. Then
T_i = (V_x - V_{not i})/V and the noise has T_seed = 1 - V_x/V: shares of the variance of the output, noise included.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from surecast.quantify.estimates import Statistic
from surecast.quantify.indices import Formula, Products, Shares, indices, rough
from surecast.quantify.integrand import Integrand
from surecast.quantify.shapley import chain, increments, places
from surecast.study.laws.joint import JointLaw

Measure = Literal["first", "total", "second", "shapley"]
NOISE = "seed"
"""Name of the group that the noise of a stochastic simulator is reported as."""


class SobolIntegrand(Integrand):
    """Sobol indices and Shapley effects of scalars.

    Parameters
    ----------
    law : JointLaw
        Law of the inputs.
    outputs : sequence of str
        Outputs.
    groups : mapping
        Group -> its inputs. Every input is in one group.
    measures : sequence of str
        ``first``, ``total``, ``second``, ``shapley``.
    formula : str
        Of first-order and total indices; see `surecast.quantify.indices`.
    noisy : bool
        Whether each row repeats a run with another seed, and the noise is a group.
    """

    def __init__(
        self,
        law: JointLaw,
        outputs: Sequence[str],
        groups: Mapping[str, Sequence[str]],
        measures: Sequence[Measure] = ("first", "total"),
        formula: Formula = "adaptive",
        noisy: bool = False,
    ) -> None:
        self.law, self.outputs, self.formula, self.noisy = law, tuple(outputs), formula, noisy
        self.groups = {group: tuple(members) for group, members in groups.items()}
        self.measures = tuple(measures)
        self.taken = np.zeros((len(groups), law.dimension), dtype=bool)
        for index, members in enumerate(groups.values()):
            for member in members:
                self.taken[index, law.columns[member]] = True
        width = len(self.groups)
        self.picks = any(measure != "shapley" for measure in measures)
        self.reversed, self.chained = "second" in measures, "shapley" in measures
        self.pairs = list(itertools.combinations(range(width), 2)) if self.reversed else []
        sizes = [1, 1, width * self.picks, width * self.reversed, (width - 1) * self.chained, int(noisy)]
        ends = np.cumsum(sizes)
        self.slots = dict(
            zip(
                ("a", "b", "mixed", "reverse", "chain", "again"),
                (slice(end - size, end) for size, end in zip(sizes, ends, strict=True)),
                strict=True,
            )
        )
        self.runs_per_row = int(ends[-1])
        self.row_dimension = 2 * law.dimension + width * self.chained
        self.statistics = tuple(s for output in outputs for s in self._statistics(output))
        self.methods = self._methods()

    def _statistics(self, output: str) -> list[Statistic]:
        names = list(self.groups)
        found = []
        for measure in self.measures:
            if measure == "second":
                pairs = [f"{names[i]},{names[j]}" for i, j in self.pairs]
                found += [Statistic(output, f"second[{pair}]", "second", pair) for pair in pairs]
            else:
                found += [Statistic(output, f"{measure}[{group}]", measure, group) for group in names]
        return [*found, Statistic(output, f"total[{NOISE}]", "total", NOISE)] if self.noisy else found

    def _methods(self) -> tuple[str, ...]:
        classic = {
            "adaptive": ("janon2014", "jansen1999", "saltelli2010"),
            "saltelli": ("saltelli2010", "jansen1999"),
            "jansen": ("jansen1999",),
            "janon": ("janon2014",),
        }
        found = list(classic[self.formula]) if self.picks else []
        return (*found, *["saltelli2002"] * self.reversed, *["song2016", "goda2021"] * self.chained)

    @property
    def fields(self) -> bool:
        """Whether an output is a field."""
        return False

    def splits_dependent(self) -> bool:
        """Whether dependent inputs lie in different groups."""
        owner = self.taken.argmax(axis=0)
        return any(len({owner[self.law.columns[name].start] for name in names}) > 1 for names in self.law.dependent)

    def groups_of(self) -> Mapping[str, Sequence[str]]:
        """The groups with their inputs."""
        return self.groups

    def runs(self, uniforms: np.ndarray) -> np.ndarray:
        """From rows (n, 2 d), with G more columns for the order of a chain, to (n, runs_per_row, d)."""
        d = self.law.dimension
        a, b = uniforms[:, :d], uniforms[:, d : 2 * d]
        parts = [a[:, None, :], b[:, None, :]]
        if self.picks:
            parts.append(np.where(self.taken, b[:, None, :], a[:, None, :]))
        if self.reversed:
            parts.append(np.where(self.taken, a[:, None, :], b[:, None, :]))
        if self.chained:
            parts.append(chain(self.law, self.taken, a, b, places(uniforms[:, 2 * d :])))
        return np.concatenate([*parts, a[:, None, :]] if self.noisy else parts, axis=1)

    def settled(self, uniforms: np.ndarray, observed: np.ndarray) -> np.ndarray:
        """Rows of observations with, behind the runs, the place of every group in the chain."""
        if not self.chained:
            return observed
        order = places(uniforms[:, 2 * self.law.dimension :]).astype(np.float64)
        return np.concatenate([observed, np.repeat(order[:, :, None], observed.shape[2], axis=2)], axis=1)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`; statistics are those of one output after the other."""
        summed, parts = self.parts(rows)

        def function(means: np.ndarray) -> np.ndarray:
            return parts(means)[0]

        return summed, function

    def parts(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]]:
        """As `summands`, but the function also gives the variance (..., outputs)."""
        runs = rows[:, : self.runs_per_row]
        values = (runs - runs.mean(axis=(0, 1))).transpose(0, 2, 1)
        order = rows[:, self.runs_per_row :, 0].astype(np.int64)
        columns = np.concatenate([values, self.products(values, values, order)], axis=2)
        width, size = self.runs_per_row, columns.shape[2]
        whole = columns.mean(axis=0)
        held = self.held(whole[..., :width], whole[..., width:])

        def function(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            table = means.reshape(*means.shape[:-1], -1, size)
            return self.answers(table[..., :width], table[..., width:], held)

        return columns.reshape(len(rows), -1), function

    def products(self, left: np.ndarray, right: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Every product that the answers need, (n, K, columns), from values (n, K, runs) of scalars.

        Squares of all runs first, then what `answers` takes apart.
        """
        slots = self.slots
        a, b = left[..., slots["a"]], left[..., slots["b"]]
        found = [left * right, a * b]
        if self.picks:
            x = left[..., slots["mixed"]]
            found += [a * x, b * x]
        if self.reversed:
            r = left[..., slots["reverse"]]
            i, j = np.array(self.pairs, dtype=np.int64).reshape(-1, 2).T
            found += [a * r, b * r, 0.5 * (x[..., i] * r[..., j] + x[..., j] * r[..., i])]
        if self.chained:
            start = left[..., slots["again"]] if self.noisy else a
            found.append(increments(a, start, left[..., slots["chain"]], b, order))
        if self.noisy:
            found.append(a * left[..., slots["again"]])
        return np.concatenate(found, axis=2)

    def _split(self, products: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of `products` by name."""
        width = len(self.groups)
        sizes = {"squares": self.runs_per_row, "ab": 1}
        sizes |= dict.fromkeys(("ax", "bx"), width * self.picks)
        sizes |= dict.fromkeys(("ar", "br"), width * self.reversed) | {"pair": len(self.pairs)}
        sizes |= {"chain": width * self.chained, "again": int(self.noisy)}
        parts = np.split(products, np.cumsum(list(sizes.values()))[:-1], axis=-1)
        return dict(zip(sizes, parts, strict=True))

    def _given(self, means: np.ndarray, of: Mapping[str, np.ndarray]) -> list[Products]:
        """What `indices` takes: of the rows as they are, and with A and B in each other's place."""
        a, b = self.slots["a"], self.slots["b"]
        found = [Products(means, of["squares"], a, b, self.slots["mixed"], of["ax"], of["bx"], of["ab"])]
        if self.reversed:
            found.append(Products(means, of["squares"], b, a, self.slots["reverse"], of["br"], of["ar"], of["ab"]))
        return found

    def held(self, means: np.ndarray, products: np.ndarray) -> list[Shares]:
        """Rough indices of the whole sample, for every part of `_given`; see `indices.rough`."""
        return [rough(given) for given in self._given(means, self._split(products))] if self.picks else []

    def answers(
        self, means: np.ndarray, products: np.ndarray, held: Sequence[Shares] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Statistics (..., K S) and variances (..., K) from means (..., K, runs) and products of `products`."""
        of = self._split(products)
        centre = means.mean(axis=-1, keepdims=True) ** 2
        variance = np.maximum(of["squares"].mean(axis=-1, keepdims=True) - centre, np.finfo(float).tiny)
        slots = self.slots
        found: dict[str, np.ndarray] = {}
        if self.picks:
            given = self._given(means, of)
            both = [indices(one, self.formula, held[place] if held else None) for place, one in enumerate(given)]
            first, others = (np.mean(parts, axis=0) for parts in zip(*both, strict=True))
        if self.reversed:
            i, j = np.array(self.pairs, dtype=np.int64).reshape(-1, 2).T
            single = 0.5 * (of["bx"] + of["ar"])
            found["second"] = (of["pair"] - single[..., i] - single[..., j] + of["ab"]) / variance
        if self.chained:
            found["shapley"] = of["chain"] / variance
        share = np.ones_like(variance)
        if self.noisy:
            mean = 0.5 * (means[..., slots["a"]] + means[..., slots["again"]])
            share = (of["again"] - mean**2) / variance
        if self.picks:
            found |= {"first": first, "total": share - others}
        table = [found[measure] for measure in self.measures]
        if self.noisy:
            table.append(1 - share)
        joined = np.concatenate(table, axis=-1)
        return joined.reshape(*joined.shape[:-2], -1), variance[..., 0]

    def weights(self, touched: np.ndarray) -> np.ndarray:
        """Weight (S, terms) that each statistic of one output gives to terms of the functional decomposition.

        Parameters
        ----------
        touched : (terms, G) bool array
            Which groups a term depends on; none for the constant.
        """
        count = touched.sum(axis=1)
        alone = touched & (count == 1)[:, None]
        table = {
            "first": lambda: alone.T,
            "total": lambda: touched.T,
            "second": lambda: np.array([touched[:, i] & touched[:, j] & (count == 2) for i, j in self.pairs]),
            "shapley": lambda: (touched / np.maximum(count, 1)[:, None]).T,
        }
        found = [np.asarray(table[measure](), dtype=np.float64) for measure in self.measures]
        return np.concatenate([*found, np.zeros((1, len(touched)))] if self.noisy else found)

    def of_output(self, output: str) -> SobolIntegrand:
        """The same question about one of its outputs."""
        return SobolIntegrand(self.law, [output], self.groups, self.measures, self.formula, self.noisy)
