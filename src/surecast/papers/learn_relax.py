"""A bandit that learns the relaxation of SOR; see `surecast.simulate.linear.bandits` and `learned_relaxation`."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.simulate.cooled_plate import CooledPlate
from surecast.simulate.linear.bandits import Binned, TsallisINF
from surecast.simulate.linear.learned_relaxation import LearnedRelaxation, Relaxed, relaxed
from surecast.simulate.linear.solver import Answer, LinearSystem
from surecast.study.seeds import generator

SIDE, ROUNDS, TOLERANCE = 10, 5000, 1e-8
RELAXATIONS = np.linspace(1.0, 1.95, 20)
LOW, WIDTH, SHIFTS, BINS = -0.15, 0.6, 161, 5
LAWS = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
SEEDS = (0, 1, 2)


def matrix(shift: float) -> sparse.csr_array:
    """The five-point matrix of SIDE x SIDE inner points, diagonal 4, plus a shift of the diagonal."""
    beside = -np.ones(SIDE - 1)
    line = sparse.diags_array([beside, np.full(SIDE, 2.0), beside], offsets=[-1, 0, 1])
    one = sparse.eye_array(SIDE)
    return (sparse.kron(one, line) + sparse.kron(line, one) + shift * sparse.eye_array(SIDE**2)).tocsr()


def sweeps(dense: np.ndarray, f: np.ndarray, relaxation: float, tolerance: float = TOLERANCE) -> int:
    """Sweeps of SOR from a zero start, by the map r <- (I - A (D/w + L)^-1) r: `relaxation.sor` for small matrices."""
    lower = np.tril(dense, -1) + np.diag(np.diag(dense) / relaxation)
    onwards = np.eye(len(dense)) - dense @ np.linalg.inv(lower)
    r, target, count = f.copy(), tolerance**2 * (f @ f), 0
    while r @ r > target:
        r = onwards @ r
        count += 1
    return count


def table(stream: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shifts (SHIFTS,) and the sweeps (SHIFTS, arms) of each, for a right-hand side of its own of white noise."""
    shifts = LOW + WIDTH * np.arange(SHIFTS) / (SHIFTS - 1)
    found = np.zeros((SHIFTS, len(RELAXATIONS)))
    for row, shift in enumerate(shifts):
        dense, f = matrix(float(shift)).toarray(), stream.standard_normal(SIDE**2)
        found[row] = [sweeps(dense, f, float(relaxation)) for relaxation in RELAXATIONS]
    return shifts, found


def played(learner: TsallisINF | Binned, shifts: np.ndarray, costs: np.ndarray, blind: bool = False) -> np.ndarray:
    """Cost of every round (rounds,); `blind`: the learner is told the cost of another arm, drawn by its own number."""
    found = np.zeros(len(costs))
    for number, (shift, row) in enumerate(zip(shifts, costs, strict=True)):
        arm = learner.choose(float(shift))
        found[number] = row[arm]
        learner.learn(float(row[(arm + 1 + 7 * number % (len(row) - 1)) % len(row)] if blind else row[arm]))
    return found


