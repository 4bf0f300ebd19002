"""Coupled fields, learnt by one network or each by its own: electric heating and natural convection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from surecast.papers.frame.learning import first_weights, minimise
from surecast.papers.frame.paper import Criterion, Measured, Paper
from surecast.simulate.truth import Truth
from surecast.study.model import Study
from surecast.study.seeds import generator
from surecast.train.device import same_bits
from surecast.train.models.fno_network import FourierOperator

if TYPE_CHECKING:
    import xarray as xr

SEEDS = (0, 1)
CELLS, TRAINING, TESTS, BATCH, STEPS = 32, 240, 60, 8, 300
"""Cells along an axis, runs, runs in a batch, optimiser steps of every network."""

JOULE: dict[str, Any] = {
    "seed": 1,
    "simulator": {"kind": "joule_heating", "cells": CELLS, "thermal_conductivity": 0.5, "sides": "cooled"},
    "inputs": {
        "conductivity": {"kind": "gaussian_field", "variance": 0.5, "length": 0.2, "terms": 48, "units": "1"},
        "voltage": {"kind": "uniform", "low": 10.0, "high": 20.0, "units": "V"},
    },
    "outputs": {"potential": {"units": "V"}, "temperature": {"units": "K"}},
}
CONVECTION: dict[str, Any] = {
    "seed": 1,
    "simulator": {
        "kind": "boussinesq",
        "columns": CELLS,
        "rows": CELLS,
        "time": 0.2,
        "steps": 400,
        "rayleigh": None,
        "heating": "field",
    },
    "inputs": {
        "heating": {"kind": "gaussian_field", "variance": 25.0, "length": 0.3, "terms": 24},
        "rayleigh": {"kind": "loguniform", "a": 1e3, "b": 3e4},
    },
    "outputs": {
        "velocity_x": {"units": "1"},
        "velocity_y": {"units": "1"},
        "temperature": {"units": "1"},
    },
}
PROBLEMS = {"heating": JOULE, "convection": CONVECTION}


class Runs(NamedTuple):
    """Runs of a problem as arrays.

    Attributes
    ----------
    channels : numpy.ndarray
        What a network sees: the field, the logarithm of the number, coordinates; (run, channel, y, x), of order one.
    fields : numpy.ndarray
        The coupled fields (run, field, y, x).
    """

    channels: np.ndarray
    fields: np.ndarray


def study(content: dict[str, Any]) -> Study:
    """The problem as a study, so that laws, solver and gates are those that a user has."""
    design = {"kind": "monte_carlo", "train": TRAINING, "validation": 0, "test": TESTS}
    return Study.from_content({**content, "design": design}, "multiphysics.yaml")


def inputs_of(made: Study, count: int, *identity: str | int) -> xr.Dataset:
    """Independent draws from the laws of the inputs."""
    law = made.joint_law()
    return law.from_uniform(generator(made.seed, *identity).random((count, law.dimension)))


def simulated(content: dict[str, Any], count: int, seed: int, name: str) -> Runs:
    """That many runs, without those that failed."""
    made = study(content)
    inputs = inputs_of(made, count, "papers", "multiphysics-bench", name, seed)
    truth = Truth(made)
    outputs = truth(inputs)
    good = outputs["failed"].values == 0
    realised = truth.realise(inputs)
    field, number = (realised[key].transpose("run", ...).values[good] for key in made.inputs)
    field = (field - field.mean()) / field.std()
    number = np.log(number)
    number = (number - number.mean()) / number.std()
    axis = np.linspace(-1.0, 1.0, CELLS)
    ones = np.ones((good.sum(), CELLS, CELLS))
    channels = [field, number[:, None, None] * ones, axis * ones, axis[:, None] * ones]
    fields = np.stack([outputs[key].transpose("run", "y", "x").values[good] for key in made.outputs], axis=1)
    return Runs(np.stack(channels, axis=1).astype(np.float32), fields.astype(np.float32))


def learnt(seen: np.ndarray, wanted: np.ndarray, tests: np.ndarray, seed: int) -> np.ndarray:
    """Predictions for the tests, of a network of one size that minimises the plain mean square on what is wanted.

    Parameters
    ----------
    seen : numpy.ndarray
        (run, channel, y, x).
    wanted : numpy.ndarray
        (run, field, y, x).
    tests : numpy.ndarray
        What is seen of the test runs.
    seed : int
        Of weights and batches.
    """

    def make() -> FourierOperator:
        return FourierOperator(seen.shape[1], wanted.shape[1], 2, width=12, modes=6, layers=3, padding=4)

    network = first_weights(make, seed, "papers", "multiphysics-bench")
    stream = generator(seed, "papers", "multiphysics-bench", "batches")

    def loss() -> Tensor:
        rows = stream.choice(len(seen), BATCH, replace=False)
        return (network(_tensor(seen[rows])) - _tensor(wanted[rows])).square().mean()

    minimise(network, loss, STEPS, 5e-3)
    with torch.no_grad():
        return np.asarray(network(_tensor(tests)).numpy())


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))


def relative_l2(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of each field, mean over the runs of |predicted - truth| / |truth|, norms over space."""
    error = np.sqrt(np.square(predicted - truth).sum(axis=(2, 3)))
    return np.asarray((error / np.sqrt(np.square(truth).sum(axis=(2, 3)))).mean(axis=0))


def jointly(runs: Runs, seed: int, fields: Sequence[int], apart: bool) -> np.ndarray:
    """Predictions for all runs of one network for some of the fields, that learns from the training runs.

    `apart` scales each field by its own mean and deviation; otherwise all by one deviation, as they come.
    """
    wanted = runs.fields[:-TESTS][:, list(fields)]
    mean = wanted.mean(axis=(0, 2, 3), keepdims=True) if apart else np.float32(0.0)
    scale = wanted.std(axis=(0, 2, 3) if apart else None, keepdims=True)
    return learnt(runs.channels[:-TESTS], (wanted - mean) / scale, runs.channels, seed) * scale + mean


