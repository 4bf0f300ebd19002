"""Reading shuffled batches of a dataset larger than the memory allowed, side by side with other ways to read it.

    pip install --target /tmp/peers_read --no-deps xbatcher
    OMP_NUM_THREADS=1 python benchmarks/reading.py --peers /tmp/peers_read --gib 2 --memory-mib 256

Each reader runs in a process of its own, in turns, `--repeats` times, and gives batches of the same variables (three
fields of 64 x 64 cells in float32 and one scalar) for up to `--seconds`; nothing is done with a batch. MiB of batches
per second of wall time and of processor time, medians; ratios to the memory map are medians over the repeats. Files
are in the page cache for all (`--gib` must leave room for that): what is compared is the work, not the disk.

- `surecast`: `BatchReader` within `--memory-mib`: digests in the first epoch, which is counted apart from the second;
- `memory map`: one uncompressed file a variable, ``array[rows]`` of the same runs in the same order, which is found
  beforehand; nothing is checked, and the system keeps as much of the file in memory as it likes;
- `xarray, same batches`: ``open_zarr(...).isel(run=rows).load()`` of the same runs;
- `xarray, whole chunks`: chunks in random order, each loaded at once and its runs permuted;
- `xbatcher, same size`: batches of as many neighbouring runs, in random order;
- `xbatcher, whole chunks`: one chunk a batch, in random order.

Prints one JSON line a reader. The largest memory is what the process has more than before the first batch: its own,
and pages of files that it has mapped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from assemble import FIELDS, RUN_BYTES, RUNS_PER_PART, write_parts, write_study

BATCH = 8
VARIABLES = [*FIELDS, "q"]
SEED = 3
READERS = {
    "surecast, no workers": {"workers": 0},
    "surecast, 1 worker": {"workers": 1},
    "surecast, 2 workers": {"workers": 2},
    "memory map": {},
    "xarray, same batches": {},
    "xarray, whole chunks": {},
    "xbatcher, same size": {},
    "xbatcher, whole chunks": {},
}


def write(folder: Path, gib: float) -> None:
    """The dataset, and the same bytes as one plain file a variable."""
    from surecast.assemble.dataset import assemble
    from surecast.assemble.open import open_dataset
    from surecast.study.load import load_study

    runs = max(RUNS_PER_PART, int(gib * 2**30) // RUN_BYTES)
    study = write_study(folder, runs)
    design, parts = write_parts(folder, study)
    assemble(load_study(study), design, parts, folder / "d.zarr", folder / "d.json", workers=2)
    shutil.rmtree(folder / "parts")
    dataset = open_dataset(folder / "d.json")
    for name in VARIABLES:
        variable = dataset[name]
        file = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", variable.dtype, variable.shape)
        for start in range(0, runs, RUNS_PER_PART):
            file[start : start + RUNS_PER_PART] = variable[start : start + RUNS_PER_PART].values
        file.flush()


def batches(name: str, folder: Path, memory_mib: float) -> Iterator[tuple[int, dict[str, Any]]]:
    """Batches of a reader, each with its epoch; an empty one when it is ready."""
    from surecast.assemble.reader import BatchReader

    stream = np.random.default_rng(SEED)
    workers = READERS[name].get("workers", 0)
    reader = BatchReader(folder / "d.json", VARIABLES, "train", BATCH, SEED, memory_mib, workers)
    order = reader._plan(0).order[: reader.batches_per_epoch * BATCH].reshape(-1, BATCH)
    chunk = reader._chunk
    starts = stream.permutation(np.arange(0, len(reader.runs), chunk))
    if name.startswith("surecast"):
        yield 0, {}
        for batch in reader:
            yield reader.epoch, batch
    elif name == "memory map":
        files = {variable: np.load(folder / f"{variable}.npy", mmap_mode="r") for variable in VARIABLES}
        yield 0, {}
        for rows in order:
            yield 0, {variable: np.asarray(file[rows]) for variable, file in files.items()}
    else:
        import xarray as xr

        dataset = xr.open_zarr(folder / "d.zarr", consolidated=False, chunks=None)[VARIABLES]
        if name == "xarray, same batches":
            yield 0, {}
            for rows in order:
                yield 0, arrays(dataset.isel(run=rows))
        elif name == "xarray, whole chunks":
            yield 0, {}
            for start in starts:
                loaded = arrays(dataset.isel(run=slice(start, start + chunk)))
                places = stream.permutation(len(loaded["q"]))
                yield 0, {variable: values[places] for variable, values in loaded.items()}
        else:
            import xbatcher

            size = BATCH if name == "xbatcher, same size" else chunk
            generator = xbatcher.BatchGenerator(dataset, input_dims={"run": size}, preload_batch=False)
            yield 0, {}
            for number in stream.permutation(len(generator)):
                yield 0, arrays(generator[int(number)])


def arrays(dataset: Any) -> dict[str, Any]:
    """Variables of an xarray Dataset in memory."""
    return {variable: dataset[variable].values for variable in VARIABLES}


def memory() -> float:
    """Resident memory, MiB: what is the process's own, and what it has mapped of files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return sum(int(lines[key].split()[0]) for key in ("RssAnon", "RssFile")) / 1024


