"""Runs to one labelled dataset: a Zarr store and the manifest that says what is in it.

Dask works on two lists of tasks with threads: check the parts against their digests, then write the
shards, each by one task. Memory is a few chunks per thread whatever the size of the dataset. The unfinished store
lies beside the declared one, in a folder of its own; an assembly that is killed goes on after its last
finished shard.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from surecast.assemble import manifest as manifests
from surecast.assemble import zarr_store
from surecast.assemble.contents import COORDINATES, SPLIT_FLAGS, contents, statistical
from surecast.assemble.gathered import Gathered, gather
from surecast.assemble.layout import VariableLayout
from surecast.assemble.part_files import inspect_part
from surecast.assemble.refinement import discretisation_error
from surecast.assemble.sources import Source
from surecast.assemble.statistics import combine
from surecast.assemble.task import ShardResult, ShardTask
from surecast.simulate.gates import stop_if_too_many
from surecast.study import digest
from surecast.study.files import read_dataset, read_json, write_json
from surecast.study.progress import progress

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

T = TypeVar("T")
_SMALL = 16 << 20


def assemble(
    study: Study,
    design_path: str | Path,
    part_paths: Sequence[str | Path],
    zarr_path: str | Path,
    manifest_path: str | Path,
    workers: int = 1,
) -> dict[str, Any]:
    """Assemble the parts of a study.

    Parameters
    ----------
    study : Study
        The study.
    design_path : str or Path
        The design (NetCDF).
    part_paths : sequence of str or Path
        Files of all parts, in any order.
    zarr_path, manifest_path : str or Path
        Where the store and the manifest go; both in one folder tree, the manifest refers to the store
        by a relative path.
    workers : int
        Number of threads; no byte of the result depends on it.

    Returns
    -------
    dict
        Content of the manifest; see `surecast.assemble.manifest`.

    Raises
    ------
    DataError
        If a file has changed since it was written, or the parts are not those of the design.
    SimulationError
        If more runs failed than ``failures.max_share``.
    """
    zarr_path, manifest_path = Path(zarr_path), Path(manifest_path)
    design = read_dataset(design_path)
    small = max(8, _SMALL // design.sizes["run"])
    facts = in_parallel([partial(inspect_part, path, small) for path in part_paths], workers, "checking parts")
    gathered = gather(design, facts, list(study.inputs))
    # A part alone cannot say that too many of all runs failed; here all are known, before anything is written.
    status = {name: ("run", gathered.small(name)) for name in ("failed", "message")}
    stop_if_too_many(design.assign(status), design.sizes["run"], study.failures.max_share)
    variables = contents(study, design, gathered)
    aside = zarr_path.parent / f".{zarr_path.name}.partial"
    _prepare(aside, study, design, gathered, variables)
    results = _write(aside, variables, workers)
    body = _describe(study, design, gathered, variables, results)
    body["store"] = os.path.relpath(zarr_path, manifest_path.parent)
    body["metadata"] = zarr_store.metadata_digests(aside / "store")
    if zarr_path.exists():
        shutil.rmtree(zarr_path)
    os.replace(aside / "store", zarr_path)
    write_json(manifest_path, body)
    shutil.rmtree(aside)
    return read_json(manifest_path)


def in_parallel(calls: Sequence[Callable[[], T]], workers: int, label: str) -> list[T]:
    """Results of calls in their order, made by Dask with so many threads."""
    import dask
    from dask.callbacks import Callback
    from dask.threaded import get

    ticks = progress(range(len(calls)), label)
    with Callback(posttask=lambda *_: next(ticks, None)):
        # Threads, not processes (2.6 times the time and twice the memory for 10,000 runs, benchmarks/README.md):
        # NumPy, xxhash and file writing release Python's lock, and memory is that of one process.
        # Wrapped once more, since Dask would search the arguments for collections.
        # Named by its function: at the name "threads" Dask first imports the package for clusters.
        found = dask.compute(
            *[dask.delayed(partial(_call, [call]), pure=False)() for call in calls],
            scheduler=get,
            num_workers=workers,
        )
    ticks.close()  # type: ignore[attr-defined]
    return list(found)


def _call(call: list[Callable[[], T]]) -> T:
    return call[0]()


def _prepare(
    aside: Path,
    study: Study,
    design: xr.Dataset,
    gathered: Gathered,
    variables: dict[str, tuple[VariableLayout, Source]],
) -> None:
    """Make the folder of the unfinished store, or keep it if it was made of the same things."""
    layouts = [layout for layout, _ in variables.values()]
    made_of = digest.of_json(
        [
            manifests.VERSION,
            design.attrs["digest"],
            [part.digest for part in gathered.parts],
            [[manifests.describe(layout, []), layout.attributes] for layout in layouts],
        ]
    )
    plan = aside / "plan.json"
    if plan.exists() and (aside / "store").exists() and read_json(plan)["made_of"] == made_of:
        for torn in (aside / "store").rglob(".*.aside"):
            torn.unlink()  # shards that were being written when the assembly was killed
        return
    if aside.exists():
        shutil.rmtree(aside)
    (aside / "records").mkdir(parents=True)
    names = " ".join(name for name in COORDINATES if name != "run")
    attributes = {"long_name": f"runs of the study {study.name}", "coordinates": names}
    zarr_store.create(aside / "store", layouts, attributes)
    write_json(plan, {"made_of": made_of})


def _write(
    aside: Path, variables: dict[str, tuple[VariableLayout, Source]], workers: int
) -> dict[str, list[ShardResult]]:
    """Write every shard; the results of each variable in the order of its shards."""
    together: dict[Any, tuple[list[VariableLayout], Source]] = {}
    for layout, source in variables.values():
        key = (id(source), layout.shape[0], layout.chunk, layout.shard)
        together.setdefault(key, ([], source))[0].append(layout)
    tasks = [
        ShardTask(layouts, number, source, aside / "store", aside / "records")
        for layouts, source in together.values()
        for number in range(layouts[0].shards)
    ]
    results = in_parallel([task.run for task in tasks], workers, "writing shards")
    found: dict[str, list[ShardResult]] = {name: [] for name in variables}
    for written in results:
        for name, result in written.items():
            found[name].append(result)
    return found


def _describe(
    study: Study,
    design: xr.Dataset,
    gathered: Gathered,
    variables: dict[str, tuple[VariableLayout, Source]],
    results: dict[str, list[ShardResult]],
) -> dict[str, Any]:
    """Everything in the manifest that does not depend on where the files lie."""
    from surecast.study.code import code_digest

    simulator = study.build_simulator()
    split = design["split"].values.astype(str)
    failed = np.asarray(gathered.small("failed")) != 0
    training = np.flatnonzero((split == "train") & ~failed)
    statistics = {}
    for name, (layout, _) in variables.items():
        if statistical(name, layout):
            moments = np.concatenate([result.moments for result in results[name]], axis=1)
            statistics[name] = combine(moments[:, training], int(np.prod(layout.shape[1:])))
    return {
        "format": manifests.FORMAT,
        "version": manifests.VERSION,
        "study": study.name,
        "study_seed": study.seed,
        "design": design.attrs["digest"],
        "runs": design.sizes["run"],
        "variables": {
            name: manifests.describe(layout, [text for result in results[name] for text in result.digests])
            for name, (layout, _) in variables.items()
        },
        "splits": _splits(split, failed),
        "failed_runs": _failed_runs(design, list(study.inputs), failed, gathered.small("message")),
        "statistics": statistics,
        "card": simulator.card(),
        "resolution": simulator.resolution(),
        "code": code_digest(simulator.code_targets()),
        "discretisation_error": _refined(study, design, variables, split, failed),
    }


def _splits(split: np.ndarray, failed: np.ndarray) -> dict[str, Any]:
    found = {}
    for name in SPLIT_FLAGS:
        runs = np.flatnonzero(split == name)
        if runs.size:
            start, stop = int(runs[0]), int(runs[-1]) + 1
            found[name] = {"start": start, "stop": stop, "runs": len(runs), "failed": int(failed[runs].sum())}
        else:
            found[name] = {"start": 0, "stop": 0, "runs": 0, "failed": 0}
    return found


def _failed_runs(
    design: xr.Dataset, inputs: list[str], failed: np.ndarray, messages: np.ndarray | None
) -> list[dict[str, Any]]:
    return [
        {
            "run": int(run),
            "split": str(design["split"].values[run]),
            "index_in_split": int(design["index_in_split"].values[run]),
            "seed": int(design["seed"].values[run]),
            "inputs": {name: design[name].values[run].tolist() for name in inputs},
            "message": "" if messages is None else str(messages[run]),
        }
        for run in np.flatnonzero(failed)
    ]


def _refined(
    study: Study,
    design: xr.Dataset,
    variables: dict[str, tuple[VariableLayout, Source]],
    split: np.ndarray,
    failed: np.ndarray,
) -> dict[str, Any]:
    """Discretisation error on the first test runs that did not fail."""
    import xarray as xr

    runs = np.flatnonzero((split == "test") & ~failed)[: study.dataset.refined_runs]
    outputs = xr.Dataset()
    for name in study.outputs:
        layout, source = variables[name]
        blocks = [block for _, block in source.blocks([name], [(int(run), int(run) + 1) for run in runs])]
        shape = (len(runs), *layout.shape[1:])
        outputs[name] = (layout.dims, np.concatenate(blocks) if blocks else np.empty(shape, layout.dtype))
    return discretisation_error(study, design.isel(run=runs), outputs)
