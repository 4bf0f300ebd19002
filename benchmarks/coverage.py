"""Do the intervals hold? The problems, questions, estimators and surrogates of `coverage_cases`, over many seeds.

    make coverage                    all cells, 100 seeds or more (hours on two cores); goes on where it was ended
    python benchmarks/coverage.py --quick         one problem a kind, as CI does
    python benchmarks/coverage.py --check         which part of benchmarks/coverage.csv is of the present code

A cell is measured again when its question, the code of its question and estimator, or the number of seeds has changed.

Seeds are 0, 1, 2, ... and nothing else. A case in which any cell fails at 100 seeds is counted over 500, the first 100
among them, and so is the Monte Carlo that it is compared with: what those say is the verdict. Of over a thousand cells
some fail by chance, and an interval that does not hold fails the more surely.

A cell is one statistic of one estimator with one surrogate. Counted are

- all estimates, where there is no surrogate or a good one, and the certified ones with any surrogate: the cell
  fails when a one-sided binomial test rejects coverage of 95 % (92 % for a documented approximation) at the level
  0.01 divided by the number of cells;
- the share of certified estimates: 90 % at least with a good surrogate, and with any surrogate where plain Monte
  Carlo is valid (moments, quantiles, Sobol indices, probabilities above 1e-2), or its own share where it doubts more
  of its answers itself, as those of an output with a heavy tail;
- the median width over that of Monte Carlo with as many final runs: 1.1 at most there. Of indices, shares of 1, none
  narrower than 0.001 is compared: of an input that does nothing Monte Carlo's differences are 0 in every row.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from coverage_cases import GOOD, TRAININGS, Case, cases, problem, surrogate, truth
from scipy import stats

from surecast.quantify.answer import ask
from surecast.quantify.estimates import Estimate
from surecast.quantify.given_data import GivenData, from_runs
from surecast.quantify.sampling import uniforms
from surecast.study import kinds
from surecast.study.code import code_files, own_digest
from surecast.study.digest import of_json
from surecast.study.errors import EstimationError

TABLE = Path(__file__).with_name("coverage.csv")
SEEDS, MORE_SEEDS = 100, 500
LEVEL, APPROXIMATE_LEVEL, ERROR = 0.95, 0.92, 0.01
CERTIFIED_SHARE, WIDEST, RESOLUTION = 0.9, 1.1, 0.001
APPROXIMATE = frozenset({("given_data", "rank_statistics"), ("given_data", "binning")})
"""(kind, estimator) whose documentation says that the interval is approximate."""
COLUMNS = (
    "problem", "kind", "statistic", "estimator", "surrogate", "seeds", "covered", "certified", "covered_certified",
    "width", "width_over_monte_carlo", "simulator_runs", "seconds", "verdict", "code",
)  # fmt: skip
FIELDS = frozenset(
    {"surecast.study.laws.gaussian_field", "surecast.study.laws.karhunen_loeve", "surecast.study.laws.torus"}
)
"""Code that no case runs, as none has an input that is a field (`digests` makes sure): no reason to count again."""
VALID_FOR_MONTE_CARLO = ("moments", "quantiles", "sobol", "exceedance", "expectations", "what_if")


def _code(kind: str, estimator: str) -> str:
    root = Path(__file__).resolve().parent.parent
    targets = (kinds.target("question", kind), kinds.target("estimator", estimator))
    files = code_files([target.partition(":")[0] for target in targets], root)
    return of_json({name: own_digest(path) for name, path in files.items() if name not in FIELDS})


def digests(every: Iterable[Case], seeds: int) -> dict[str, str]:
    """By label, the digest of what decides a case's rows: what is asked, and its question's and estimator's code."""
    codes: dict[tuple[str, str], str] = {}
    found = {}
    for case in every:
        assert all(law.dimension == 1 for law in problem(case.problem).law.laws.values())
        of = case.kind, case.estimator
        codes[of] = codes.get(of) or _code(*of)
        asked = [case.label, dict(case.question), case.training_runs, dict(case.settings), seeds]
        found[case.label] = of_json([asked, codes[of]])[:12]
    return found


def one(case: Case, seed: int) -> list[tuple[str, float, float, float, bool, int, float]]:
    """Statistic, value, low, high, certified, runs, and share of final runs, of every estimate of a seed."""
    of = problem(case.problem)
    question = kinds.resolve("question", case.kind)(
        **case.question,
        surrogate="none" if case.surrogate == "none" else "best",
        estimators=[{"kind": case.estimator, **case.settings}],
    )
    models = surrogate(case.problem, case.surrogate, case.training_runs, seed % TRAININGS)
    stream = np.random.SeedSequence([seed, 20240607])
    if isinstance(question, GivenData):
        inputs = of.law.from_uniform(uniforms(stream, 0, case.training_runs, of.law.dimension))
        found = from_runs(question, of.law, inputs, of.simulator(inputs), independent=True, seed=seed)
    else:
        question.check_law(of.law)
        found = ask(question, question.integrand(of.law), of.simulator, models, lambda kind: stream, steps=0)
    return [(e.statistic.name, e.value, e.low, e.high, not e.doubts, e.simulator_runs, _final(e)) for e in found]


