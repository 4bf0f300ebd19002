"""Which surrogate helps: the one with the highest squared correlation with the output on the validation runs.

None of these runs enters an estimate. Every output takes its own best surrogate; the runner-up (of
another name) is recorded, and serves as second control variate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from surecast.quantify.integrand import Integrand
from surecast.quantify.pick_freeze import NOISE
from surecast.quantify.sampling import Model
from surecast.study.errors import EstimationError
from surecast.study.files import read_json
from surecast.study.nearest import suggestion

if TYPE_CHECKING:
    from surecast.study.model import Study

LEAST_RUNS = 10


@dataclass(frozen=True)
class Candidate:
    """One trained surrogate: name, seed, and the squared correlation of each output that it predicts."""

    name: str
    seed: str
    model: Any
    squared_correlation: dict[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For records: ``fno/seed0``."""
        return f"{self.name}/{self.seed}"


@dataclass(frozen=True)
class Choice:
    """Surrogates of a question in order of preference, and why.

    `models[k]` predicts every output by the k-th best surrogate for that output; `ranking[output]` lists
    all candidates with their squared correlations, the best first.
    """

    models: tuple[Model, ...] = ()
    ranking: dict[str, list[tuple[str, float]]] = field(default_factory=dict)


def choose(
    study: Study,
    name: str,
    outputs: Sequence[str],
    surrogate_jsons: Mapping[str, Sequence[str | Path]],
    manifest: str | Path,
) -> Choice:
    """Rank the surrogates for a question.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        Name of a surrogate, ``best`` or ``none``.
    outputs : sequence of str
        Outputs that the question needs.
    surrogate_jsons : mapping
        Trained surrogates: name to the JSON files of its seeds.
    manifest : path
        ``dataset.json``.

    Raises
    ------
    EstimationError
        If the named surrogate was not trained, or no candidate predicts an output.
    """
    if name == "none":
        return Choice()
    from surecast.train.surrogate import load_surrogate

    if name != "best" and name not in surrogate_jsons:
        raise EstimationError(f"there is no trained surrogate {name!r}.", suggestion(name, surrogate_jsons))
    wanted = surrogate_jsons if name == "best" else {name: surrogate_jsons[name]}
    inputs, truth = validation_runs(study, outputs, manifest)
    candidates = []
    for label, paths in sorted(wanted.items()):
        for path in paths:
            # Not read where it predicts nothing of that: a network would bring torch with it.
            predicts = [output for output in outputs if output in read_json(path)["outputs"]]
            if predicts:
                model = load_surrogate(path, study)
                predicted = model(inputs, outputs=predicts)
                found = {o: squared_correlation(truth[o].values, predicted[o].values) for o in predicts}
                candidates.append(Candidate(label, Path(path).stem, model, found))
    return rank(candidates, outputs)


def rank(candidates: Sequence[Candidate], outputs: Sequence[str]) -> Choice:
    """Order candidates for every output, one seed of each name.

    Raises
    ------
    EstimationError
        If no candidate predicts an output.
    """
    ranking: dict[str, list[Candidate]] = {}
    for output in outputs:
        able = [c for c in candidates if output in c.squared_correlation]
        if not able:
            raise EstimationError(
                f"no trained surrogate predicts {output!r}.", "name one that does, or write `surrogate: none`."
            )
        ordered = sorted(able, key=lambda c: (-c.squared_correlation[output], c.label))
        ranking[output] = list({c.name: c for c in reversed(ordered)}.values())[::-1]
    depth = min(len(ranked) for ranked in ranking.values())
    models = tuple(Composite({output: ranking[output][k].model for output in outputs}) for k in range(depth))
    return Choice(models, {o: [(c.label, c.squared_correlation[o]) for c in ranked] for o, ranked in ranking.items()})


class Composite:
    """A model that asks for each output the surrogate chosen for it, each surrogate once."""

    def __init__(self, models: Mapping[str, Any]) -> None:
        self.models = dict(models)

    def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
        """Predict the outputs."""
        asked: dict[int, list[str]] = {}
        for output, model in self.models.items():
            asked.setdefault(id(model), []).append(output)
        parts = [self.models[outputs[0]](inputs, outputs=outputs) for outputs in asked.values()]
        return xr.merge(parts, compat="override", join="override", combine_attrs="override")

    def exact_statistics(self, integrand: Integrand) -> np.ndarray:
        """Statistics (S,) that the surrogates know of themselves, as a chaos expansion does; NaN elsewhere."""
        known = np.full(len(integrand.statistics), np.nan)
        for index, statistic in enumerate(integrand.statistics):
            if statistic.law:
                continue  # what it knows holds for the study's own law
            model: Any = self.models.get(statistic.output)
            if statistic.measure in ("mean", "variance") and hasattr(model, statistic.measure):
                known[index] = getattr(model, statistic.measure)(statistic.output)
            elif statistic.measure == "standard_deviation" and hasattr(model, "variance"):
                known[index] = np.sqrt(model.variance(statistic.output))
            elif statistic.measure in ("first", "total") and hasattr(model, "sobol"):
                # The noise of a stochastic simulator is no input of the surrogate: it explains nothing of it.
                indices = {NOISE: (0.0, 0.0)} | model.sobol(statistic.output, integrand.groups_of())
                known[index] = indices[statistic.group][("first", "total").index(statistic.measure)]
        return known


def validation_runs(study: Study, outputs: Sequence[str], manifest: str | Path) -> tuple[xr.Dataset, xr.Dataset]:
    """Inputs and outputs of the validation runs that did not fail.

    Raises
    ------
    EstimationError
        If fewer than ten are left.
    """
    from surecast.assemble.open import open_dataset
    from surecast.evaluate.split import good_runs

    dataset, _ = good_runs(open_dataset(manifest), "validation")
    if dataset.sizes["run"] < LEAST_RUNS:
        raise EstimationError(
            f"only {dataset.sizes['run']} validation runs finished: too few to choose a surrogate by.",
            f"set design.validation to {2 * LEAST_RUNS} or more.",
        )
    inputs = dataset[list(study.inputs)].reset_coords(drop=True).load()
    return inputs, dataset[list(outputs)].reset_coords(drop=True).load()


def squared_correlation(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Squared correlation; 0 where either is constant or not finite."""
    a, b = truth - truth.mean(), predicted - predicted.mean()
    below = float(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b)) ** 2 / below if np.isfinite(below) and below > 0 else 0.0
