"""Active refinement: simulator runs where surrogate and simulator may disagree about the event.

Candidates z are drawn from a proposal q around the surrogate's event. The next batch takes, one after the other,
the candidate of the largest expected misclassified probability

    phi(z)/q(z) Phi(-U(z)),   U = |margin|/deviation      (U of Echard, Gayton and Lemaire 2011, AK-MCS),

and after each choice the deviations of the others shrink by their correlation with it. Deviations are those of a
Gaussian process, widened by the errors it was seen to make; of other surrogates, the size of their errors, so
that U is the distance to their limit state. Rivals - processes of the outputs, processes of each given surrogate's
discrepancy, the given surrogates themselves - are judged by their predictions of batches that they have not yet
learnt from. No run made here enters an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_ndtr, ndtri

from surecast.quantify.estimators.refits import Refit, Zoomed, refit, zoom
from surecast.quantify.estimators.search import Searched, guarded, guards, reliability_index, search
from surecast.quantify.normal_space import NormalSpace, Predictor
from surecast.quantify.sampling import child, generator

_CANDIDATES = 1024
_START = 0.25
_START_BETA = 3.0
_BATCHES = 6
_LEAST_BATCH = 6
_SETTLED = 5e-3
_MOST_GIVEN = 2
_TRIALS = 2
"""Batches after which only the two best rivals go on learning."""
_TINY = 1e-9
_LARGEST_LOSS = 20.0


@dataclass(eq=False)
class Rival:
    """One way to predict the outputs, with the errors (in margin), deviations and loss of its predictions so far."""

    base: Predictor | None
    learns: bool
    zooms: bool = False
    predictor: Predictor | None = None
    errors: list[np.ndarray] = field(default_factory=list)
    deviations: list[np.ndarray] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def fitted(self) -> Predictor:
        """Its predictor, once it has one."""
        assert self.predictor is not None
        return self.predictor

    @property
    def score(self) -> float:
        """Mean loss -log P(event or not, as it was) of the last two batches; infinite without any."""
        return float(np.mean(self.losses[-2:])) if self.losses else np.inf

    def judge(self, margin: np.ndarray, predicted: np.ndarray, deviation: np.ndarray) -> None:
        """Take in margins (n,) that it predicted before it learnt from them."""
        sure = np.where(margin > 0, predicted, -predicted) / self.spread(deviation)
        self.losses.append(float(np.mean(np.minimum(-log_ndtr(sure), _LARGEST_LOSS))))
        self.errors.append(margin - predicted)
        self.deviations.append(deviation)

    def spread(self, deviation: np.ndarray) -> np.ndarray:
        """Deviation (n,) widened to the errors seen."""
        if not self.errors:
            return np.maximum(deviation, _TINY)
        errors, known = np.concatenate(self.errors[-3:]), np.concatenate(self.deviations[-3:])
        if known.any():
            factor = float(np.sqrt(np.mean(np.square(errors / np.maximum(known, _TINY)))))
            return np.maximum(np.clip(factor, 1.0, 10.0) * deviation, _TINY)
        return np.full_like(deviation, max(float(np.sqrt(np.mean(errors**2))), _TINY))


class Refinement:
    """Rivals, and the runs that train and judge them.

    Parameters
    ----------
    space : NormalSpace
        Simulator and given surrogates.
    rank, components, samples : int
        See `surecast.quantify.estimators.search.search`.
    """

    def __init__(self, space: NormalSpace, rank: int, components: int, samples: int) -> None:
        self.space, self.rank, self.components, self.samples = space, rank, components, samples
        given = list(space.surrogates[:_MOST_GIVEN])
        self.rivals = [Rival(None, True), Rival(None, True, zooms=True)]
        for predictor in given:
            self.rivals += [Rival(predictor, True), Rival(predictor, False, predictor=predictor)]
        self.stream = generator(child(space.task.seed, 2))
        self.spent = 0

    def leaders(self, count: int) -> list[Rival]:
        """The rivals that predicted best."""
        able = [rival for rival in self.rivals if rival.predictor is not None]
        return sorted(able, key=lambda rival: rival.score)[:count]

    def search(self, rival: Rival, samples: int, optimism: float = 0.0) -> Searched:
        """Where a rival's margin plus `optimism` deviations is positive."""
        predictor = rival.fitted

        def margin(z: np.ndarray) -> np.ndarray:
            if optimism == 0:
                self.space.surrogate_runs += len(z)
                return self.space.margin_of(predictor.values(z))
            found, deviation = self.space.unsure(predictor, z)
            return np.asarray(found + optimism * rival.spread(deviation))

        return search(margin, self.space.dimension, samples, self.stream, rank=self.rank, most=self.components)

    def learn(self, all_of_them: bool = True) -> None:
        """Refit the rivals that learn, all or the two that predict best, to the runs made so far."""
        chosen = self.rivals if all_of_them else self.leaders(2)
        first = self.rivals[0]
        for rival in self.rivals:
            if not rival.learns or not (rival in chosen or (rival is first and any(one.zooms for one in chosen))):
                continue
            if rival.zooms:
                assert isinstance(first.predictor, Refit)
                rival.predictor = zoom(self.space, first.predictor)
            else:
                rival.predictor = refit(self.space, rival.base)

    def observe(self, z: np.ndarray) -> np.ndarray:
        """Run the simulator and judge every rival by it; the events (n,), NaN where a run failed."""
        event, margin = self.space.truth(z)
        done = ~np.isnan(margin)
        for rival in self.rivals:
            if rival.predictor is not None and done.any():
                predicted, deviation = self.space.unsure(rival.predictor, z[done])
                rival.judge(margin[done], predicted, deviation)
        self.spent += len(z)
        return event

    def refine(self, runs: int) -> None:
        """Spend at most so many runs; fewer where no misclassified probability is left to expect."""
        first = min(runs, max(round(_START * runs), 2 * self.space.dimension + 8))
        self.observe(self._design(first))
        self.learn()
        left, done = runs - first, 0
        size = max(_LEAST_BATCH, -(-left // _BATCHES))
        while left > 0:
            batch, settled = self._batch(min(size, left))
            self.observe(batch)
            done += 1
            self.learn(done <= _TRIALS)
            left -= len(batch)
            if settled:
                break

    def _design(self, count: int) -> np.ndarray:
        """Scrambled Sobol points of the input law, every other one of the law inflated."""
        from scipy.stats import qmc

        sampler = qmc.Sobol(self.space.dimension, scramble=True, bits=30, rng=self.stream)
        uniform = sampler.random(2 ** int(np.ceil(np.log2(count))))[:count] + 2.0**-31
        wide = guards(self.space.dimension, _START_BETA)[1].scale
        z = np.asarray(ndtri(uniform))
        z[1::2] *= wide
        return z

    def _batch(self, count: int) -> tuple[np.ndarray, bool]:
        """The next points (count, d), and whether little is left to learn."""
        leader = self.leaders(1)[0]
        found = self.search(leader, max(self.samples // 4, 128), optimism=1.0)
        defence = guards(self.space.dimension, reliability_index(found.probability))
        proposal = guarded(found.components, found.shares, defence, 0.3)
        z = proposal.draw(self.stream, _CANDIDATES)
        margin, deviation = self.space.unsure(leader.fitted, z)
        spread = leader.spread(deviation)
        log_weights = self.space.log_law(z) - proposal.log_density(z)
        chosen = choose(z, margin, spread, log_weights, count, _lengths(leader.fitted, z))
        weights = np.exp(log_weights)
        event = float(np.mean(weights * (margin > 0)))
        unsure = float(np.mean(weights * np.exp(log_ndtr(-np.abs(margin) / spread))))
        return z[chosen], bool(self.rivals[0].errors and unsure < _SETTLED * event)


def choose(
    z: np.ndarray, margin: np.ndarray, spread: np.ndarray, log_weights: np.ndarray, count: int, lengths: np.ndarray
) -> np.ndarray:
    """Indices (count,) of candidates, each the one of the largest expected misclassified probability left.

    Parameters
    ----------
    z : (n, d) array
        Candidates.
    margin, spread, log_weights : (n,) arrays
        Margin, its deviation, and log phi/q.
    lengths : (d,) array
        Lengths of a Matern 5/2 correlation by which a chosen point tells of others.
    """
    scaled, left = z / lengths, spread.astype(np.float64).copy()
    free = np.ones(len(z), dtype=bool)
    chosen = []
    for _ in range(min(count, len(z))):
        score = np.where(free, log_weights + log_ndtr(-np.abs(margin) / np.maximum(left, _TINY)), -np.inf)
        best = int(np.argmax(score))
        chosen.append(best)
        free[best] = False
        distance = np.sqrt(5.0 * np.square(scaled - scaled[best]).sum(axis=1))
        correlation = (1 + distance + distance**2 / 3) * np.exp(-distance)
        left = left * np.sqrt(np.maximum(1 - correlation**2, 1e-4))
    return np.asarray(chosen)


def _lengths(predictor: Predictor, z: np.ndarray) -> np.ndarray:
    """Lengths of a refitted process, at most as wide as the candidates lie apart; else their spread."""
    spread = np.maximum(z.std(axis=0), 1e-3) * np.sqrt(z.shape[1])
    return np.minimum(predictor.lengths, spread) if isinstance(predictor, Refit | Zoomed) else spread
