"""What can be said: one job per question."""


rule quantify:
    input:
        manifest="results/{study}/dataset.json",
        surrogates=from_plan(
            lambda plan, wildcards: [str(path) for path in plan.trained_for(wildcards.question)]
        ),
    output:
        estimate="results/{study}/estimates/{question}.nc",
        table="results/{study}/estimates/{question}.csv",
        record="results/{study}/records/quantify/{question}.json",
    params:
        fingerprint=fingerprint("quantify", "question"),
    log:
        "results/{study}/logs/quantify/{question}.log",
    benchmark:
        "results/{study}/benchmarks/quantify/{question}.tsv"
    message:
        "{wildcards.study}: answering {wildcards.question}"
    # Processes, each with one thread, for simulators that are slow: `--set-threads quantify=16`, or in a profile.
    # With `--config scheduler=tcp://...` slow runs go to the workers of a Dask scheduler instead.
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    script:
        "../scripts/quantify.py"
