"""Check the claim of one paper."""

from surecast.cli.job import bare_job

with bare_job(snakemake, f"paper {snakemake.wildcards.slug}"):
    from surecast.papers.frame.catalogue import paper
    from surecast.papers.frame.run import run_paper

    run_paper(paper(snakemake.wildcards.slug), snakemake.output.result, snakemake.params.fingerprint)
