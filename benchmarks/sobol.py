"""Sobol indices with 1,000 runs in all, side by side with SALib, OpenTURNS and scipy; and the speed of the analysis.

    OMP_NUM_THREADS=1 python benchmarks/sobol.py --seeds 10 [--peers folder]

For each problem the worst half-width of a first-order index (mean over seeds) and the share of intervals that hold the
reference value, of

    surecast      surrogate decomposition, no surrogate given, 1,000 runs in all (pilot and training included)
    recipe        16 independently scrambled Sobol point sets, Saltelli and Jansen, t interval over them: the honest
                  peer recipe, at as many runs as the goal's half-width takes (doubled; a power law beyond the largest
                  size run); surecast is mostly far below the goal, where the ratio would be larger still
    SALib         sobol.analyze on one Sobol set, bootstrap interval
    OpenTURNS     SaltelliSensitivityAlgorithm on a Monte Carlo experiment, asymptotic interval
    scipy         stats.sobol_indices, percentile bootstrap

the last three with at most 1,000 runs too. `--peers` is a folder that packages were installed into with
``pip install --target``; a peer that is missing is skipped and says so. Times are CPU seconds of one process.
One JSON line a case is printed, and appended to the file that ``--record`` names.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
from surecast.quantify.estimators.surrogate_decomposition import SurrogateDecomposition
from surecast.quantify.given_rows import indices_of_rows
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.quantify.sampling import Task
from surecast.simulate.problems import Problem, problem

RUNS = 1000
GOALS = {"borehole": 0.006, "ishigami": 0.012, "gfunction8": 0.014, "beam_paper": 0.025}
Answer = tuple[np.ndarray, np.ndarray]
"""Lower and upper ends of the first-order indices."""


def function(case: Problem) -> Callable[[np.ndarray], np.ndarray]:
    """The problem on independent uniforms (n, d)."""
    return lambda u: case.simulator(case.law.from_uniform(np.clip(u, 2.0**-54, 1 - 2.0**-53)))[case.output].values


def own(case: Problem, seed: int, runs: int, estimator: Any) -> tuple[Answer, int]:
    """An estimator of surecast."""
    formula = "saltelli" if isinstance(estimator, ScrambledSobol) else "adaptive"
    groups = {name: (name,) for name in case.law.names}
    integrand = SobolIntegrand(case.law, [case.output], groups, ("first", "total"), formula)
    task = Task(case.simulator, [], runs, 0.95, np.random.SeedSequence([seed, runs]), chunk=1 << 16)
    found = estimator.estimate(integrand, task)[: len(groups)]
    ends = np.array([e.low for e in found]), np.array([e.high for e in found])
    return ends, found[0].simulator_runs


def salib(case: Problem, seed: int) -> tuple[Answer, int]:
    """SALib's sampler, estimator and bootstrap."""
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    d = case.law.dimension
    setting = {"num_vars": d, "names": list(case.law.names), "bounds": [[0, 1]] * d}
    rows = 1 << ((RUNS // (d + 2)).bit_length() - 1)
    drawn = sample.sample(setting, rows, calc_second_order=False, seed=seed)
    found = analyze.analyze(setting, function(case)(drawn), calc_second_order=False, seed=seed)
    return (found["S1"] - found["S1_conf"], found["S1"] + found["S1_conf"]), len(drawn)


def openturns(case: Problem, seed: int) -> tuple[Answer, int]:
    """OpenTURNS' estimator with its asymptotic interval."""
    import openturns as ot

    d = case.law.dimension
    rows = RUNS // (d + 2)
    ot.RandomGenerator.SetSeed(seed)
    experiment = ot.SobolIndicesExperiment(ot.JointDistribution([ot.Uniform(0, 1)] * d), rows)
    drawn = np.array(experiment.generate())
    algorithm = ot.SaltelliSensitivityAlgorithm(ot.Sample(drawn), ot.Sample(function(case)(drawn)[:, None]), rows)
    algorithm.setUseAsymptoticDistribution(True)
    interval = algorithm.getFirstOrderIndicesInterval()
    return (np.array(interval.getLowerBound()), np.array(interval.getUpperBound())), len(drawn)


def scipy(case: Problem, seed: int) -> tuple[Answer, int]:
    """scipy.stats.sobol_indices with its bootstrap."""
    from scipy import stats

    d = case.law.dimension
    rows = 1 << ((RUNS // (d + 2)).bit_length() - 1)
    call = function(case)
    found = stats.sobol_indices(
        func=lambda x: call(x.T)[None], n=rows, dists=[stats.uniform(0, 1)] * d, rng=np.random.default_rng(seed)
    )
    interval = found.bootstrap(confidence_level=0.95).first_order.confidence_interval
    return (np.ravel(interval.low), np.ravel(interval.high)), rows * (d + 2)


def repeated(case: Problem, seeds: int, call: Callable[[int], tuple[Answer, int]]) -> dict[str, Any]:
    """Worst half-width (mean over seeds), coverage and runs."""
    reference = np.array([case.reference[f"first[{name}]"] for name in case.law.names])
    widths, hits, start = [], [], time.process_time()
    for seed in range(seeds):
        (low, high), runs = call(seed)
        widths.append(float(np.max(0.5 * (high - low))))
        hits.append((low <= reference) & (reference <= high))
    return {
        "half_width": float(np.mean(widths)),
        "coverage": float(np.mean(hits)),
        "runs": runs,
        "cpu_s": round((time.process_time() - start) / seeds, 3),
    }


def needed(case: Problem, seeds: int, target: float, most: int) -> dict[str, Any]:
    """Runs that the recipe needs for a half-width: doubled until it is there, or extrapolated as a power law."""
    width, sizes, halves = case.law.dimension + 2, [], []
    points = 4
    while True:
        runs = 16 * points * width
        found = repeated(case, seeds, lambda seed, runs=runs: own(case, seed, runs, ScrambledSobol(scramblings=16)))
        sizes.append(found["runs"])
        halves.append(found["half_width"])
        if halves[-1] <= target or 32 * points * width > most:
            break
        points *= 2
    if halves[-1] <= target:
        return {"runs": sizes[-1], "extrapolated": False, "half_width": halves[-1], "coverage": found["coverage"]}
    rate = min(max(np.log(halves[-3] / halves[-1]) / np.log(sizes[-1] / sizes[-3]), 0.5), 1.5)
    runs = int(sizes[-1] * (halves[-1] / target) ** (1 / rate))
    return {"runs": runs, "extrapolated": True, "half_width": halves[-1], "coverage": found["coverage"]}


def analysis() -> dict[str, Any]:
    """655,360 evaluations that are there, d = 8: CPU seconds and memory of the indices with intervals."""
    rows = np.random.default_rng(0).standard_normal((65536, 10))
    rows[:, 2:] += rows[:, :1]
    names = [f"x{i}" for i in range(8)]
    found: dict[str, Any] = {"case": "analysis", "evaluations": rows.size}
    found["surecast_cpu_s"] = timed(lambda: indices_of_rows(rows, names))
    found["memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def by_salib() -> None:
        from SALib.analyze import sobol as analyze

        setting = {"num_vars": 8, "names": names, "bounds": [[0, 1]] * 8}
        order = np.concatenate([rows[:, :1], rows[:, 2:], rows[:, 1:2]], axis=1)
        analyze.analyze(setting, order.ravel(), calc_second_order=False, seed=0)

    def by_openturns() -> None:
        import openturns as ot

        inputs = ot.Sample(np.zeros((rows.size, 8)))
        algorithm = ot.SaltelliSensitivityAlgorithm(inputs, ot.Sample(rows.T.reshape(-1, 1)), len(rows))
        algorithm.setUseAsymptoticDistribution(False)
        algorithm.getFirstOrderIndicesInterval()

    for name, call in (("salib", by_salib), ("openturns_bootstrap", by_openturns)):
        try:
            found[f"{name}_cpu_s"] = timed(call)
        except ImportError as error:
            found[f"{name}_cpu_s"] = f"skipped: {error}"
    return found


def timed(call: Callable[[], Any]) -> float:
    """CPU seconds, the least of three."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        call()
        spent.append(time.process_time() - start)
    return round(min(spent), 4)


def compare(name: str, seeds: int, most: int) -> dict[str, Any]:
    """All methods on one problem."""
    case = problem(name)
    line: dict[str, Any] = {"case": name, "goal": GOALS[name], "seeds": seeds}
    line["surecast"] = repeated(case, seeds, lambda seed: own(case, seed, RUNS, SurrogateDecomposition()))
    target = max(GOALS[name], line["surecast"]["half_width"])
    line["recipe"] = needed(case, min(seeds, 5), target, most)
    line["times_fewer_runs"] = round(line["recipe"]["runs"] / line["surecast"]["runs"], 1)
    for label, peer in (("SALib", salib), ("OpenTURNS", openturns), ("scipy", scipy)):
        try:
            line[label] = repeated(case, seeds, lambda seed, peer=peer: peer(case, seed))
        except ImportError as error:
            line[label] = f"skipped: {error}"
    return line


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="*", default=[*GOALS, "analysis"], help="problems, or analysis")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--most", type=int, default=400_000, help="largest number of runs of the recipe")
    parser.add_argument("--peers", type=Path, help="folder with the peers' packages")
    parser.add_argument("--record", type=Path, help="file that lines are appended to")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    if given.peers:
        sys.path.append(str(given.peers))
    for case in given.cases:
        line = analysis() if case == "analysis" else compare(case, given.seeds, given.most)
        text = json.dumps(line)
        print(text, flush=True)
        if given.record:
            with given.record.open("a") as file:
                file.write(text + "\n")


if __name__ == "__main__":
    main()
