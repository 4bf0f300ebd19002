r"""What a surrogate s says of the statistics Q_j = sum_u w_ju Var(s_u), s_u the terms of its functional decomposition.

First-order, total and second-order indices, those of groups, and Shapley effects are all of this form with weights
0 <= w_ju <= 1 (w = 1 for u = {i}; for u that holds i; for u = {i, j}; 1/|u| for u that holds i), divided by the
variance. The *effect* P_j s = sum_u w_ju s_u has Q_j = Cov(P_j s, s).

A polynomial chaos knows all three: s = sum_a c_a psi_a, P_j s = sum_a w_ja c_a psi_a, Q_j = sum_a w_ja c_a^2 (Sudret
2008). Of any other surrogate P_j s is found by averages over a few draws z of the other inputs,

    first s(x_i, z) - s(z),    total s(x) - s(z_i, x),    Shapley s(x up to i, z) - s(x before i, z) in a random order,

unbiased in every run however few they are, and Q_j by scrambled Sobol points, whose error goes into the interval.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import special

from surecast.quantify.estimators.scrambled_sobol import Replicates, layout
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import Model, child, generator, values_at
from surecast.study.bases import evaluate
from surecast.train.models.chaos import Expansion

DRAWS = 4
"""Draws of the other inputs in each run for the effects of a surrogate that does not know them."""
_SCRAMBLINGS = 32
_BLOCK = 4096


class Effects(Protocol):
    """A surrogate's values, effects, and statistics.

    Attributes
    ----------
    variance : (R,) array
        Its variance, as replicates whose mean it is; all the same where it is exact.
    quadratic : (R, S) array
        Q_j, likewise.
    """

    variance: np.ndarray
    quadratic: np.ndarray

    def __call__(self, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values less their mean (n,), and effects (n, S), at independent uniforms (n, d)."""


