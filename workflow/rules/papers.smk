"""Published systems: the claim of each, checked here. One job per paper; `snakemake papers` makes them all."""


from surecast.papers.frame import catalogue
from surecast.study.code import own_digest

SCRIPTS = ROOT / "workflow" / "scripts"
PAPERS = catalogue.slugs()


rule paper:
    output:
        result="results/papers/{slug}.json",
    params:
        fingerprint=lambda wildcards: catalogue.fingerprint(wildcards.slug, PLANS.lock, own_digest(SCRIPTS / "paper.py")),
    wildcard_constraints:
        slug="|".join(PAPERS),
    log:
        "results/papers/logs/{slug}.log",
    benchmark:
        "results/papers/benchmarks/{slug}.tsv"
    message:
        "papers: checking the claim of {wildcards.slug}"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    script:
        "../scripts/paper.py"


rule papers_page:
    input:
        results=expand("results/papers/{slug}.json", slug=PAPERS),
    output:
        page=report("results/papers/index.html", category="Papers"),
    params:
        code=lambda wildcards: catalogue.page_code(own_digest(SCRIPTS / "papers_page.py")),
    log:
        "results/papers/logs/page.log",
    benchmark:
        "results/papers/benchmarks/page.tsv"
    message:
        "papers: writing the page"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(5),
    script:
        "../scripts/papers_page.py"
