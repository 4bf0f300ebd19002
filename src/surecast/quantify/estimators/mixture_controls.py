r"""Many expectations with one sample: a mixture proposal, and its components as control variates.

    I_j = E_{f_j}[phi_j] = int f_j phi_j,    q = sum_c alpha_c g_c,
    I^_j = beta_j . 1 + mean[(f_j phi_j - beta_j . g)/q]                                   (final sample of q)

since every component integrates to 1: int g_c/q q = 1. The learning rounds, of a tenth of the runs each:

1. every draw so far is weighted to the balance heuristic h, the mixture of all sampled densities (Veach and
   Guibas 1995), and Gaussians g_c are fitted to the weights f_j |phi_j|/h: one or two for each j;
2. the shares minimise sum_j omega_j Var(I^_j), convex in alpha on the simplex,
   min mean_h[sum_j omega_j (f_j phi_j - beta_j . g)^2/(q h)];
3. after the round's draws, which are of q itself, beta_j is the regression of f_j phi_j/q on the controls g_c/q over
   all draws, weighted to q;
4. learning ends where the variance v/(runs left) has not fallen for two rounds, all proposals judged on the same
   points, or half of the runs are used. The proposal of the smallest v is kept, which need not be the last.

(Demange-Chryst, Bachoc and Morio 2022, arXiv 2212.00568; many controls at once by least squares: Leluc, Portier,
Segers and Zhuman 2022.) The final sample is drawn afresh, so that alpha and beta are fixed when it is: I^_j is
unbiased, and its rows are independent. Integrands may change sign. The laws themselves and the wider law
N(0, s^2 I) are components of a least share `defence`: no weight exceeds 2 laws/defence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from surecast.quantify.estimators.full_gaussians import FullGaussian, fit_one, fit_pair, log_densities
from surecast.quantify.estimators.mixture_shares import best_shares

WIDER = 1.5
"""Standard deviation of the wider law."""
PATIENCE = 2
"""Rounds in a row that may gain nothing before learning ends."""


@dataclass(frozen=True)
class Targets:
    """What is asked, over points z (n, d).

    Parameters
    ----------
    dimension : int
        d.
    log_laws : callable
        From points to log f_l, (n, L).
    draw_law : callable
        From (l, normals (n, d)) to draws of f_l.
    functions : callable
        From points to phi, (n, F), as often as there are runs to make.
    pairs : sequence of (int, int)
        Function and law of each expectation.
    """

    dimension: int
    log_laws: Callable[[np.ndarray], np.ndarray]
    draw_law: Callable[[int, np.ndarray], np.ndarray]
    functions: Callable[[np.ndarray], np.ndarray]
    pairs: Sequence[tuple[int, int]]
    laws: int = 1


@dataclass(frozen=True)
class MixtureProposal:
    """q = share_0 mean_l f_l + share_1 N(0, s^2 I) + sum_c share_c g_c, and what was learnt of it.

    Attributes
    ----------
    gaussians : tuple of FullGaussian
        The wider law first.
    shares : (1 + C,) array
    coefficients : (1 + C, J) array
        beta; 0 rows for controls that an expectation does not use.
    variances : (J,) array
        Variance of one draw's contribution to each expectation, with the controls.
    """

    targets: Targets
    gaussians: tuple[FullGaussian, ...]
    shares: np.ndarray
    coefficients: np.ndarray
    variances: np.ndarray

    def log_components(self, z: np.ndarray, log_laws: np.ndarray) -> np.ndarray:
        """log g_c (n, 1 + C), the mean of the laws first."""
        mean = logsumexp(log_laws, axis=1, keepdims=True) - np.log(log_laws.shape[1])
        return np.concatenate([mean, log_densities(self.gaussians, z)], axis=1)

    def log_density(self, z: np.ndarray, log_laws: np.ndarray) -> np.ndarray:
        """log q, (n,)."""
        return np.asarray(logsumexp(self.log_components(z, log_laws), axis=1, b=self.shares))

    def draw(self, stream: np.random.Generator, count: int) -> np.ndarray:
        """Independent draws (count, d) in random order of components."""
        chosen = np.searchsorted(np.cumsum(self.shares)[:-1], stream.random(count), side="right")
        law = stream.integers(self.targets.laws, size=count)
        normals = stream.standard_normal((count, self.targets.dimension))
        z = np.empty_like(normals)
        for index in range(self.targets.laws):
            pick = (chosen == 0) & (law == index)
            if pick.any():
                z[pick] = self.targets.draw_law(index, normals[pick])
        for index, gaussian in enumerate(self.gaussians, start=1):
            z[chosen == index] = gaussian.transform(normals[chosen == index])
        return z

    def summands(self, z: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Summands (n, J) whose means are the estimates, and the weights f_l/q (n, L)."""
        log_laws = self.targets.log_laws(z)
        parts = self.log_components(z, log_laws)
        log_q = logsumexp(parts, axis=1, b=self.shares, keepdims=True)
        weights = np.exp(log_laws - log_q)
        controls = np.exp(parts - log_q)
        return weighted(self.targets, weights, phi) - (controls - 1.0) @ self.coefficients, weights


