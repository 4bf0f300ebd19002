"""Published systems: the claim of each, checked here. One job per paper; `snakemake papers` makes them all."""


from surecast.papers.frame import catalogue

PAPERS = catalogue.slugs()
# What the page looks like is no Python, so no digest of code sees it: these files are inputs.
PAPERS_PAGE = [PAGE / "templates" / "page.css", PAGE / "references.bib", catalogue.FOLDER / "frame" / "templates" / "papers.html"]


rule paper:
    output:
        result="results/papers/{slug}.json",
    params:
        fingerprint=lambda wildcards: catalogue.fingerprint(wildcards.slug, PLANS.lock),
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
        templates=[str(path) for path in PAPERS_PAGE],
    output:
        page=report("results/papers/index.html", category="Papers"),
    params:
        code=lambda wildcards: catalogue.page_code(),
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
