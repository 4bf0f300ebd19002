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
    # Cores of one run, if the study says nothing else. For simulators that are slow more of them make several runs at
    # once, in processes with one thread each: `--set-threads quantify=16`, or in a profile.
    # With `--config scheduler=tcp://...` slow runs go to the workers of a Dask scheduler instead.
    threads: from_plan(lambda plan, wildcards: plan.needs.threads)
    resources:
        mem_mb=growing(lambda needs, wildcards, threads: needs.memory(2000, threads)),
        runtime=growing(lambda needs, wildcards, threads: needs.question_minutes(60, wildcards.question, threads)),
        gpu=needs(lambda needs, wildcards, threads: needs.gpu or None),
        mpi=needs(lambda needs, wildcards, threads: "mpirun" if needs.ranks else None),
        tasks=needs(lambda needs, wildcards, threads: needs.tasks(threads)),
        cpus_per_task=needs(lambda needs, wildcards, threads: needs.cpus if needs.ranks else None),
    script:
        "../scripts/quantify.py"
