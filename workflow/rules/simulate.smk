"""The truth, in parts: one job a part."""


rule simulate:
    input:
        design=from_plan(design_of_part),
    output:
        runs="results/{study}/runs/{part}.nc",
        record="results/{study}/records/simulate/{part}.json",
    params:
        fingerprint=fingerprint("simulate", "part"),
    log:
        "results/{study}/logs/simulate/{part}.log",
    benchmark:
        "results/{study}/benchmarks/simulate/{part}.tsv"
    message:
        "{wildcards.study}: simulating {wildcards.part}"
    # Cores of one run, if the study says nothing else; more of them make several runs at once (`--set-threads simulate=8`).
    threads: from_plan(lambda plan, wildcards: plan.needs.threads)
    resources:
        mem_mb=growing(lambda needs, wildcards, threads: needs.memory(1500, threads)),
        runtime=growing(lambda needs, wildcards, threads: needs.part_minutes(60, threads)),
        gpu=needs(lambda needs, wildcards, threads: needs.gpu or None),
        # Of a program of several ranks, which it starts itself (`mpirun`, `srun`): what a cluster is asked for.
        mpi=needs(lambda needs, wildcards, threads: "mpirun" if needs.ranks else None),
        tasks=needs(lambda needs, wildcards, threads: needs.tasks(threads)),
        cpus_per_task=needs(lambda needs, wildcards, threads: needs.cpus if needs.ranks else None),
    script:
        "../scripts/simulate.py"
