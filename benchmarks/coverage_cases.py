"""What `coverage.py` asks: open problems, every kind of question, nine estimators and surrogates, with true values.

What is not asked, docs/questions.md says: it stands on the tests.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from surecast.quantify.choose import Composite
from surecast.quantify.other_law import OtherLaw
from surecast.quantify.sampling import Model, child, generator, scrambled_sobol, uniforms
from surecast.simulate.problems import Problem, names, problem
from surecast.study.laws.joint import JointLaw
from surecast.train.scalar_fit import fit_scalars

TRAININGS = 5
"""Training designs: seed k of a cell takes design k mod 5."""
LEVELS = (0.05, 0.5, 0.95)
GOOD = {"sobol": "polynomial_chaos", "probability": "gaussian_process", "expectations": "polynomial_chaos"}
POOR, WRONG, DELETED = "linear", ("constant", "shuffled"), "mode_deleted"
_REFERENCE_POINTS, _REFERENCE_SCRAMBLINGS = 2**17, 8


@dataclass(frozen=True)
class Case:
    """One cell of the table.

    Parameters
    ----------
    problem, kind, estimator, surrogate : str
        Problem, kind of question, estimator, and quality of the surrogate.
    question : mapping
        The question as a study file gives it, its kind aside.
    training_runs : int
        Runs that the surrogate learns from, none of which enters an estimate; of `given_data` the runs at hand.
    settings : mapping
        Settings of the estimator.
    true : mapping
        True values that are this question's alone.
    """

    problem: str
    kind: str
    estimator: str
    surrogate: str
    question: Mapping[str, Any]
    training_runs: int = 256
    settings: Mapping[str, Any] = field(default_factory=dict)
    true: Mapping[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For the log."""
        return f"{self.problem} {self.kind} {self.estimator} {self.surrogate}"


def cases() -> Iterator[Case]:
    """Every cell: sampling estimators without a surrogate, the others with good, poor and wrong ones."""
    for name in names("sobol"):
        yield from _of_output(problem(name))
    rare_event = {"event": "y > 15", "runs": 1024}
    for quality in (GOOD["sobol"], POOR, *WRONG):
        yield Case(
            "ishigami",
            "exceedance",
            "importance_sampling",
            quality,
            rare_event,
            true={"probability": ishigami_above_15()},
        )
    for name in names("probability"):
        rare = problem(name).reference["probability"] < 1e-2
        runs = {"RP25": 1400}.get(name, 450)
        question = {"event": problem(name).event, "runs": runs}
        for estimator in ("importance_sampling",) if rare else ("control_variates", "importance_sampling"):
            for surrogate in (GOOD["probability"], POOR, *WRONG, *([DELETED] if name == "fourbranch" else [])):
                yield Case(name, "exceedance", estimator, surrogate, question, training_runs=120)
        if not rare:
            yield Case(name, "exceedance", "monte_carlo", "none", question)


def _of_output(of: Problem) -> Iterator[Case]:
    y = of.output
    high = truth(of.name)[f"quantile[{LEVELS[-1]:g}]"]
    questions: dict[str, dict[str, Any]] = {
        "moments": {"of": y, "statistics": ["mean", "variance", "standard_deviation"], "runs": 500},
        "quantiles": {"of": y, "levels": list(LEVELS), "runs": 500},
        "exceedance": {"event": f"{y} > {high!r}", "runs": 500},
        "tail": {"of": y, "levels": [0.9], "runs": 1000},
        "expectations": {"of": [{"output": y}, {"output": y, "power": 2}], "runs": 500},
        "sobol": {"of": y, "runs": 200 * (of.law.dimension + 2)},
        "what_if": {"question": {"kind": "moments", "of": y}, "inputs": dict([_narrower(of)]), "runs": 500},
    }
    for kind, question in questions.items():
        for estimator in ("monte_carlo", "scrambled_sobol", "latin_hypercube"):
            if kind not in ("expectations", "what_if") or estimator == "monte_carlo":
                yield Case(of.name, kind, estimator, "none", question)
        beside = {"sobol": "surrogate_decomposition", "moments": "active_sampling", "what_if": "active_sampling"}
        for estimator in ("control_variates", *([beside[kind]] if kind in beside else [])):
            for surrogate in (GOOD["sobol"], POOR, *WRONG):
                settings: dict[str, Any] = {}
                if estimator == "surrogate_decomposition":
                    # A chaos fitted within would hide what a poor surrogate does; with the most terms it takes minutes.
                    settings = {"terms": 400} if surrogate == GOOD["sobol"] else {"refit": False}
                yield Case(of.name, kind, estimator, surrogate, question, settings=settings)
    for estimator in ("rank_statistics", "binning"):
        yield Case(of.name, "given_data", estimator, "none", {"of": y}, training_runs=1000)


