"""Which runs to make."""


rule design:
    output:
        design="results/{study}/design.nc",
        record="results/{study}/records/design.json",
    params:
        fingerprint=fingerprint("design"),
    log:
        "results/{study}/logs/design.log",
    benchmark:
        "results/{study}/benchmarks/design.tsv"
    message:
        "{wildcards.study}: drawing the inputs of every run"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    script:
        "../scripts/design.py"
