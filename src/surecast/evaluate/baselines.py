"""What a surrogate has to beat: the same simulator on coarser grids, its error and its cost.

The test runs (``evaluation.baseline_runs`` of them at most) are simulated again on every grid of
`Simulator.coarser`, brought to the dataset's grid and compared with the dataset's truth by the metrics that judge
the surrogates. The file ``evaluation/baselines.nc`` holds:

=========================  =====================  =================================================================
variable                   dimensions             meaning
=========================  =====================  =================================================================
relative_l2_run            grid, output, run      as in `surecast.evaluate.evaluate`, with ``grid`` in place of ``seed``
relative_l2 ...            grid, output           likewise; scalars over ``scalar``
runs_not_finite            grid                   runs that failed on this grid
run_cpu_seconds            grid                   cost of a run there (not reproducible)
simulator_cpu_seconds      (none)                 cost of a run on the dataset's own grid (not reproducible)
=========================  =====================  =================================================================

``grid`` is labelled by the simulator's resolution, finest first; without coarser grids, or without test runs, the file
holds the cost alone. The attribute ``runs_for_training`` counts the training and validation runs: what surrogates
were made from. A cost is the processor time from inputs (fields realised on that grid) to the solution, without its
interpolation to the dataset's grid and without checks: the least that a user of that grid would pay.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.assemble.open import open_dataset
from surecast.evaluate.cost import NOT_REPRODUCIBLE, cpu_seconds_per_run, scores_digest
from surecast.evaluate.interpolate import to_grid_of
from surecast.evaluate.scores import score
from surecast.evaluate.split import good_runs, in_split
from surecast.simulate.truth import Truth
from surecast.study.files import read_json, write_dataset

if TYPE_CHECKING:
    import xarray as xr

    from surecast.simulate.simulator import Simulator
    from surecast.study.model import Study


def baselines(study: Study, manifest: str | Path, output_nc: str | Path) -> xr.Dataset:
    """Measure the simulator on coarser grids and write ``evaluation/baselines.nc``.

    Parameters
    ----------
    study : Study
        The study.
    manifest : path
        ``dataset.json``.
    output_nc : path
        Where the result goes.

    Raises
    ------
    DataError
        If every test run failed.
    """
    dataset = open_dataset(manifest)
    judged = bool(in_split(dataset, "test").any())
    # Without a test split there is nothing to compare with; what a run costs, training runs tell as well.
    runs, _ = good_runs(dataset, "test" if judged else "train")
    runs = runs.isel(run=slice(study.evaluation.baseline_runs))
    simulator: Simulator = study.build_simulator()
    result = compare_grids(study, simulator.coarser() if judged else [], runs)
    seconds = cpu_seconds_per_run(functools.partial(_solved, Truth(study)), runs[_given(study, runs)].load())
    about = f"processor time of a run on the dataset's grid ({grid_label(simulator)}), from inputs to solution"
    result["simulator_cpu_seconds"] = ((), seconds, {"long_name": about, "units": "s", **NOT_REPRODUCIBLE})
    result.attrs = {
        "long_name": "accuracy and cost of the simulator on coarser grids",
        "study": study.name,
        "dataset_grid": grid_label(simulator),
        "test_runs": int(runs.sizes["run"]) if judged else 0,
        "runs_for_training": int(in_split(dataset, "train", "validation").sum()),
        "dataset": read_json(manifest)["digest"],
    }
    result.attrs["scores_digest"] = scores_digest(result)
    write_dataset(output_nc, result)
    return result


def compare_grids(study: Study, simulators: list[Simulator], test: xr.Dataset) -> xr.Dataset:
    """Scores and costs of other grids of the simulator against the outputs in `test`.

    Parameters
    ----------
    study : Study
        The study: its laws and outputs.
    simulators : list of Simulator
        The simulator on other grids, finest first.
    test : xarray.Dataset
        Inputs and true outputs of test runs.

    Returns
    -------
    xarray.Dataset
        As `surecast.evaluate.scores.score`, with ``grid`` in place of ``seed``, and ``run_cpu_seconds``; empty
        without simulators.
    """
    import xarray as xr

    if not simulators:
        return xr.Dataset()
    given = test[_given(study, test)].load()
    truths = [Truth(study, simulator=simulator) for simulator in simulators]
    predictors = {index: functools.partial(_on_grid_of, test, truth) for index, truth in enumerate(truths)}
    scores = score(predictors, test, _given(study, test), periodic=study.joint_law().periodic).rename(seed="grid")
    result = scores.drop_vars([name for name in scores.data_vars if str(name).endswith(("_mean", "_spread"))])
    about = {"long_name": "grid of the simulator", "units": "1"}
    result.coords["grid"] = ("grid", [grid_label(simulator) for simulator in simulators], about)
    seconds = [cpu_seconds_per_run(functools.partial(_solved, truth), given) for truth in truths]
    about = {"long_name": "processor time of a run, from inputs to solution", "units": "s", **NOT_REPRODUCIBLE}
    result["run_cpu_seconds"] = ("grid", np.array(seconds), about)
    return result


def grid_label(simulator: Simulator) -> str:
    """Short text for a resolution, for example ``cells 32``; ``own grid`` where the simulator states none."""
    return ", ".join(f"{key} {value}" for key, value in simulator.resolution().items()) or "own grid"


def _given(study: Study, test: xr.Dataset) -> list[str]:
    return [*study.inputs, *(["seed"] if "seed" in test else [])]


def _solved(truth: Truth, inputs: xr.Dataset) -> xr.Dataset:
    return truth.simulator.run(truth.realise(inputs))


def _on_grid_of(test: xr.Dataset, truth: Truth, inputs: xr.Dataset) -> xr.Dataset:
    import xarray as xr

    outputs, periodic = truth(inputs), truth.study.joint_law().periodic
    return xr.Dataset({name: to_grid_of(outputs[name], test[name], periodic) for name in truth.outputs})
