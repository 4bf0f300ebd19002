"""Rare events with known probabilities: surecast and OpenTURNS side by side, runs, error and honesty of intervals.

    OMP_NUM_THREADS=1 python benchmarks/rare_events.py [--problems RP8 ...] [--seeds 40] [--peers /path/to/openturns]

Every method gets a budget of simulator runs, all of them counted: training, refinement, pilot and final sample.
Prints one JSON line a problem and method: mean runs, relative root mean square error, coverage of the nominal 95 %
intervals, share certified (of OpenTURNS none is: it has no verdict), and `runs_for_5_percent`, the runs at which an
error that falls as 1/sqrt(runs) would be 5 % (not stated for `importance_sampling`, whose surrogate takes its share
of the runs first). OpenTURNS is skipped with the reason where it cannot be imported;
install it beside, not into, the environment: `pip install --target /path/to/openturns openturns`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from surecast.quantify.answer import ask
from surecast.quantify.exceedance import Exceedance
from surecast.simulate.problems import problem
from surecast.simulate.problems.problem import Problem

BUDGETS = {"fourbranch": 600, "RP8": 600, "RP107": 600, "beam_pf": 600, "RP25": 2000}
OURS: dict[str, tuple[dict[str, Any], int]] = {
    "importance_sampling": ({"kind": "importance_sampling"}, 1),
    "adaptive_importance_sampling": ({"kind": "adaptive_importance_sampling"}, 8),
    "cross_entropy": ({"kind": "cross_entropy"}, 8),
    "subset_simulation": ({"kind": "subset_simulation"}, 20),
}
"""Estimators of surecast without a surrogate at hand, and the multiple of the budget that they get."""
PEER_FACTOR = 8


@dataclass(frozen=True)
class Outcome:
    """One answer: value, interval, runs, and whether it was certified."""

    value: float
    low: float
    high: float
    runs: int
    certified: bool


def ours(case: Problem, spec: dict[str, Any], runs: int, seed: int) -> Outcome:
    """One answer of surecast."""
    question = Exceedance(event=case.event, runs=runs, estimators=[spec])
    streams = np.random.SeedSequence(seed)
    (found,) = ask(question, question.integrand(case.law), case.simulator, [], lambda _: streams, steps=0)
    return Outcome(found.value, found.low, found.high, found.simulator_runs, not found.doubts)


class OpenTURNS:
    """FORM with importance sampling, NAIS and subset sampling of OpenTURNS, in standard-normal space."""

    def __init__(self, ot: Any) -> None:
        self.ot = ot
        self.methods: dict[str, Callable[[Any, int], tuple[float, float, float]]] = {
            "openturns_form_importance_sampling": self.form,
            "openturns_nais": self.nais,
            "openturns_subset": self.subset,
        }

    def __call__(self, method: str, case: Problem, runs: int, seed: int) -> Outcome:
        """One answer."""
        ot, dimension = self.ot, case.law.dimension
        ot.RandomGenerator.SetSeed(seed + 1)
        integrand = Exceedance(event=case.event).integrand(case.law)
        made = 0

        def margin(z: Any) -> np.ndarray:
            nonlocal made
            points = np.atleast_2d(np.asarray(z, dtype=np.float64))
            made += len(points)
            return integrand.margin(integrand.values(case.simulator(case.law.from_normal(points))), {})[:, None]

        function = ot.PythonFunction(dimension, 1, func=lambda z: margin(z)[0], func_sample=margin)
        event = ot.ThresholdEvent(
            ot.CompositeRandomVector(function, ot.RandomVector(ot.Normal(dimension))), ot.Greater(), 0.0
        )
        value, low, high = self.methods[method](event, runs)
        return Outcome(value, low, high, made, False)

    def form(self, event: Any, runs: int) -> tuple[float, float, float]:
        """Design point by Cobyla, then importance sampling around it."""
        ot = self.ot
        solver = ot.Cobyla()
        solver.setStartingPoint(event.getAntecedent().getDistribution().getMean())
        solver.setMaximumCallsNumber(runs // 2)
        analysis = ot.FORM(solver, event)
        analysis.run()
        result = analysis.getResult()
        point = result.getStandardSpaceDesignPoint()
        around = ot.Normal(point, ot.CovarianceMatrix(point.getDimension()))
        sampling = ot.ProbabilitySimulationAlgorithm(ot.StandardEvent(event), ot.ImportanceSamplingExperiment(around))
        return self._run(sampling, runs // 2)

    def nais(self, event: Any, runs: int) -> tuple[float, float, float]:
        """Non-parametric adaptive importance sampling."""
        algorithm = self.ot.NAIS(event, 0.1)
        algorithm.setBlockSize(1)
        algorithm.setMaximumOuterSampling(max(100, runs // 5))
        algorithm.run()
        return self._ends(algorithm.getResult())

    def subset(self, event: Any, runs: int) -> tuple[float, float, float]:
        """Subset sampling."""
        algorithm = self.ot.SubsetSampling(event)
        algorithm.setBlockSize(10)
        algorithm.setMaximumOuterSampling(max(10, runs // 50))
        algorithm.run()
        return self._ends(algorithm.getResult())

    def _run(self, algorithm: Any, runs: int) -> tuple[float, float, float]:
        algorithm.setBlockSize(10)
        algorithm.setMaximumOuterSampling(runs // 10)
        algorithm.setMaximumCoefficientOfVariation(0.0)
        algorithm.run()
        return self._ends(algorithm.getResult())

    @staticmethod
    def _ends(result: Any) -> tuple[float, float, float]:
        value = result.getProbabilityEstimate()
        half = result.getConfidenceLength(0.95) / 2
        return value, value - half, value + half


def cases(given: list[str], seeds: int, peers: str) -> Iterator[dict[str, Any]]:
    """One record a problem and method."""
    openturns, reason = load(peers)
    if openturns is None:
        yield {"skipped": "openturns", "reason": reason}
    for name in given:
        case, budget = problem(name), BUDGETS[name]
        for method, (spec, factor) in OURS.items():
            runs = factor * budget
            yield record(name, method, lambda seed, c=case, s=spec, r=runs: ours(c, s, r, seed), seeds, case)
        for method in openturns.methods if openturns else ():
            runs = PEER_FACTOR * budget
            yield record(name, method, lambda seed, c=case, m=method, r=runs: openturns(m, c, r, seed), seeds, case)


def load(peers: str) -> tuple[OpenTURNS | None, str]:
    """OpenTURNS, or None and the reason."""
    if peers:
        sys.path.append(peers)
    try:
        import openturns
    except ImportError as error:
        return None, str(error)
    openturns.Log.Show(openturns.Log.NONE)
    return OpenTURNS(openturns), ""


def record(name: str, method: str, answer: Callable[[int], Outcome], seeds: int, case: Problem) -> dict[str, Any]:
    """Errors, coverage and cost of a method over seeds."""
    truth = case.reference["probability"]
    found, start = [], time.process_time()
    for seed in range(seeds):
        try:
            found.append(answer(seed))
        except (RuntimeError, TypeError) as refusal:  # how OpenTURNS refuses
            return {"problem": name, "method": method, "refused": str(refusal).splitlines()[0][:120]}
    error = float(np.sqrt(np.mean([(one.value / truth - 1) ** 2 for one in found])))
    runs = float(np.mean([one.runs for one in found]))
    needed = {} if method == "importance_sampling" else {"runs_for_5_percent": round(runs * (error / 0.05) ** 2)}
    return {
        "problem": name,
        "method": method,
        "probability": truth,
        "seeds": seeds,
        "runs": round(runs),
        "relative_rmse": round(error, 4),
        "coverage": round(float(np.mean([one.low <= truth <= one.high for one in found])), 3),
        "certified": round(float(np.mean([one.certified for one in found])), 3),
        "relative_half_width": round(float(np.mean([(one.high - one.low) / 2 / truth for one in found])), 3),
        **needed,
        "cpu_seconds": round((time.process_time() - start) / seeds, 2),
    }


def main() -> None:
    """Print one JSON line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--peers", default="", help="folder that OpenTURNS is installed in")
    given = parser.parse_args()
    for line in cases(given.problems, given.seeds, given.peers):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
