"""Looking up and listing runs in stores of several sizes, with their index and without (every pack opened).

    OMP_NUM_THREADS=1 python benchmarks/run_store.py --runs 1000 10000 100000

Prints one JSON line a size. Runs have four inputs, two numbers and a field of 64 values, 64 of them a pack. Every time
is the CPU time of a new process, without its start and imports, the median over repeats that alternate between both
ways; ``again`` is the second look-up of the same process. Looked up are 64 runs, of which none is there (`missing`:
what a part asks first) or all are, in one pack (`found`). `listed` is `surecast runs` with a filter. Stores go to
``--folder`` (default: a new temporary folder) and are deleted afterwards. A store of few packs has no index: both ways
are one then.
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
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surecast.simulate.store import DEFINITION, RunStore
from surecast.study.paths import Paths

RUNS_PER_PACK = 64
ONE = """
import contextlib, io, json, sys, time
import pandas, surecast.cli.runs, surecast.quantify.event, surecast.simulate.runs_table
from surecast.cli.main import main
from pathlib import Path
from surecast.simulate import store
from surecast.study.files import read_dataset
task, folder, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
if sys.argv[4] == "without":
    store.PACKS = 10**9
read_dataset(next(Path(folder).glob("*.nc")))  # the first file that is read imports what reads it
start = time.process_time()
if task == "listed":
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["runs", "made", "--where", "peak > 3.5"]) == 0
    print(json.dumps([time.process_time() - start]))
else:
    runs = store.RunStore(folder)
    wanted = [f"{row:032x}" for row in range(number, number + 64)]
    took = []
    for _ in range(2):
        start = time.process_time()
        _, place = runs.find(wanted, {"peak": "d", "u": "d"})
        took.append(time.process_time() - start)
        assert len(place) == (64 if task == "found" else 0)
    print(json.dumps(took))
"""


def fill(store: RunStore, first: int, stop: int) -> None:
    """Add runs `first` to `stop`."""
    for start in range(first, stop, RUNS_PER_PACK):
        numbers = np.arange(start, min(start + RUNS_PER_PACK, stop))
        stream = np.random.default_rng(start)
        runs = xr.Dataset(
            {
                "peak": ("run", stream.standard_normal(len(numbers)), {DEFINITION: "d", "units": "m"}),
                "outflow": ("run", stream.standard_normal(len(numbers)), {DEFINITION: "d", "units": "m2/day"}),
                "u": (("run", "x"), stream.standard_normal((len(numbers), 64)).astype(np.float32), {DEFINITION: "d"}),
                "failed": ("run", np.zeros(len(numbers), dtype=np.int8)),
                "message": ("run", np.full(len(numbers), "", dtype=object)),
            }
        )
        inputs = xr.Dataset({name: ("run", stream.random(len(numbers))) for name in "abcd"})
        store.add(np.array([f"{number:032x}" for number in numbers]), runs, inputs.assign(seed=("run", numbers)))


def timed(task: str, folder: Path, number: int, how: str) -> list[float]:
    """CPU seconds of a task in a process of its own."""
    without = how == "without" and (folder / "index").is_dir()
    if without:
        (folder / "index").rename(folder / "aside")
    command = [sys.executable, "-c", ONE, task, str(folder.resolve()), str(number), how]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parents[2])
    finally:
        if without:
            (folder / "aside").rename(folder / "index")
    if done.returncode:
        raise SystemExit(done.stderr)
    took: list[float] = json.loads(done.stdout)
    return took


def benchmark(folder: Path, runs: int, repeats: int) -> dict[str, Any]:
    """All tasks in a store of that many runs, which grows from the size before."""
    store = Paths("made", folder / "results").store
    there = sum(1 for _ in store.glob("*.nc")) * RUNS_PER_PACK
    begun = time.process_time()
    fill(RunStore(store), there, runs)
    added = (time.process_time() - begun) / ((runs - there) / RUNS_PER_PACK)
    found: dict[str, Any] = {
        "case": "run_store",
        "runs": runs,
        "packs": sum(1 for _ in store.glob("*.nc")),
        "index_files": sum(1 for _ in (store / "index").glob("*.nc")),
        "index_mib": round(sum(path.stat().st_size for path in (store / "index").glob("*.nc")) / 2**20, 2),
        "add_ms_per_pack": round(1e3 * added, 1),
    }
    for task, number in (("missing", 10**9), ("found", runs // 2 // RUNS_PER_PACK * RUNS_PER_PACK), ("listed", 0)):
        took: dict[str, list[list[float]]] = {"with": [], "without": []}
        for _ in range(repeats):
            for how, times in took.items():
                times.append(timed(task, store, number, how))
        medians = {
            how: [statistics.median(column) for column in zip(*times, strict=True)] for how, times in took.items()
        }
        found[f"{task}_ms"] = round(1e3 * medians["with"][0], 1)
        found[f"{task}_without_index_ms"] = round(1e3 * medians["without"][0], 1)
        found[f"{task}_ratio"] = round(medians["without"][0] / medians["with"][0], 1)
        if task != "listed":
            found[f"{task}_again_ms"] = round(1e3 * medians["with"][1], 1)
    return found | {"repeats": repeats, "cores": os.cpu_count(), "load_at_end": round(os.getloadavg()[0], 1)}


def main() -> None:
    """Read the arguments and print one JSON line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000, 100_000], help="sizes, ascending")
    parser.add_argument("--repeats", type=int, default=3, help="alternating repeats")
    parser.add_argument("--folder", type=Path, help="where the stores go")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="run-store-", dir=arguments.folder))
    try:
        for runs in sorted(arguments.runs):
            print(json.dumps(benchmark(folder, runs, arguments.repeats)), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
