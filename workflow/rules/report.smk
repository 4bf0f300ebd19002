"""What the reader sees: one page, its figures and tables; the card of the dataset for who asks for it."""

from surecast.cli.card import card_code
from surecast.study.code import own_digest


rule report:
    input:
        manifest="results/{study}/dataset.json",
        scores=from_plan(lambda plan, wildcards: [str(plan.paths.scores(name)) for name in plan.surrogates]),
        baselines="results/{study}/evaluation/baselines.nc",
        histories=from_plan(
            lambda plan, wildcards: [
                str(path.with_suffix(".history.nc")) for name in plan.surrogates for path in plan.trained(name)
            ]
        ),
        estimates=from_plan(
            lambda plan, wildcards: [str(plan.paths.estimate(question)) for question in plan.questions]
        ),
    output:
        page=report(
            "results/{study}/report.html", caption="../report/page.rst", category="Pages", labels={"study": "{study}"}
        ),
        figures=report(
            directory("results/{study}/figures"), patterns=["{name}.pdf"], caption="../report/figures.rst",
            category="Figures", subcategory="{study}", labels={"figure": "{name}"},
        ),
        tables=report(
            directory("results/{study}/tables"), patterns=["{name}.csv"], caption="../report/tables.rst",
            category="Tables", subcategory="{study}", labels={"table": "{name}"},
        ),
        record="results/{study}/records/report.json",
    params:
        fingerprint=fingerprint("report"),
    log:
        "results/{study}/logs/report.log",
    benchmark:
        "results/{study}/benchmarks/report.tsv"
    message:
        "{wildcards.study}: writing the report"
    # Processes that draw figures, each with one thread; on a cluster every node has as many processors.
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    script:
        "../scripts/report.py"


rule card:
    # No target of `all`: it reads the whole dataset and draws dozens of figures. snakemake results/<study>/card.html
    input:
        manifest="results/{study}/dataset.json",
    output:
        page=report(
            "results/{study}/card.html", caption="../report/card.rst", category="Pages", labels={"study": "{study}"}
        ),
    params:
        code=lambda wildcards: card_code(own_digest(ROOT / "workflow" / "scripts" / "card.py")),
        lock=PLANS.lock,
    log:
        "results/{study}/logs/card.log",
    benchmark:
        "results/{study}/benchmarks/card.tsv"
    message:
        "{wildcards.study}: writing the card of the dataset"
    # As for the report.
    threads: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    script:
        "../scripts/card.py"
