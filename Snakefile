"""surecast: from a study file to a report, one stage per rule file.

    snakemake --cores all                                        the studies named in config/config.yaml
    snakemake --cores all --config studies=[burgers]             another one
    snakemake --cores all --config studies=/any/path/mine.yaml   one that lives elsewhere
    snakemake --cores all results/burgers/estimates/averages.csv one estimate alone
    snakemake papers --cores all                                 the claims of publications, checked here
"""

import os
import sys
from pathlib import Path

# Sums depend on the number of threads: every numeric job has one, and parallelism is by jobs.
# Set before anything imports NumPy or torch; jobs inherit it, on a cluster too.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
# What a numeric job frees it asks for again at once: glibc is not to give it back to the system in between, which
# then clears every page anew (up to half of the time of an estimate by a Gaussian process).
for variable in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
    os.environ.setdefault(variable, str(2**28))

from surecast.cli import lock, warm
from surecast.cli.plan import lock_digest, script_digests
from surecast.cli.plans import Plans, refuse
from surecast.study.errors import SurecastError

ROOT = Path(str(workflow.current_basedir)).resolve()


configfile: str(ROOT / "config" / "config.yaml")


if workflow.is_main_process:
    lock.announce()
else:
    # On a node of a cluster the process that submitted the job cannot be seen, nor what it has started.
    for variable in (lock.MAIN_PROCESS, warm.SOCKETS):
        os.environ.pop(variable, None)


try:
    # A study that is new here will be run, most likely: what its jobs import is imported while it is planned.
    planned_only = not {"-n", "--dry-run", "--dryrun", "--lint", "--unlock"}.isdisjoint(sys.argv)
    new = warm.start if workflow.is_main_process and not planned_only else None
    scripts = script_digests(ROOT / "workflow" / "scripts")
    PLANS = Plans(config, ROOT / "config" / "studies", lock_digest(ROOT / "envs"), scripts, new)
except SurecastError as error:
    refuse(error)
# Scripts find their study file here and not in `params`: moving a file is no reason to make anything again.
config["study_files"] = PLANS.files

if workflow.is_main_process:
    lock.register(Path.cwd())


report: str(ROOT / "workflow" / "report" / "workflow.rst")


wildcard_constraints:
    study=r"[\w-]+",
    part=r"(train|validation|test)-\d+",
    seed=r"\d+",
    name=r"(?!baselines\b)\w+",
    question=r"\w+",


rule all:
    default_target: True
    input:
        reports=[plan.paths.report for plan in PLANS.asked],


rule papers:
    input:
        page="results/papers/index.html",


include: "workflow/rules/common.smk"
include: "workflow/rules/design.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/quantify.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/papers.smk"


onstart:
    if workflow.is_main_process and workflow.local_exec:
        warm.start(job.rule.name for job in workflow.dag.needrun_jobs())
        warm.expect(name for plan in PLANS.values() for name in plan.imports)
    else:
        warm.end()
    for name, plan in PLANS.items():
        print(f"{name}: results in {plan.paths.root}/, logs in {plan.paths.logs}/", file=sys.stderr)


onsuccess:
    for name, plan in PLANS.items():
        if plan.paths.report.exists():
            print(f"{name}: the report is {plan.paths.report.resolve()}", file=sys.stderr)
        else:
            print(f"{name}: the results are in {plan.paths.root.resolve()}/", file=sys.stderr)


onerror:
    for name, plan in PLANS.items():
        print(f"{name}: a job failed; its message is above and in {plan.paths.logs}/", file=sys.stderr)
    print("What is finished is kept: the same command goes on from there.", file=sys.stderr)
