"""What the reader sees: one page, its figures and tables."""


rule report:
    input:
        manifest="results/{study}/dataset.json",
        scores=lambda wildcards: [str(plan_of(wildcards).paths.scores(name)) for name in plan_of(wildcards).surrogates],
        baselines="results/{study}/evaluation/baselines.nc",
        estimates=lambda wildcards: [
            str(plan_of(wildcards).paths.estimate(question)) for question in plan_of(wildcards).questions
        ],
    output:
        page="results/{study}/report.html",
        figures=directory("results/{study}/figures"),
        tables=directory("results/{study}/tables"),
        record="results/{study}/records/report.json",
    params:
        fingerprint=fingerprint("report"),
    log:
        "results/{study}/logs/report.log",
    benchmark:
        "results/{study}/benchmarks/report.tsv"
    message:
        "{wildcards.study}: writing the report"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    script:
        "../scripts/report.py"
