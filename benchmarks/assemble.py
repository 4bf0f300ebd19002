"""Assembling a synthetic dataset, side by side with ``cp -r`` and ``sync`` of the same uncompressed bytes.

    python benchmarks/assemble.py --gib 10 --workers 2

Prints one JSON line: seconds and MiB/s of both (medians over the repeats, which alternate), their ratio,
and the largest memory of the process tree while assembling, sampled every 0.1 s (resident sets summed,
shared pages counted once a process). The load of the machine is printed too: on busy cores the ratio
says more of the others than of the assembly, whose own processor time stands beside it.
Memory is flat in the size of the dataset: compare two sizes.
Three fields of 64 x 64 cells in float32 and one scalar; every part holds 512 runs (24 MiB). The files go to
``--folder`` (default: a new temporary folder) and are deleted afterwards.
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
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from surecast.study.files import write_dataset
from surecast.study.load import load_study

FIELDS = ("a", "b", "c")
CELLS = 64
RUNS_PER_PART = 512
RUN_BYTES = len(FIELDS) * CELLS * CELLS * 4
SIMULATOR = """
def synthetic(inputs):
    raise RuntimeError("the runs of this benchmark are made beforehand")
"""


def write_study(folder: Path, runs: int) -> Path:
    """A study whose runs are synthetic fields."""
    outputs = {name: {"units": "m", "dims": ["y", "x"]} for name in FIELDS} | {"q": {"units": "m"}}
    content = {
        "simulator": {"kind": "synthetic:synthetic"},
        "inputs": {"z": {"kind": "uniform", "low": 0, "high": 1}},
        "outputs": outputs,
        "design": {"kind": "sobol", "train": runs, "validation": 0, "test": 0, "runs_per_part": RUNS_PER_PART},
    }
    (folder / "synthetic.py").write_text(SIMULATOR)
    path = folder / "synthetic.yaml"
    path.write_text(json.dumps(content))  # JSON is YAML
    return path


def write_parts(folder: Path, study_path: Path) -> tuple[Path, list[Path]]:
    """Design and parts of random fields, uncompressed."""
    from surecast.design.make import make_design
    from surecast.design.parts import parts, select

    study = load_study(study_path)
    design = make_design(study)
    write_dataset(folder / "design.nc", design, compress=False)
    stream = np.random.default_rng(0)
    paths = []
    for part in parts(study.build_design()):
        runs = select(design, part)
        for name in FIELDS:
            values = stream.standard_normal((part.runs, CELLS, CELLS), dtype=np.float32)
            runs[name] = (("run", "y", "x"), values, {"units": "m", "long_name": name})
        runs["q"] = ("run", stream.standard_normal(part.runs), {"units": "m", "long_name": "q"})
        runs["failed"] = ("run", np.zeros(part.runs, dtype=np.int8), {"units": "1", "long_name": "failed"})
        runs["message"] = ("run", np.full(part.runs, "", dtype=object))
        paths.append(folder / "parts" / f"{part.name}.nc")
        write_dataset(paths[-1], runs, compress=False)
    return folder / "design.nc", paths


def tree_memory(stop: threading.Event, pid: int, found: list[int]) -> None:
    """Append the resident memory of a process and its children every 0.1 s until told to stop."""
    process = psutil.Process(pid)
    while not stop.is_set():
        try:
            members = [process, *process.children(recursive=True)]
            found.append(sum(member.memory_info().rss for member in members))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.1)  # finding the children costs milliseconds


def timed_assembly(folder: Path, study: Path, workers: int) -> tuple[float, float, int]:
    """Seconds of an assembly with a sync after it, its CPU seconds, and its largest memory in bytes.

    It runs in a process of its own, which reports the seconds of `assemble` itself, not of starting Python.
    """
    code = (
        "import sys, time, os, json; from pathlib import Path\n"
        "from surecast.study.load import load_study\nfrom surecast.assemble.dataset import assemble\n"
        "folder, study, workers = Path(sys.argv[1]), load_study(sys.argv[2]), int(sys.argv[3])\n"
        "import dask.array, netCDF4, scipy.stats, xarray, zarr\n"
        "parts = sorted((folder / 'parts').glob('*.nc'))\n"
        "start, cpu = time.perf_counter(), time.process_time()\n"
        "assemble(study, folder / 'design.nc', parts, folder / 'd.zarr', folder / 'd.json', workers)\n"
        "os.sync()\nprint(time.perf_counter() - start, time.process_time() - cpu)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(study), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    stop, memory = threading.Event(), [0]
    watcher = threading.Thread(target=tree_memory, args=(stop, process.pid, memory))
    watcher.start()
    out, _ = process.communicate()
    stop.set()
    watcher.join()
    if process.returncode:
        raise SystemExit("the assembly failed; see above")
    seconds, cpu = map(float, out.split()[-2:])
    return seconds, cpu, max(memory)


def timed_copy(folder: Path) -> float:
    """Seconds of ``cp -r`` and ``sync`` of the parts."""
    start = time.perf_counter()
    subprocess.run(["cp", "-r", str(folder / "parts"), str(folder / "copy")], check=True)
    os.sync()
    return time.perf_counter() - start


def benchmark(gib: float, workers: int, repeats: int, folder: Path) -> dict[str, Any]:
    """Both, in turn, `repeats` times."""
    runs = max(RUNS_PER_PART, int(gib * 2**30) // RUN_BYTES)
    study = write_study(folder, runs)
    write_parts(folder, study)
    os.sync()
    ours, copies, cpu, memory = [], [], [], 0
    load = os.getloadavg()[0]
    for _ in range(repeats):
        copies.append(timed_copy(folder))
        shutil.rmtree(folder / "copy")
        seconds, cpu_seconds, peak = timed_assembly(folder, study, workers)
        files = sum(1 for path in (folder / "d.zarr").rglob("*") if path.is_file())
        shutil.rmtree(folder / "d.zarr")
        ours.append(seconds)
        cpu.append(cpu_seconds)
        memory = max(memory, peak)
    mib = runs * RUN_BYTES / 2**20
    ours_s, copy_s = statistics.median(ours), statistics.median(copies)
    return {
        "case": "assemble",
        "mib": round(mib),
        "runs": runs,
        "workers": workers,
        "repeats": repeats,
        "assemble_s": round(ours_s, 2),
        "cp_sync_s": round(copy_s, 2),
        "assemble_cpu_s": round(statistics.median(cpu), 2),
        "assemble_mib_per_s": round(mib / ours_s),
        "cp_sync_mib_per_s": round(mib / copy_s),
        "throughput_ratio": round(copy_s / ours_s, 2),
        "largest_memory_mib": round(memory / 2**20),
        "files": files,
        "load_at_start": round(load, 1),
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Read the arguments and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the dataset, GiB uncompressed")
    parser.add_argument("--workers", type=int, default=2, help="threads of the assembly")
    parser.add_argument("--repeats", type=int, default=3, help="alternating repeats")
    parser.add_argument("--folder", type=Path, help="where the files go (three times the size is needed)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="assemble-", dir=arguments.folder))
    try:
        print(json.dumps(benchmark(arguments.gib, arguments.workers, arguments.repeats, folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