def heat(steps: int = 200) -> dict[str, float]:
    """Iterations of the systems of one run of `CooledPlate`: learnt, and with each relaxation throughout."""
    grid = np.linspace(1.0, 1.95, 20)
    settings = LearnedRelaxation(low=1.0, high=1.95, relaxations=20, tolerance=TOLERANCE)
    plate = CooledPlate(cells=32, steps=steps, cooled=[(0.25, 0.5, 0.5, 0.75)], linear_solver=settings)
    source = 1.0 + generator(0, "papers", "learn-relax", "heat").random((32, 32))
    systems: list[LinearSystem] = []

    class Kept(Relaxed):
        def solve(self, system: LinearSystem) -> Answer:
            systems.append(system)
            return super().solve(system)

    sequence = Kept(settings)
    plate.stepped(source, 0.2, sequence)
    every = np.array([[relaxed(one, w, TOLERANCE, 5000).products for one in systems[::8]] for w in grid])
    return {
        "learnt": float(np.mean(sequence.iterations)),
        "learnt, second half": float(np.mean(sequence.iterations[len(systems) // 2 :])),
        "best of the relaxations throughout": float(every.mean(axis=1).min()),
        "relaxation 1 (Gauss and Seidel)": float(every[0].mean()),
        "a random relaxation": float(every.mean()),
    }


def measure() -> Measured:
    """See `PAPER`."""
    values: dict[str, list[float]] = {name: [] for name in PAPER.criteria}
    control: dict[str, list[float]] = {name: [] for name in ("high_best", "high_gauss_seidel", "high_regret")}
    beside: dict[str, list[float]] = {}
    shifts, costs = table(generator(0, "papers", "learn-relax", "table"))
    edges = (LOW + WIDTH * np.arange(1, BINS) / BINS).tolist()
    arms = len(RELAXATIONS)
    for seed in SEEDS:
        for law, (a, b) in LAWS.items():
            stream = generator(seed, "papers", "learn-relax", law)
            rows = np.rint(stream.beta(a, b, ROUNDS) * (SHIFTS - 1)).astype(int)
            given, all_costs = shifts[rows], costs[rows]
            best = int(all_costs.mean(axis=0).argmin())
            plain = played(TsallisINF(arms, stream), given, all_costs)
            binned = played(Binned(arms, edges, stream), given, all_costs)
            regret = (plain - all_costs[:, best]).reshape(2, -1).mean(axis=1)
            values[f"{law}_best"].append(plain.mean() / all_costs[:, best].mean())
            values[f"{law}_gauss_seidel"].append(plain.mean() / all_costs[:, 0].mean())
            values[f"{law}_regret"].append(regret[1] / regret[0])
            values[f"{law}_context"].append(binned.mean() / plain.mean())
            if law == "high":
                blind = played(TsallisINF(arms, stream), given, all_costs, blind=True)
                lost = (blind - all_costs[:, best]).reshape(2, -1).mean(axis=1)
                control["high_best"].append(blind.mean() / all_costs[:, best].mean())
                control["high_gauss_seidel"].append(blind.mean() / all_costs[:, 0].mean())
                control["high_regret"].append(lost[1] / lost[0])
            for name, cost in {
                "Tsallis-INF": plain,
                "Tsallis-INF with the shift as context": binned,
                "best fixed relaxation": all_costs[:, best],
                "best relaxation of each system": all_costs.min(axis=1),
                "Gauss and Seidel": all_costs[:, 0],
            }.items():
                beside.setdefault(f"{law} variance, {name}: sweeps", []).append(float(cost.mean()))
    shown = {name: float(np.mean(found)) for name, found in beside.items()}
    shown |= {f"heat, 400 systems of one run, SSOR-CG, {name}: iterations": value for name, value in heat().items()}
    return Measured(values, control, shown)


def _criteria() -> dict[str, Criterion]:
    found: dict[str, Criterion] = {}
    for law in LAWS:
        found |= {
            f"{law}_best": Criterion(f"{law} variance: learnt over best fixed relaxation, sweeps", at_most=1.25),
            f"{law}_gauss_seidel": Criterion(f"{law} variance: learnt over Gauss and Seidel, sweeps", at_most=0.35),
            f"{law}_regret": Criterion(f"{law} variance: regret of a round, second half over first", at_most=0.6),
            f"{law}_context": Criterion(f"{law} variance: learnt with context over learnt without", at_most=1.0),
        }
    return found


PAPER = Paper(
    slug="learn-relax",
    title="Learning to relax: setting solver parameters across a sequence of linear system instances",
    reference="khodak2024",
    claim="A bandit that sees the number of iterations alone picks the relaxation of SOR for each system of a sequence "
    "and comes near the best fixed one; told the shift of the diagonal, near the best one of each system. The abstract "
    "gives no figure.",
    check=f"The five-point matrix of {SIDE} x {SIDE} points plus a random shift, {ROUNDS} systems in a row, to "
    f"{TOLERANCE:g}, {len(RELAXATIONS)} relaxations from 1 to 1.95, {len(SEEDS)} seeds; shifts -0.15 + 0.6 Beta(0.5, "
    "1.5) (high variance) and Beta(2, 6) (low). Iterations are tabulated for 161 shifts.",
    criteria=_criteria(),
    control="The learner is told the iterations of another relaxation than the one that it chose.",
    measure=measure,
    note="With a context, one learner for each of five bins of the shift stands for the paper's regression in "
    "Chebyshev polynomials. Over the 400 systems of one run of heat conduction the same learner, which then chooses "
    "the relaxation of SSOR for conjugate gradients, takes more iterations than the relaxation 1 alone: see below.",
)