def _final(estimate: Estimate) -> float:
    """Share of the runs that are in the final sample: not made before it."""
    before = sum(estimate.diagnostics.get(name, 0.0) for name in ("pilot_runs", "refinement_runs"))
    return 1 - before / estimate.simulator_runs if before else 1.0


def measure(case: Case, seeds: range, code: str) -> list[dict[str, object]]:
    """Rows of the table for one case, one a statistic; `code` is the digest of what this process has loaded."""
    start = time.process_time()
    true = {**truth(case.problem, case.kind), **case.true}
    found: dict[str, list[Any]] = {}
    refused = ""
    for seed in seeds:
        try:
            answers = one(case, seed)
        except EstimationError as error:  # a refusal in words is an answer: not certified
            refused = error.message
            continue
        for name, *answer in answers:
            if name in true:
                found.setdefault(name, []).append(answer)
    rows = []
    seconds = (time.process_time() - start) / len(seeds)
    for name, answers in found.items():
        held = np.array([low <= true[name] <= high for _, low, high, *_ in answers])
        certified = np.array([answer[3] for answer in answers])
        rows.append(
            {
                "problem": case.problem, "kind": case.kind, "statistic": name, "estimator": case.estimator,
                "surrogate": case.surrogate, "seeds": len(seeds), "covered": int(held.sum()),
                "certified": int(certified.sum()), "covered_certified": int((held & certified).sum()),
                "width": float(f"{_width(answers):.4g}"), "width_over_monte_carlo": "",
                "simulator_runs": round(float(np.mean([answer[4] for answer in answers]))),
                "seconds": round(seconds, 3), "verdict": "", "code": code,
            }
        )  # fmt: skip
    if refused and not rows:
        print(f"{case.label}: refused every time: {refused}", file=sys.stderr)
        row = dict.fromkeys(COLUMNS, "") | {
            "problem": case.problem, "kind": case.kind, "estimator": case.estimator, "surrogate": case.surrogate,
            "seeds": len(seeds), "covered": 0, "certified": 0, "covered_certified": 0, "seconds": round(seconds, 3),
            "code": code,
        }  # fmt: skip
        rows.append(row)
    return rows


def _width(answers: list[Any]) -> float:
    """Median width, as it would be with all runs in the final sample."""
    return float(np.median([(high - low) * np.sqrt(final) for _, low, high, _, _, final in answers]))


def judge(rows: list[dict[str, object]]) -> None:
    """Relate widths to Monte Carlo's with about as many runs (another number: another event), and write verdicts."""
    plain = {
        (row["problem"], row["kind"], row["statistic"]): row
        for row in rows
        if row["estimator"] == "monte_carlo" and row["width"] != ""
    }
    for row in rows:
        beside = plain.get((row["problem"], row["kind"], row["statistic"]))
        width, runs = (0.0, 0) if beside is None else (_number(beside, "width"), _number(beside, "simulator_runs"))
        alike = width > 0 and 0.8 * runs < _number(row, "simulator_runs") < 1.25 * runs
        row["width_over_monte_carlo"] = round(_number(row, "width") / width, 3) if alike else ""
        share = 1.0 if beside is None else _number(beside, "certified") / _number(beside, "seeds")
        row["verdict"] = "; ".join(_faults(row, len(rows), min(CERTIFIED_SHARE, share))) or "holds"


def _number(row: dict[str, object], column: str) -> float:
    return float(str(row[column]))


def _faults(row: dict[str, object], cells: int, certified_by_plain: float) -> list[str]:
    kind, estimator, of = str(row["kind"]), str(row["estimator"]), str(row["surrogate"])
    level = APPROXIMATE_LEVEL if (kind, estimator) in APPROXIMATE else LEVEL
    good = of in ("none", *GOOD.values())
    seeds, certified = int(_number(row, "seeds")), int(_number(row, "certified"))
    faults = []
    if good and stats.binom.cdf(_number(row, "covered"), seeds, level) < ERROR / cells:
        faults.append("under-covers")
    if certified and stats.binom.cdf(_number(row, "covered_certified"), certified, level) < ERROR / cells:
        faults.append("certified under-covers")
    if not row["statistic"]:
        return ["refused every time"] if good else []
    valid = kind in VALID_FOR_MONTE_CARLO and row["width_over_monte_carlo"] != ""
    least = CERTIFIED_SHARE if good else certified_by_plain
    if (good or valid) and stats.binom.cdf(certified, seeds, least) < ERROR / cells:
        faults.append("refuses too often")
    seen = kind != "sobol" or _number(row, "width") > RESOLUTION
    if valid and seen and of != "none" and _number(row, "width_over_monte_carlo") > WIDEST:
        faults.append("wider than Monte Carlo")
    return faults