def weighted(targets: Targets, weights: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """f_j phi_j over the sampled density (n, J), from those of the laws (n, L)."""
    function, law = np.array(targets.pairs).T
    return np.asarray(weights[:, law] * phi[:, function])


@dataclass(frozen=True)
class Learnt:
    """The proposal kept, the runs that learning took, and the rounds."""

    proposal: MixtureProposal
    runs: int
    rounds: int


def learn(
    targets: Targets,
    runs: int,
    stream: np.random.Generator,
    *,
    gaussians: int = 2,
    share: float = 0.1,
    defence: float = 0.1,
    most: float = 0.5,
    scale: np.ndarray | None = None,
) -> Learnt:
    """Learn a proposal and coefficients.

    Parameters
    ----------
    runs : int
        Points in all, those of the final sample included.
    gaussians : int
        1 or 2, fitted for each expectation.
    share : float
        Share of `runs` in each round.
    defence : float
        Least share of the laws and of the wider law together.
    most : float
        Largest share of `runs` to learn with.
    scale : (J,) array, optional
        Size against which each expectation's variance counts, omega_j = 1/scale_j^2; default: int f_j |phi_j|.
    """
    size = max(round(share * runs), 20)
    count = len(targets.pairs)
    plain = MixtureProposal(
        targets, (_wide(targets),), np.array([1.0, 0.0]), np.zeros((2, count)), np.full(count, np.inf)
    )
    best, sampled = plain, [plain]
    z = plain.draw(stream, size)
    phi, log_laws = targets.functions(z), targets.log_laws(z)
    rounds, idle = 1, 0
    while (rounds + 1) * size <= max(most * runs, 2 * size):
        shape = _shaped(_pool(targets, z, log_laws, phi, sampled), scale, gaussians, defence)
        new = shape.draw(stream, size)
        z, phi = np.concatenate([z, new]), np.concatenate([phi, targets.functions(new)])
        log_laws = np.concatenate([log_laws, targets.log_laws(new)])
        sampled.append(shape)
        rounds += 1
        pool = _pool(targets, z, log_laws, phi, sampled)
        trial, before = _regressed(shape, pool), _regressed(best, pool)
        omega = _omega(pool.over, scale)
        old, young = float(before.variances @ omega), float(trial.variances @ omega)
        idle = idle + 1 if old / (runs - (rounds - 1) * size) <= young / (runs - rounds * size) else 0
        best = trial if young < old or rounds == 2 else before
        if idle == PATIENCE:
            break
    return Learnt(best, rounds * size, rounds)


def _wide(targets: Targets) -> FullGaussian:
    return FullGaussian(np.zeros(targets.dimension), WIDER * np.eye(targets.dimension))


@dataclass(frozen=True)
class Pool:
    """All points so far that finished, under the balance heuristic h of the densities that they were drawn from.

    Attributes
    ----------
    z : (n, d) array
    log_laws : (n, L) array
    log_h : (n,) array
    over : (n, J) array
        f_j phi_j/h.
    """

    targets: Targets
    z: np.ndarray
    log_laws: np.ndarray
    log_h: np.ndarray
    over: np.ndarray


def _pool(
    targets: Targets, z: np.ndarray, log_laws: np.ndarray, phi: np.ndarray, sampled: Sequence[MixtureProposal]
) -> Pool:
    log_h = logsumexp([q.log_density(z, log_laws) for q in sampled], axis=0) - np.log(len(sampled))
    over = weighted(targets, np.exp(log_laws - log_h[:, None]), phi)
    done = np.isfinite(over).all(axis=1)
    return Pool(targets, z[done], log_laws[done], log_h[done], over[done])


def _omega(over: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    size = np.abs(over).mean(axis=0) if scale is None else np.asarray(scale, dtype=np.float64)
    found = np.zeros_like(size)
    return np.divide(1.0, np.square(size), out=found, where=size > 0)


def _shaped(pool: Pool, scale: np.ndarray | None, gaussians: int, defence: float) -> MixtureProposal:
    """Components fitted to all points so far, and their shares."""
    targets, z, over = pool.targets, pool.z, pool.over
    omega = _omega(over, scale)
    found = [_wide(targets)]
    owner: list[int] = []
    for j, column in enumerate(np.abs(over).T):
        if column.any():
            fitted = fit_pair(z, column) if gaussians == 2 else [fit_one(z, column)]
            found += fitted
            owner += [j] * len(fitted)
    start = np.concatenate([[0.5 * defence] * 2, np.full(len(found) - 1, (1 - defence) / max(len(found) - 1, 1))])
    none = np.zeros((len(start), over.shape[1]))
    trial = MixtureProposal(targets, tuple(found), start / start.sum(), none, np.zeros(over.shape[1]))
    parts = np.exp(trial.log_components(z, pool.log_laws) - pool.log_h[:, None])
    beta = none.copy()
    mean = over.mean(axis=0)
    for place, j in enumerate(owner, start=2):
        beta[place, j] = mean[j] / owner.count(j)
    square = np.square(over - parts @ beta) @ omega
    return MixtureProposal(
        targets, tuple(found), best_shares(parts, square, trial.shares, defence), none, trial.variances
    )


def _regressed(shape: MixtureProposal, pool: Pool) -> MixtureProposal:
    """The proposal with coefficients regressed on all points, weighted to it by q/h, and the variances that they leave.

    Every proposal is judged on the same points: one that has not seen a tail of its own cannot look better for that.
    """
    parts = shape.log_components(pool.z, pool.log_laws)
    log_q = logsumexp(parts, axis=1, b=shape.shares)
    weights = np.exp(log_q - pool.log_h)
    n = float(weights.sum()) ** 2 / float(np.square(weights).sum())
    weights /= weights.sum()
    controls = np.exp(parts - log_q[:, None])
    response = pool.over * np.exp(pool.log_h - log_q)[:, None]
    response = (response - weights @ response) * np.sqrt(weights)[:, None]
    controls = (controls - weights @ controls) * np.sqrt(weights)[:, None]
    own = np.square(response).sum(axis=0)
    if n < controls.shape[1] + 10:
        return replace(shape, coefficients=np.zeros((controls.shape[1], len(own))), variances=own)
    beta, _, rank, _ = np.linalg.lstsq(controls, response, rcond=1e-8)
    # Variance on fresh draws: what is left, more by what n draws cannot know of `rank` coefficients.
    left = np.square(response - controls @ beta).sum(axis=0) * (n + rank) / (n - rank - 1)
    helps = left < own
    return replace(shape, coefficients=np.where(helps, beta, 0.0), variances=np.where(helps, left, own))