def _narrower(of: Problem) -> tuple[str, dict[str, Any]]:
    """What if the input that matters most kept to the middle four fifths of its law."""
    name = max(of.law.names, key=lambda one: of.reference[f"total[{one}]"])
    lower, upper = of.law.laws[name].from_uniform(np.array([[0.1], [0.9]])).tolist()
    return name, {**of.inputs[name], "lower": lower, "upper": upper}


@functools.cache
def ishigami_above_15(points: int = 2000) -> float:
    """P(y > 15), x2 integrated in closed form, x1 and x3 by the midpoint rule.

    With a = sin x1 (1 + x3^4/10) the event is sin^2 x2 > c = (15 - a)/7, of probability 1 - 2/pi asin(sqrt(c)).
    """
    middle = (np.arange(points) + 0.5) / points * np.pi
    a = np.sin(middle - np.pi / 2)[:, None] * (1 + 0.1 * middle**4)
    return float((1 - 2 / np.pi * np.arcsin(np.sqrt(np.clip((15 - a) / 7, 0, 1)))).mean())


@functools.cache
def truth(name: str, kind: str = "") -> dict[str, float]:
    """True values by the name of the statistic: those of the problem, and quantiles and tails by 2^20 points.

    Of `what_if` moments under the narrower law, by as many.
    """
    of = problem(name)
    if kind == "what_if":
        y = _at_points(of, OtherLaw(inputs=dict([_narrower(of)])).joint(of.law))
        return {"mean": float(y.mean()), "variance": float(y.var()), "standard_deviation": float(y.std())}
    # An index found by sampling may come out as -1e-11, which no interval within [0, 1] holds.
    values = {key: max(v, 0.0) if key.startswith(("first", "total")) else v for key, v in of.reference.items()}
    if of.kind != "sobol":
        return values
    y = np.sort(_at_points(of, of.law))
    for level in (*LEVELS, 0.9):
        values[f"quantile[{level:g}]"] = float(np.quantile(y, level))
    beyond = y[round(0.9 * len(y)) :]
    values["cvar[0.9]"] = float(beyond.mean())
    values["standard_deviation"] = float(np.sqrt(values["variance"]))
    values["probability"] = float(np.mean(y > values[f"quantile[{LEVELS[-1]:g}]"]))
    values["mean of power 2"] = values["variance"] + values["mean"] ** 2
    return values


def _at_points(of: Problem, law: JointLaw) -> np.ndarray:
    """The output at scrambled Sobol points of a law."""
    seed = np.random.SeedSequence([int.from_bytes(of.name.encode(), "little") % 2**63, 1])
    drawn = scrambled_sobol(seed, _REFERENCE_SCRAMBLINGS, 0, _REFERENCE_POINTS, law.dimension)
    return np.concatenate([of.simulator(law.from_uniform(part))[of.output].values for part in drawn])


@functools.cache
def surrogate(name: str, quality: str, runs: int, training: int) -> tuple[Model, ...]:
    """The models of a quality, fitted to independent runs; none for ``none``."""
    if quality == "none":
        return ()
    if quality == DELETED:
        return (_three_branches,)
    of = problem(name)
    seed = np.random.SeedSequence([int.from_bytes(name.encode(), "little") % 2**63, 2, training])
    inputs = of.law.from_uniform(uniforms(child(seed, 0), 0, runs, of.law.dimension))
    outputs = of.simulator(inputs)[[of.output]]
    if quality == "constant":
        return (_Constant(of.output, float(outputs[of.output].mean())),)
    if quality == "shuffled":
        order = generator(child(seed, 1)).permutation(runs)
        outputs = outputs.isel(run=order)
    spec = {
        "linear": {"kind": "polynomial_chaos", "degree": 1},
        "shuffled": {"kind": GOOD[of.kind]},
    }.get(quality, {"kind": quality})
    return (Composite({of.output: fit_scalars(spec, of.law, inputs, outputs)}),)


class _Constant:
    """A surrogate that knows the mean and nothing else."""

    def __init__(self, output: str, value: float) -> None:
        self.output, self.value = output, value

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({self.output: ("run", np.full(inputs.sizes["run"], self.value))})


def _three_branches(inputs: xr.Dataset) -> xr.Dataset:
    """The limit state of `fourbranch` without its third branch: a surrogate that knows nothing of one mode."""
    u1, u2 = inputs["u1"], inputs["u2"]
    curved, along = 3 + 0.1 * (u1 - u2) ** 2, (u1 + u2) / np.sqrt(2)
    known = np.minimum(np.minimum(curved - along, curved + along), u2 - u1 + 7 / np.sqrt(2))
    return known.to_dataset(name="g")
