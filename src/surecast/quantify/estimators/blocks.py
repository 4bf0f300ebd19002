r"""Sums of statistics of several models over shared samples, and their error.

    theta = sum_t w_t Q_t(A_t)

Q_t is the jackknife's value of a statistic of one model, A_t a union of independent blocks of inputs. Within a set
every pseudo-value is centred alike, so that models on the same set cancel where they agree, to all orders; and Q is
free of bias for means and variances whatever the set's size. The error is that of independent rows,

    z_i = sum_(t: i in A_t) w_t (psi_ti - Q_t)/|A_t|,    Var(theta) = sum_blocks n_b Var_b(z),

with degrees of freedom by Welch and Satterthwaite over the blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from surecast.quantify.estimators.estimator import Found, figure, finished
from surecast.quantify.estimators.monte_carlo import sample_pseudo_values
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import welch
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.verdict import TAIL, TOO_HEAVY_SHARE, sampling_error


@dataclass(frozen=True)
class Block:
    """So many independent inputs, and the models evaluated on each."""

    size: int
    models: tuple[int, ...]


@dataclass(frozen=True)
class Term:
    """One model's statistics over the union of some blocks, times weights (S,)."""

    model: int
    blocks: tuple[int, ...]
    weight: np.ndarray


@dataclass(frozen=True)
class Scheme:
    """Blocks and terms; `variance` is what is predicted for it, relative to that of one plain run."""

    blocks: tuple[Block, ...]
    terms: tuple[Term, ...]
    variance: float


def nested_blocks(models: Sequence[int], samples: Sequence[int]) -> tuple[list[Block], list[tuple[int, ...]]]:
    """Blocks of nested samples m_1 <= m_2 <= ..., and the blocks whose union is the sample of each model."""
    blocks: list[Block] = []
    sets: list[tuple[int, ...]] = []
    before = 0
    for place, size in enumerate(samples):
        if size > before:
            blocks.append(Block(int(size - before), tuple(models[place:])))
            before = size
        sets.append(tuple(range(len(blocks))))
    return blocks, sets


def combined(
    integrand: Integrand, terms: Sequence[Term], rows: Sequence[Mapping[int, np.ndarray]], level: float
) -> list[Found]:
    """Value and interval of every statistic.

    Parameters
    ----------
    terms : sequence of Term
        Model 0 is the finest; only its rows may be NaN, and are then left out of its own terms.
    rows : sequence of mappings
        Of each block: model -> observations (n, runs_per_row, columns).
    level : float
        Confidence level.

    Raises
    ------
    EstimationError
        If fewer than 10 rows of the finest model finished.
    """
    sizes = [len(next(iter(block.values()))) for block in rows]
    size = len(integrand.statistics)
    value, influence = np.zeros(size), [np.zeros((count, size)) for count in sizes]
    for term in terms:
        sample = np.concatenate([rows[block][term.model] for block in term.blocks])
        done = finished(sample)
        psi = sample_pseudo_values(integrand, sample) if term.model == 0 else pseudo_values(*integrand.summands(sample))
        value += term.weight * psi.mean(axis=0)
        part = np.zeros((len(sample), size))
        part[done] = term.weight * (psi - psi.mean(axis=0)) / len(psi)
        ends = np.cumsum([sizes[block] for block in term.blocks])
        for block, piece in zip(term.blocks, np.split(part, ends[:-1]), strict=True):
            influence[block] += piece
    found = []
    for index, statistic in enumerate(integrand.statistics):
        parts = [count * z[:, index] for count, z in zip(sizes, influence, strict=True)]
        variances = [(sampling_error(z, level) ** 2, count - 1) for count, z in zip(sizes, parts, strict=True)]
        error = float(np.sqrt(sum(variance for variance, _ in variances)))
        squares = [np.square(z[:, index]) for z in influence]
        total = float(sum(square.sum() for square in squares))
        heavy = total > 0 and max(float(square.max()) for square in squares) > TOO_HEAVY_SHARE * total
        found.append(
            Found(
                figure(statistic, float(value[index]), error, welch(variances), level),
                (TAIL,) if heavy else (),
                methods=("efron1981",),
            )
        )
    return found