def quick(every: list[Case]) -> list[Case]:
    """One problem a kind of question: the first one; rare events, which take seconds an estimate, are left out."""
    first: dict[str, str] = {}
    for case in every:
        first.setdefault(case.kind, case.problem)
    return [case for case in every if first[case.kind] == case.problem and case.estimator != "importance_sampling"]


def main() -> int:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of another number nothing is written")
    parser.add_argument("--quick", action="store_true", help="one problem a kind; nothing is written")
    parser.add_argument("--check", action="store_true", help="only say whether the table is of the present code")
    parser.add_argument("--only", default="", help="cells whose label holds this text")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    every = list(cases())
    loaded = digests(every, arguments.seeds)
    held = _present(every) if arguments.seeds == SEEDS else {}
    if arguments.check:
        print(f"{TABLE.name}: {len(held)} of {len(every)} cases are of the present code", end="")
        print("" if len(held) == len(every) else "; the rest is stale or missing: run `make coverage`")
        return 0
    kept = not arguments.quick and arguments.seeds == SEEDS
    chosen = quick(every) if arguments.quick else [case for case in every if arguments.only in case.label]
    waiting = [case for case in chosen if not kept or case.label not in held]
    found = held if kept else {}
    found |= _measured(waiting, range(arguments.seeds), loaded, arguments.workers, every if kept else None)
    rows = _judged(chosen, found)
    if kept and (doubted := _to_count_longer(every, rows)):
        print(f"counted over {MORE_SEEDS} seeds: {', '.join(case.label for case in doubted)}", file=sys.stderr)
        found |= _measured(doubted, range(MORE_SEEDS), digests(every, MORE_SEEDS), arguments.workers, every)
        rows = _judged(chosen, found)
    failing = [row for row in rows if row["verdict"] != "holds"]
    for row in failing:
        print(" ".join(str(row[column]) for column in COLUMNS))
    print(f"{len(rows)} cells, {len(failing)} fail")
    return 1 if failing else 0


def _measured(
    waiting: list[Case], seeds: range, loaded: Mapping[str, str], workers: int, table_of: list[Case] | None
) -> dict[str, list[dict[str, object]]]:
    """Rows of the waiting cases by label; each is written as it is there, into the table of the cases if any."""
    measured: dict[str, list[dict[str, object]]] = {}
    with ProcessPoolExecutor(workers) as pool:
        futures = {pool.submit(measure, case, seeds, loaded[case.label]): case for case in waiting}
        for place, future in enumerate(as_completed(futures), 1):
            case = futures[future]
            measured[case.label] = future.result()
            print(f"{place}/{len(waiting)} {case.label}", file=sys.stderr, flush=True)
            if table_of is not None:
                # Another call may have written its part meanwhile, of code that has changed since this one began.
                present = digests(table_of, len(seeds))
                own = [row for rows in measured.values() for row in rows]
                _write(table_of, _present(table_of) | _of_code(own, present))
    return measured


def _judged(chosen: list[Case], found: Mapping[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    """Rows of the chosen cases, with verdicts as of one table with all that was found."""
    judge([row for rows in found.values() for row in rows])
    return [row for case in chosen for row in found[case.label]]


def _to_count_longer(every: list[Case], rows: list[dict[str, object]]) -> list[Case]:
    """Cases with a row that fails at `SEEDS`, and the Monte Carlo that they are compared with."""
    doubted = [row for row in rows if row["verdict"] != "holds" and int(str(row["seeds"])) == SEEDS]
    of = {(row["problem"], row["kind"]) for row in doubted}
    labels = {_label(row) for row in doubted}
    return [
        case
        for case in every
        if case.label in labels or (case.estimator == "monte_carlo" and (case.problem, case.kind) in of)
    ]


def _label(row: Mapping[str, object]) -> str:
    """Label of the case of a row."""
    return f"{row['problem']} {row['kind']} {row['estimator']} {row['surrogate']}"


def _present(every: list[Case]) -> dict[str, list[dict[str, object]]]:
    """Rows of the table that are of the present code, by the label of their case: the longer count if there is one."""
    return _of_code(_rows(), digests(every, SEEDS)) | _of_code(_rows(), digests(every, MORE_SEEDS))


def _rows() -> list[dict[str, object]]:
    """Rows of the table as it is."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


def _of_code(rows: Iterable[dict[str, object]], wanted: Mapping[str, str]) -> dict[str, list[dict[str, object]]]:
    """Those of the wanted digests, by the label of their case."""
    held: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        if wanted.get(_label(row)) == row["code"]:
            held.setdefault(_label(row), []).append(row)
    return held


def _write(every: list[Case], found: dict[str, list[dict[str, object]]]) -> None:
    """Write what was measured so far, in the order of the cases."""
    rows = [row for case in every for row in found.get(case.label, [])]
    judge(rows)
    aside = TABLE.with_suffix(".tmp")
    with aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    aside.replace(TABLE)


if __name__ == "__main__":
    raise SystemExit(main())
