"""How good each surrogate is, and what the same simulator does on coarser grids."""


rule evaluate:
    input:
        manifest="results/{study}/dataset.json",
        surrogates=from_plan(lambda plan, wildcards: [str(path) for path in plan.trained(wildcards.name)]),
    output:
        scores="results/{study}/evaluation/{name}.nc",
        record="results/{study}/records/evaluate/{name}.json",
    params:
        fingerprint=fingerprint("evaluate", "name"),
    log:
        "results/{study}/logs/evaluate/{name}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate/{name}.tsv"
    message:
        "{wildcards.study}: evaluating {wildcards.name}"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    script:
        "../scripts/evaluate.py"


rule baselines:
    input:
        manifest="results/{study}/dataset.json",
    output:
        scores="results/{study}/evaluation/baselines.nc",
        record="results/{study}/records/baselines.json",
    params:
        fingerprint=fingerprint("baselines"),
    log:
        "results/{study}/logs/baselines.log",
    benchmark:
        "results/{study}/benchmarks/baselines.tsv"
    message:
        "{wildcards.study}: running the simulator on coarser grids"
    threads: 1
    resources:
        # Some runs are made again, one at a time, on coarser grids.
        mem_mb=growing(lambda needs, wildcards, threads: needs.memory(1500, 1)),
        runtime=growing(60),
    script:
        "../scripts/baselines.py"