class ChaosEffects:
    """Of an expansion: exact."""

    def __init__(self, integrand: SobolIntegrand, expansion: Expansion) -> None:
        self.expansion = expansion
        touched = (expansion.indices > 0) @ integrand.taken.T
        self.weights = integrand.weights(touched)
        self.weights[:, ~touched.any(axis=1)] = 0.0
        squares = np.where(touched.any(axis=1), expansion.coefficients**2, 0.0)
        self.variance = np.array([squares.sum()])
        self.quadratic = (self.weights @ squares)[None, :]

    def __call__(self, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Effects`."""
        values, effects = np.zeros(len(uniforms)), np.zeros((len(uniforms), len(self.weights)))
        for start in range(0, len(uniforms), _BLOCK):
            block = slice(start, start + _BLOCK)
            points = normals_where(self.expansion, uniforms[block])
            terms = zip(
                self.expansion.coefficients,
                evaluate(self.expansion.indices, self.expansion.families, points),
                self.weights.T,
                strict=True,
            )
            for (coefficient, value, weight), used in zip(terms, (self.expansion.indices > 0).max(axis=1), strict=True):
                if used:
                    values[block] += coefficient * value
                    effects[block] += (coefficient * value)[:, None] * weight
        return values, effects


class SampledEffects:
    """Of any surrogate, times a factor, by draws of the other inputs."""

    def __init__(
        self,
        integrand: SobolIntegrand,
        model: Model,
        factor: float,
        seed: np.random.SeedSequence,
        evaluations: int,
        chunk: int,
    ) -> None:
        self.integrand, self.model, self.factor, self.seed, self.chunk = integrand, model, factor, seed, chunk
        self.asked, self._calls = 0, 0
        points = layout(max(evaluations // integrand.runs_per_row, 16 * _SCRAMBLINGS), _SCRAMBLINGS)[1]
        sample = Replicates(model, integrand, child(seed, 0), _SCRAMBLINGS, chunk, "surrogate's own statistics")
        rows = sample.observe(0, points).rows
        self.asked += rows.shape[0] * rows.shape[1] * integrand.runs_per_row
        self.centre = factor * float(rows[:, :, :2].mean())
        summands, parts = integrand.parts(rows.reshape(-1, *rows.shape[2:]))
        means = summands.reshape(*rows.shape[:2], -1).mean(axis=1)

        def function(mean: np.ndarray) -> np.ndarray:
            share, variance = parts(mean)
            return np.concatenate([share * variance, variance], axis=-1)

        found = factor**2 * pseudo_values(means, function)
        self.quadratic, self.variance = found[:, :-1], found[:, -1]
        if integrand.noisy:
            self.quadratic[:, -1] = 0.0

    def own_error(self) -> float:
        """Largest standard error of an index of the surrogate itself."""
        whole = float(self.variance.mean())
        if not whole > 0:
            return 0.0
        shares = (self.quadratic - self.quadratic.mean(axis=0) / whole * self.variance[:, None]) / whole
        return float(shares.std(axis=0, ddof=1).max()) / np.sqrt(len(self.variance))

    def __call__(self, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Effects`."""
        integrand = self.integrand
        values = self._values(uniforms)
        total = np.zeros((len(uniforms), len(integrand.statistics)))
        self._calls += 1
        stream = generator(child(self.seed, 1, self._calls))
        for _ in range(DRAWS):
            z = stream.random(uniforms.shape) + 2.0**-54
            total += self._effects(uniforms, values, z, stream)
        return values - self.centre, total / DRAWS

    def _effects(self, x: np.ndarray, values: np.ndarray, z: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        """One unbiased draw of the effects at every run."""
        taken = self.integrand.taken
        parts: list[np.ndarray] = []
        single: list[np.ndarray] = []
        for measure in self.integrand.measures:
            if measure in ("first", "second") and not single:
                single = [self._values(np.where(mask, x, z)) - self.centre for mask in taken]
            if measure == "first":
                parts += single
            elif measure == "total":
                parts += [values - self._values(np.where(mask, z, x)) for mask in taken]
            elif measure == "second":
                for i, j in self.integrand.pairs:
                    both = self._values(np.where(taken[i] | taken[j], x, z)) - self.centre
                    parts.append(both - single[i] - single[j])
            else:
                order = np.argsort(stream.random((len(x), len(taken))), axis=1)
                place = np.argsort(order, axis=1)[:, taken.argmax(axis=0)]
                steps = [self._values(np.where(place < k, x, z)) for k in range(len(taken))] + [values]
                rises = np.diff(np.stack(steps, axis=1), axis=1)
                parts += list(np.take_along_axis(rises, np.argsort(order, axis=1), axis=1).T)
        if self.integrand.noisy:
            parts.append(np.zeros(len(x)))
        return np.stack(parts, axis=1)

    def _values(self, uniforms: np.ndarray) -> np.ndarray:
        self.asked += len(uniforms)
        blocks = [
            values_at(
                self.model, self.integrand, self.integrand.law.from_uniform(uniforms[start : start + self.chunk]), None
            )[:, 0]
            for start in range(0, len(uniforms), self.chunk)
        ]
        return self.factor * np.concatenate(blocks)


def normals_where(expansion: Expansion, uniforms: np.ndarray) -> np.ndarray:
    """Uniforms where the polynomials are Legendre's, standard normals where they are Hermite's."""
    legendre = np.array([family == "legendre" for family in expansion.families])
    return np.where(legendre, uniforms, special.ndtri(uniforms))


def added(first: Expansion, factor: float, second: Expansion) -> Expansion:
    """factor * first + second."""
    table: dict[tuple[int, ...], float] = {}
    for expansion, scale in ((second, 1.0), (first, factor)):
        for index, coefficient in zip(expansion.indices.tolist(), expansion.coefficients, strict=True):
            key = tuple(index)
            table[key] = table.get(key, 0.0) + scale * float(coefficient)
    indices = np.array(list(table), dtype=np.int16).reshape(len(table), -1)
    return Expansion(indices, np.array(list(table.values())), second.families)
