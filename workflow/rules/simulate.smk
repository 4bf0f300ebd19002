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
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    script:
        "../scripts/simulate.py"
