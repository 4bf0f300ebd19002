"""How good one surrogate is: its predictions of the test split against the truth, per seed and over seeds.

The file ``evaluation/<name>.nc`` holds, for a surrogate of fields (dimension ``output``), of scalars (``scalar``)
or of both:

=========================  =======================  ===============================================================
variable                   dimensions               meaning
=========================  =======================  ===============================================================
relative_l2_run            seed, output, run        relative L2 error of every test run
relative_l2                seed, output             its mean over runs: the figure that is quoted
rmse, maximum_error        seed, output             in the unit named by ``output_units``
band_error                 seed, output, band       per wave-number band, root mean square over runs
band_relative_error        seed, output, band       the same, relative to the truth in that band
scalar_truth               scalar, run              in the unit named by ``scalar_units``
scalar_prediction          seed, scalar, run
scalar_relative_rmse       seed, scalar
scalar_rmse                seed, scalar
scalar_maximum_error       seed, scalar
squared_correlation        seed, scalar
<metric>_mean, _spread     without seed             mean and sample standard deviation over seeds
<output>_truth ...         example, grid            truth, prediction and error of a typical, the best, the worst run
<output>_example_run       example                  which runs these are (of the first seed)
runs_not_finite            seed                     test runs with a predicted value that is no number
prediction_cpu_seconds     seed                     cost of one run (not reproducible)
training_cpu_seconds       seed                     cost of the training (not reproducible)
=========================  =======================  ===============================================================

The coordinate ``run`` names the test runs that did not fail; the attributes ``test_runs`` and ``failed_runs``
count both kinds, ``dataset`` is the digest of the manifest. Metrics are defined in `surecast.evaluate.metrics`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.assemble.open import open_dataset
from surecast.evaluate.cost import NOT_REPRODUCIBLE, cpu_seconds_per_run, scores_digest
from surecast.evaluate.examples import examples
from surecast.evaluate.scores import score
from surecast.evaluate.split import good_runs
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, read_json, write_dataset
from surecast.train.surrogate import Surrogate, history_path, load_surrogate

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


def evaluate(
    study: Study, name: str, manifest: str | Path, surrogate_jsons: Sequence[str | Path], output_nc: str | Path
) -> xr.Dataset:
    """Judge one surrogate, all its seeds, on the test split, and write ``evaluation/<name>.nc``.

    Parameters
    ----------
    study : Study
        The study.
    name : str
        Name of the surrogate in the study file.
    manifest : path
        ``dataset.json``.
    surrogate_jsons : sequence of path
        ``surrogates/<name>/seed<k>.json``, one per seed.
    output_nc : path
        Where the scores go.

    Raises
    ------
    DataError
        If the dataset has no test run that did not fail, or a file does not match its digest.
    """
    paths = {seed_of(path): Path(path) for path in surrogate_jsons}
    surrogates = {seed: load_surrogate(paths[seed], study) for seed in sorted(paths)}
    test, failed = good_runs(open_dataset(manifest), "test")
    inputs = list(study.joint_law().names)
    scores = score(surrogates, test, inputs, periodic=study.joint_law().periodic)
    scores = scores.merge(examples(surrogates[min(surrogates)], test, inputs, scores))
    _add_costs(scores, surrogates, paths, test[inputs].load())
    scores.attrs = {
        "long_name": f"accuracy of the surrogate {name!r} on the test split",
        "study": study.name,
        "surrogate": name,
        "kind": str(study.surrogates[name].kind),
        "test_runs": int(test.sizes["run"]),
        "failed_runs": failed,
        "dataset": read_json(manifest)["digest"],
    }
    scores.attrs["scores_digest"] = scores_digest(scores)
    write_dataset(output_nc, scores)
    return scores


def seed_of(path: str | Path) -> int:
    """Seed that the name of a surrogate's file states (``seed3.json``).

    Raises
    ------
    DataError
        If the name states none.
    """
    found = re.fullmatch(r"seed(\d+)\.json", Path(path).name)
    if found is None:
        raise DataError(f"{path}: the name of a surrogate's file is seed<k>.json.", "rename it back.")
    return int(found[1])


def _add_costs(
    scores: xr.Dataset, surrogates: Mapping[int, Surrogate], paths: Mapping[int, Path], inputs: xr.Dataset
) -> None:
    prediction = [cpu_seconds_per_run(surrogate, inputs) for surrogate in surrogates.values()]
    about = {"long_name": "processor time of one prediction, from inputs to outputs", "units": "s", **NOT_REPRODUCIBLE}
    scores["prediction_cpu_seconds"] = ("seed", np.array(prediction), about)
    histories = [read_dataset(history_path(paths[seed])) for seed in surrogates]
    training = [float(history.attrs["training_cpu_seconds"]) for history in histories]
    about = {"long_name": "processor time of the training", "units": "s", **NOT_REPRODUCIBLE}
    scores["training_cpu_seconds"] = ("seed", np.array(training), about)
