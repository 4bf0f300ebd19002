"""The truth, in parts: one job a part."""


def design_of_part(wildcards):
    """The design, whose date does not count for a part whose fingerprint is that of the last time.

    More training runs append to the design and must re-make no part that is there: what decides its runs is
    in the fingerprint. Where that has changed, the date does count: Snakemake (9.27) asks a job for no other
    reason once a job before it has one and all its inputs are ancient.
    """
    plan, design = plan_of(wildcards), str(plan_of(wildcards).paths.design)
    return ancient(design) if plan.is_current("simulate", wildcards.part) else design


rule simulate:
    input:
        design=design_of_part,
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