def read(name: str, folder: Path, memory_mib: float, seconds: float) -> dict[str, Any]:
    """One reader for two epochs or so many seconds each; rates by epoch."""
    found: dict[str, Any] = {}
    giving = batches(name, folder, memory_mib)
    next(giving)
    before, largest = memory(), 0.0
    for epoch in (0, 1):
        total = count = 0
        start, cpu = time.perf_counter(), time.process_time()
        for number, batch in giving:
            if number != epoch or time.perf_counter() - start > seconds:
                break
            total, count = total + sum(batch[variable].nbytes for variable in VARIABLES), count + 1
            if count % 256 == 0:
                largest = max(largest, memory() - before)
        wall, spent = time.perf_counter() - start, time.process_time() - cpu
        largest = max(largest, memory() - before)
        if total:
            found[f"epoch {epoch + 1}"] = {"mib_per_s": total / 2**20 / wall, "mib_per_cpu_s": total / 2**20 / spent}
            found["batches"] = count
    return found | {"largest_memory_mib": largest}


def benchmark(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Every reader in turn, several times."""
    size = sum((folder / f"{name}.npy").stat().st_size for name in VARIABLES) / 2**20
    for path in folder.rglob("*"):
        if path.is_file():
            path.read_bytes()  # into the page cache
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in READERS}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, [os.environ.get("PYTHONPATH"), str(options.peers) if options.peers else ""])
    )
    readers = [name for name in READERS if options.peers or not name.startswith("xbatcher")]
    for _ in range(options.repeats):
        for name in readers:
            command = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
            command += ["--memory-mib", str(options.memory_mib), "--seconds", str(options.seconds)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found[name].append(json.loads(done.stdout))
    for name in readers:
        line: dict[str, Any] = {"reader": name, "mib": round(size), "memory_mib": options.memory_mib, "batch": BATCH}
        for epoch in ("epoch 1", "epoch 2"):
            # A second epoch is there if the first took less than `--seconds`.
            pairs = [
                (one[epoch], other["epoch 1"])
                for one, other in zip(found[name], found["memory map"], strict=True)
                if epoch in one
            ]
            for key in ("mib_per_s", "mib_per_cpu_s") if pairs else ():
                line[f"{epoch}, {key}"] = round(statistics.median(one[key] for one, _ in pairs), 1)
                line[f"{epoch}, {key}, of the memory map"] = round(
                    statistics.median(one[key] / other[key] for one, other in pairs), 3
                )
        yield line | {
            "batches": found[name][0]["batches"],
            "largest_memory_mib": round(max(one["largest_memory_mib"] for one in found[name])),
            "repeats": options.repeats,
            "load": round(os.getloadavg()[0], 1),
            "cores": os.cpu_count(),
        }


def main() -> None:
    """Read the arguments and print one JSON line a reader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the dataset, GiB")
    parser.add_argument("--memory-mib", type=float, default=256.0, help="memory that the reader may use, MiB")
    parser.add_argument("--seconds", type=float, default=5.0, help="longest time of one reader and epoch")
    parser.add_argument("--repeats", type=int, default=5, help="how often every reader runs")
    parser.add_argument("--peers", type=Path, help="folder with xbatcher; without it, it is left out")
    parser.add_argument("--folder", type=Path, help="where the files go (three times the size is needed)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(read(options.one, options.folder, options.memory_mib, options.seconds)))
        return
    folder = Path(tempfile.mkdtemp(prefix="reading-", dir=options.folder))
    try:
        write(folder, options.gib)
        for line in benchmark(folder, options):
            print(json.dumps(line), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
