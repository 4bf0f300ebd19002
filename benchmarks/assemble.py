"""Assembling a synthetic dataset, side by side with ``cp -r`` and ``sync`` of the same uncompressed bytes.

    python benchmarks/assemble.py --gib 10 --workers 2
    python benchmarks/assemble.py --runs 10000 --parts 100 --fields 1 --dtype float64 --shard-mib 16 --kill --processes

Prints one JSON line: seconds and MiB/s of both (medians over the repeats, which alternate), their ratio,
and the largest memory of the process tree while assembling, sampled every 0.1 s (resident sets summed,
shared pages counted once a process). The load of the machine is printed too: on busy cores the ratio
says more of the others than of the assembly, whose own processor time stands beside it.
Memory is flat in the size of the dataset: compare two sizes. ``--kill`` kills an assembly (SIGKILL) once half of the
shards are there and assembles again, ``--processes`` assembles by Dask's processes instead of its threads, in turn with
the others.
Three fields of 64 x 64 cells in float32 and one scalar, unless said otherwise; a part holds 512 runs (24 MiB). The
files go to ``--folder`` (default: a new temporary folder) and are deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from surecast.study.files import write_dataset
from surecast.study.load import load_study

CELLS = 64
RUNS_PER_PART = 512
SIMULATOR = """
def synthetic(inputs):
    raise RuntimeError("the runs of this benchmark are made beforehand")
"""


@dataclass(frozen=True)
class Size:
    """Runs, runs of a part, names and type of the fields, MiB of a shard."""

    runs: int
    runs_per_part: int
    fields: tuple[str, ...]
    dtype: str
    shard_mib: float

    @property
    def mib(self) -> float:
        """MiB of all fields."""
        return self.runs * len(self.fields) * CELLS * CELLS * np.dtype(self.dtype).itemsize / 2**20


def write_study(folder: Path, size: Size) -> Path:
    """A study whose runs are synthetic fields."""
    outputs = {name: {"units": "m", "dims": ["y", "x"]} for name in size.fields} | {"q": {"units": "m"}}
    design = {"train": size.runs, "validation": 0, "test": 0, "runs_per_part": size.runs_per_part}
    content = {
        "simulator": {"kind": "synthetic:synthetic"},
        "inputs": {"z": {"kind": "uniform", "low": 0, "high": 1}},
        "outputs": outputs,
        "design": {"kind": "sobol", **design},
        "dataset": {"shard_mib": size.shard_mib},
    }
    (folder / "synthetic.py").write_text(SIMULATOR)
    path = folder / "synthetic.yaml"
    path.write_text(json.dumps(content))  # JSON is YAML
    return path


def write_parts(folder: Path, study_path: Path, size: Size) -> None:
    """Design and parts of random fields, uncompressed."""
    from surecast.design.make import make_design
    from surecast.design.parts import parts, select

    study = load_study(study_path)
    design = make_design(study)
    write_dataset(folder / "design.nc", design, compress=False)
    stream = np.random.default_rng(0)
    for part in parts(study.build_design()):
        runs = select(design, part)
        for name in size.fields:
            values = stream.standard_normal((part.runs, CELLS, CELLS), dtype=np.dtype(size.dtype))
            runs[name] = (("run", "y", "x"), values, {"units": "m", "long_name": name})
        runs["q"] = ("run", stream.standard_normal(part.runs), {"units": "m", "long_name": "q"})
        runs["failed"] = ("run", np.zeros(part.runs, dtype=np.int8), {"units": "1", "long_name": "failed"})
        runs["message"] = ("run", np.full(part.runs, "", dtype=object))
        write_dataset(folder / "parts" / f"{part.name}.nc", runs, compress=False)


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


ASSEMBLE = """
import os, resource, sys, time
from pathlib import Path
import dask, dask.array, netCDF4, scipy.stats, xarray, zarr
from surecast.assemble import dataset
from surecast.study.load import load_study

def by_processes(calls, workers, label):
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from dask.multiprocessing import get
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        tasks = [dask.delayed(dataset._call, pure=False)([call]) for call in calls]
        return list(dask.compute(*tasks, scheduler=get, pool=pool, chunksize=1))

folder, study, workers = Path(sys.argv[1]), load_study(sys.argv[2]), int(sys.argv[3])
if sys.argv[4] == "processes":
    dataset.in_parallel = by_processes
