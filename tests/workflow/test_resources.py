"""One GPU takes one training at a time; where there is none the request is clipped and they run on the CPU."""

from __future__ import annotations

import re


def test_gpu_is_not_shared(new_house, function_study):
    house = new_house("gpu")
    study = function_study(house.root.parent / "elsewhere")
    chaos = "  chaos: {kind: polynomial_chaos}\n"
    house.edit(study, chaos, chaos + "  gp: {kind: gaussian_process}\n")
    options = ("--cores", "2", "--until", "train", "--config", f"studies={study}")

    none = house.snakemake("--resources", "gpu=0", *options)
    assert events(none.stderr + none.stdout) == ["start", "start", "end", "end"]

    one = house.snakemake("--forcerun", "train", "--resources", "gpu=1", *options)
    assert events(one.stderr + one.stdout) == ["start", "end", "start", "end"]


def events(text: str) -> list[str]:
    """Starts and ends of trainings in the order in which Snakemake tells them."""
    found = re.findall(r"(: training \w+, seed|Rule: train\))", text)
    return ["start" if "seed" in item else "end" for item in found]


NEEDS = "resources: {cpus: 2, mpi: 2, mem_mb: 3000, minutes: 12.5}"


def test_what_a_run_needs_is_asked_for_by_parts_and_questions(new_house, function_study):
    """Threads and resources of the jobs, as Snakemake plans them: those of one run, or of several at once."""
    house = new_house("needs")
    study = function_study(house.root.parent / "elsewhere")
    house.edit(study, 'kind: "mine_model:cube"', f'kind: "mine_model:cube", {NEEDS}')
    shown = " {threads} cores, " + ", ".join(
        f"{name} {{resources.{name}}}" for name in ("mem_mb", "runtime", "tasks", "cpus_per_task", "mpi")
    )
    for rule, told in (("simulate", "simulating {wildcards.part}"), ("quantify", "answering {wildcards.question}")):
        house.edit(f"workflow/rules/{rule}.smk", told, f"{told} with{shown}")
    done = house.snakemake("-n", "--cores", "8", "--set-threads", "simulate=8", "--config", f"studies={study}")
    planned = done.stdout + done.stderr
    # 24 runs of 12.5 minutes, two at a time, and 64, one at a time, beside what a job itself needs.
    parts = "simulating train-0000 with 8 cores, mem_mb 7500, runtime 210, tasks 4, cpus_per_task 2, mpi mpirun"
    question = "answering averages with 4 cores, mem_mb 5000, runtime 860, tasks 2, cpus_per_task 2, mpi mpirun"
    assert parts in planned
    assert question in planned