def coupled(runs: Runs, predicted: np.ndarray, seed: int, apart: bool) -> np.ndarray:
    """Predictions of a network that sees, beside the inputs, all fields as a first network predicts them."""
    mean, scale = (getattr(predicted[:-TESTS], what)(axis=(0, 2, 3), keepdims=True) for what in ("mean", "std"))
    channels = np.concatenate([runs.channels, (predicted - mean) / scale], axis=1)
    return jointly(Runs(channels, runs.fields), seed, range(runs.fields.shape[1]), apart)


def distance_from_second_order(content: dict[str, Any], seed: int) -> float:
    """Largest over the coupled fields of |p - 2|, p the order of convergence over 16, 32 and 64 cells.

    p = log2(|u_16 - u_32| / |u_32 - u_64|), each on the coarser grid (root mean square over space and runs).
    """
    made = study(content)
    inputs = inputs_of(made, 2, "papers", "multiphysics-bench", "order", seed)
    middle = made.build_simulator()
    coarse = next(grid for grid in middle.coarser() if _cells(grid) == CELLS // 2)
    grids = [coarse, middle, middle.refined()]
    solved = [Truth(made, simulator=grid)(inputs)[list(made.outputs)] for grid in grids]
    errors = [
        {key: float(np.square((grid.restrict(finer)[key] - own[key]).values).mean()) for key in made.outputs}
        for grid, own, finer in zip(grids, solved, solved[1:], strict=False)
    ]
    return max(abs(0.5 * float(np.log2(errors[0][key] / errors[1][key])) - 2) for key in made.outputs)


def _cells(simulator: Any) -> int:
    return int(getattr(simulator, "cells", None) or simulator.columns)


def measure() -> Measured:
    """Every arm on both problems."""
    values: dict[str, list[float]] = {name: [] for name in PAPER.criteria}
    control: dict[str, list[float]] = {name: [] for name in PAPER.criteria}
    beside: dict[str, list[float]] = {}
    with same_bits():
        for name, content in PROBLEMS.items():
            values[f"{name}_order"].append(distance_from_second_order(content, 0))
            del control[f"{name}_order"]
            for seed in SEEDS:
                runs = simulated(content, TRAINING + TESTS, seed, name)
                every = range(runs.fields.shape[1])
                together = jointly(runs, seed, every, apart=False)
                scaled = jointly(runs, seed, every, apart=True)
                each = np.concatenate([jointly(runs, seed, [one], apart=True) for one in every], axis=1)
                # What the network is shown in the control are the fields of other runs, which tell it nothing.
                mixed = together[generator(seed, "papers", "multiphysics-bench", "mixed").permutation(len(together))]
                naive, apart, alone, remedied, nothing = (
                    relative_l2(found[-TESTS:], runs.fields[-TESTS:])
                    for found in (
                        together,
                        scaled,
                        each,
                        coupled(runs, scaled, seed, apart=True),
                        coupled(runs, mixed, seed, apart=False),
                    )
                )
                values[f"{name}_naive"].append(float((naive / alone).mean()))
                control[f"{name}_naive"].append(float((apart / alone).mean()))
                values[f"{name}_remedied"].append(float(remedied.max() / naive.max()))
                control[f"{name}_remedied"].append(float(nothing.max() / naive.max()))
                arms = {"as they come": naive, "scaled apart": apart, "each alone": alone, "remedies": remedied}
                for arm, found in arms.items():
                    for place, key in enumerate(content["outputs"]):
                        told = f"{name}, {arm}: relative L2 of {key.replace('_', ' ')}"
                        beside.setdefault(told, []).append(float(found[place]))
    return Measured(values, control, {name: float(np.mean(found)) for name, found in beside.items()})


PAPER = Paper(
    slug="multiphysics-bench",
    title="Multiphysics Bench: benchmarking and investigating scientific machine learning for multiphysics PDEs",
    reference="yang2025",
    claim="Networks made for a single field usually do very poorly on coupled fields; scaling each field by itself and "
    "showing a network the fields that it is coupled to are the remedies. The abstract gives no figure.",
    check=f"Electric heating of a random conductor and convection with random heating, {CELLS} x {CELLS} cells, "
    f"{TRAINING} training and {TESTS} test runs, Fourier neural operators of one size with {STEPS} steps, {len(SEEDS)} "
    "seeds. Relative L2 of each field by one network for all fields as they come, over that of a network for the field "
    "alone (mean over the fields); worst field with both remedies over worst field without; order of convergence of "
    "both solvers by runs on three grids.",
    criteria={
        "heating_order": Criterion("Electric heating, distance of the order of convergence from 2", at_most=0.2),
        "convection_order": Criterion("Convection, distance of the order of convergence from 2", at_most=0.2),
        "heating_naive": Criterion("Electric heating, one network as they come over a network each", at_least=1.5),
        "convection_naive": Criterion("Convection, one network as they come over a network each", at_least=1.5),
        "heating_remedied": Criterion("Electric heating, worst field with the remedies over without", at_most=0.7),
        "convection_remedied": Criterion("Convection, worst field with the remedies over without", at_most=0.7),
    },
    control="For the poor performance: one network for all fields, each scaled by itself. For the remedies: as they "
    "come, with the coupled fields of other runs.",
    measure=measure,
    note="Potential and temperature of the conductor are of like size: little goes wrong, and little can be remedied. "
    "In convection velocities are twenty times the temperature, which a network for all fields then neglects. Scaling "
    "each field by itself is most of the remedy, seeing the coupled fields the rest.",
)