parts = sorted((folder / "parts").glob("*.nc"))
begun = time.perf_counter(), time.process_time()
dataset.assemble(study, folder / "design.nc", parts, folder / "d.zarr", folder / "d.json", workers)
os.sync()
children = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = time.process_time() - begun[1] + children.ru_utime + children.ru_stime
print(time.perf_counter() - begun[0], cpu)
"""


def start_assembly(folder: Path, study: Path, workers: int, how: str = "threads") -> subprocess.Popen[str]:
    """Start an assembly in a process of its own, which prints its seconds with a sync after it, and its CPU seconds."""
    return subprocess.Popen(
        [sys.executable, "-c", ASSEMBLE, str(folder), str(study), str(workers), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if how == "threads" else None,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def timed_assembly(folder: Path, study: Path, workers: int, how: str = "threads") -> tuple[float, float, int]:
    """Seconds of an assembly, not of starting Python, its CPU seconds, and the largest memory of its processes."""
    process = start_assembly(folder, study, workers, how)
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


def killed_and_continued(folder: Path, study: Path, workers: int) -> dict[str, Any]:
    """Kill an assembly once half of its shards are there, assemble again, and count what is written again."""
    records = folder / ".d.zarr.partial" / "records"
    shards = folder / ".d.zarr.partial" / "store"
    process = start_assembly(folder, study, workers)
    wanted = json.loads((folder / "d.json").read_text())["variables"]["a"]
    half = -(-wanted["shape"][0] // wanted["shard"]) // 2
    while len(list(records.glob("a.*.nc"))) < half:
        if process.poll() is not None:
            raise SystemExit("the assembly ended before it could be killed")
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {shards / "a" / "c" / record.name.split(".")[1] / "0" / "0": record for record in records.glob("a.*.nc")}
    written = {path.relative_to(shards): path.stat().st_mtime_ns for path in finished}
    seconds, cpu, _ = timed_assembly(folder, study, workers)
    again = sum((folder / "d.zarr" / path).stat().st_mtime_ns != modified for path, modified in written.items())
    return {
        "shards_before_the_kill": len(written),
        "of_them_written_again": again,
        "continued_s": round(seconds, 2),
        "continued_cpu_s": round(cpu, 2),
    }


def timed_copy(folder: Path) -> float:
    """Seconds of ``cp -r`` and ``sync`` of the parts."""
    start = time.perf_counter()
    subprocess.run(["cp", "-r", str(folder / "parts"), str(folder / "copy")], check=True)
    os.sync()
    return time.perf_counter() - start


def benchmark(size: Size, workers: int, repeats: int, folder: Path, kill: bool, processes: bool) -> dict[str, Any]:
    """All ways, in turn, `repeats` times."""
    study = write_study(folder, size)
    write_parts(folder, study, size)
    os.sync()
    others: list[tuple[float, float, int]] = []
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
        if processes:
            others.append(timed_assembly(folder, study, workers, "processes"))
            shutil.rmtree(folder / "d.zarr")
    mib = size.mib
    ours_s, copy_s = statistics.median(ours), statistics.median(copies)
    return {
        "case": "assemble",
        "mib": round(mib),
        "runs": size.runs,
        "parts": len(list((folder / "parts").glob("*.nc"))),
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
        **(_processes(others, ours_s) if processes else {}),
        **(killed_and_continued(folder, study, workers) if kill else {}),
        "load_at_start": round(load, 1),
        "cores": os.cpu_count(),
    }


def _processes(others: list[tuple[float, float, int]], threads_s: float) -> dict[str, Any]:
    seconds, cpu, memory = (statistics.median(column) for column in zip(*others, strict=True))
    return {
        "by_processes_s": round(seconds, 2),
        "by_processes_cpu_s": round(cpu, 2),
        "by_processes_largest_memory_mib": round(memory / 2**20),
        "processes_over_threads_s": round(seconds / threads_s, 2),
    }


def main() -> None:
    """Read the arguments and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the dataset, GiB uncompressed")
    parser.add_argument("--workers", type=int, default=2, help="threads of the assembly")
    parser.add_argument("--repeats", type=int, default=3, help="alternating repeats")
    parser.add_argument("--runs", type=int, help="number of runs, in place of the size")
    parser.add_argument("--parts", type=int, help="number of parts (default: as many as hold 512 runs each)")
    parser.add_argument("--fields", type=int, default=3, help="fields of a run")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"], help="type of the fields")
    parser.add_argument("--shard-mib", type=float, default=256.0, help="size of a file of the store")
    parser.add_argument("--kill", action="store_true", help="also kill an assembly half way, and go on")
    parser.add_argument("--processes", action="store_true", help="also assemble by processes instead of threads")
    parser.add_argument("--folder", type=Path, help="where the files go (three times the size is needed)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="assemble-", dir=arguments.folder))
    try:
        fields = tuple("abcdefgh"[: arguments.fields])
        bytes_per_run = len(fields) * CELLS * CELLS * np.dtype(arguments.dtype).itemsize
        runs = arguments.runs or max(RUNS_PER_PART, int(arguments.gib * 2**30) // bytes_per_run)
        per_part = -(-runs // arguments.parts) if arguments.parts else RUNS_PER_PART
        size = Size(runs, per_part, fields, arguments.dtype, arguments.shard_mib)
        asked = arguments.kill, arguments.processes
        print(json.dumps(benchmark(size, arguments.workers, arguments.repeats, folder, *asked)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
