"""Runs to one labelled dataset with a manifest beside it."""


rule assemble:
    input:
        design="results/{study}/design.nc",
        parts=from_plan(lambda plan, wildcards: [str(plan.paths.part(part)) for part in plan.parts]),
    output:
        # The store itself lies outside the outputs: Snakemake would delete it before a job, and looks at nothing in
        # it. The manifest holds the digest of every chunk, and readers check them.
        manifest="results/{study}/dataset.json",
        record="results/{study}/records/assemble.json",
    params:
        fingerprint=fingerprint("assemble"),
    log:
        "results/{study}/logs/assemble.log",
    benchmark:
        "results/{study}/benchmarks/assemble.tsv"
    message:
        "{wildcards.study}: assembling the dataset"
    # Threads of Dask that read, check and write files side by side, each its own; no sum is shared, BLAS has one thread.
    threads: 2
    resources:
        # Some runs are made again, one at a time, on a finer grid.
        mem_mb=growing(lambda needs, wildcards, threads: needs.memory(1500, 1)),
        runtime=growing(60),
    script:
        "../scripts/assemble.py"
